/* Dates: what was read is written and read again as the same second.
 *
 * seeds: dates-curl/dates.json: date
 * seeds: cookies-http-state/dates/examples.json: test
 * seeds: cookies-http-state/dates/bsd-examples.json: test */
#include "fuzz.h"
#include "http/date.h"

static const int64_t first = -62167219200, last = 253402300799; /* years 0 to 9999 */
static const int64_t year_1583 = -12212553600;

static void check(int64_t epoch)
{
    char text[LF_DATE_LEN];
    int64_t again;
    lf_date_format(epoch, text);
    FUZZ_CHECK(strlen(text) == LF_DATE_LEN - 1);
    if (epoch < year_1583 || epoch > last)
        return;
    FUZZ_CHECK(lf_date_parse(text, strlen(text), &again) && again == epoch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *s = (const char *)data;
    int64_t epoch;
    if (lf_date_parse(s, size, &epoch))
        check(epoch);
    if (lf_date_parse_cookie(s, size, &epoch)) {
        FUZZ_CHECK(epoch >= first && epoch <= last);
        check(epoch);
    }
    if (size >= sizeof epoch) {
        memcpy(&epoch, s, sizeof epoch);
        check(epoch);
    }
    return 0;
}
