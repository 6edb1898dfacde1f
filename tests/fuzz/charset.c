/* Character sets: the output is UTF-8, and the same however small the pieces are that it
 * is read in.
 *
 * seeds: url-wpt/percent-encoding.json: input
 * seed: caf\xe9 \x80\x9f
 * seed: \xef\xbb\xbfabc\xf0\x9f\x98 \xed\xa0\x80
 * seed: \x1b$B$3$s\x1b(B
 * seed: +AGE-\xff\xfe\x00a */
#include "fuzz.h"
#include "http/charset.h"
#include "http/utf8.h"

static const char *const labels[] = {
    "utf-8",       "windows-1252", "shift_jis", "euc-jp",
    "iso-2022-jp", "gbk",          "gb18030",   "big5",
    "euc-kr",      "utf-16le",     "utf-16be",  "windows-1251",
    "iso-8859-8",  "koi8-u",       "macintosh", "iso-8859-16"};
enum { LABELS = sizeof labels / sizeof *labels };

static void check_utf8(const struct lf_buf *b)
{
    const unsigned char *p = (const unsigned char *)b->p, *end = p ? p + b->len : p;
    while (p < end) {
        int n = lf_utf8_len(p, end);
        FUZZ_CHECK(n > 0);
        p += n;
    }
}

static void read_all(const struct lf_charset *cs, struct fuzz in, size_t cap, bool nul,
                     struct lf_buf *out)
{
    struct lf_charset_reader r;
    char *room = malloc(cap);
    size_t n;
    FUZZ_CHECK(room);
    lf_charset_reader_init(&r, cs, in.p, in.n);
    r.replace_nul = nul;
    while ((n = lf_charset_read(&r, room, cap))) {
        FUZZ_CHECK(n <= cap);
        FUZZ_CHECK(lf_buf_add(out, room, n) == LF_OK);
    }
    if (nul)
        FUZZ_CHECK(!out->len || !memchr(out->p, '\0', out->len));
    lf_charset_reader_deinit(&r);
    free(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz in = {(const char *)data, size};
    unsigned how = fuzz_byte(&in), cap = 32 + fuzz_byte(&in);
    const char *label = labels[how % LABELS];
    const struct lf_charset *cs = lf_charset_find(label, strlen(label));
    struct lf_buf whole, pieces, decoded;
    size_t bom;
    FUZZ_CHECK(cs);
    char *block = fuzz_block(in);
    in.p = block;
    lf_buf_init(&whole, LF_BUF_MAX);
    lf_buf_init(&pieces, LF_BUF_MAX);
    lf_buf_init(&decoded, LF_BUF_MAX);
    read_all(cs, in, 1 << 16, how & 0x80, &whole);
    read_all(cs, in, cap, how & 0x80, &pieces);
    FUZZ_CHECK(fuzz_same(&whole, &pieces));
    check_utf8(&whole);
    FUZZ_CHECK(lf_charset_decode(label, strlen(label), in.p, in.n, &decoded) == LF_OK);
    check_utf8(&decoded);
    lf_charset_bom(in.p, in.n, &bom);
    lf_charset_find(in.p, in.n);
    lf_buf_free(&whole);
    lf_buf_free(&pieces);
    lf_buf_free(&decoded);
    free(block);
    return 0;
}
