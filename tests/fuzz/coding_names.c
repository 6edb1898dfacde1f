/* The value of Content-Encoding: any bytes give a decoder, none, or a sentence.
 *
 * seed: gzip, br
 * seed: identity,,x-gzip , zstd */
#include "fuzz.h"
#include "http/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lf_decoder *d = NULL;
    char why[LF_DECODER_WHY] = "";
    enum lf_err err = lf_decoder_new((const char *)data, size, &d, why);
    FUZZ_CHECK(err == LF_OK || (err == LF_EDECODE && !d && *why));
    for (const char *p = why; *p; p++)
        FUZZ_CHECK((unsigned char)*p >= ' ');
    lf_decoder_free(d);
    return 0;
}
