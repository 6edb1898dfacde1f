/* ISO 8601: what was read is written and read again as the same millisecond, and a date
 * that is written can be read.
 *
 * seed: 2024-02-29T12:00:00.123456789+02:00
 * seed: 20240229T120000Z
 * seed: 2024-02
 * seed: 1999-12-31 23:59:60-0130
 * seed: 0000-01-01T00:00+14 */
#include "fuzz.h"
#include "http/date.h"

enum { NANOS = 1000000000, NANOS_A_MILLI = 1000000 };

static const int64_t first = -62167219200, last = 253402300799; /* years 0 to 9999 */

static void check(int64_t epoch, int millis)
{
    char text[LF_DATE_ISO_LEN];
    int64_t again;
    int nanos;
    lf_date_format_iso(epoch, millis, text);
    FUZZ_CHECK(strlen(text) < sizeof text);
    FUZZ_CHECK(lf_date_parse_iso(text, strlen(text), &again, &nanos));
    if (epoch < first || epoch > last)
        return;
    FUZZ_CHECK(again == epoch && nanos == (millis < 0 ? 0 : millis) * NANOS_A_MILLI);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz in = {(const char *)data, size};
    char *block = fuzz_block(in);
    int64_t epoch;
    int nanos = -1;
    if (lf_date_parse_iso(block, size, &epoch, &nanos)) {
        FUZZ_CHECK(nanos >= 0 && nanos < NANOS);
        check(epoch, nanos / NANOS_A_MILLI);
        check(epoch, -1);
    }
    free(block);
    if (size >= sizeof epoch) {
        memcpy(&epoch, data, sizeof epoch);
        check(epoch, -1);
        check(epoch % last, (int)(data[0] * 3));
    }
    return 0;
}
