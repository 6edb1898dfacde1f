/* CSV: the same records and the same end, however the bytes are cut; records that were
 * read are written and read again as the same, strictly too.
 *
 * seeds: csv-spectrum/csvs
 * seed: a,"b ""c""\r\nd",\r\n\n"",e"f,"g"h\r\r\n
 * seed: \xef\xbb\xbfa;b\n=1;"-2"
 * size: 16384 */
#include "fuzz.h"
#include "http/csv.h"

static const char delimiters[] = {',', ';', '\t', '|'};

enum { RECORD_END = '\n' };

static void sure(enum lf_err err)
{
    FUZZ_CHECK(err == LF_OK);
}

/* Each field behind its length, each record behind the number of its fields. */
static void add_record(struct lf_buf *out, const struct lf_csv_reader *r, size_t count)
{
    sure(lf_buf_addf(out, "%zu at %zu:", count, r->began));
    for (size_t i = 0; i < count; i++) {
        struct lf_span s = lf_csv_field(r, i);
        sure(lf_buf_addf(out, "%zu ", s.len));
        sure(lf_buf_add(out, s.p, s.len));
    }
}

/* As bind/csv.c does it: a record of one empty field is none without quotes. */
static void write_record(struct lf_buf *text, const struct lf_csv_reader *r, size_t count)
{
    size_t before = text->len;
    for (size_t i = 0; i < count; i++) {
        struct lf_span s = lf_csv_field(r, i);
        if (i)
            sure(lf_buf_addc(text, r->conf.delimiter));
        sure(lf_csv_add(text, s.p, s.len, r->conf.delimiter));
        lf_csv_is_formula(s.p, s.len);
    }
    if (text->len == before)
        sure(lf_buf_adds(text, "\"\""));
    sure(lf_buf_addc(text, RECORD_END));
}

struct result {
    struct lf_buf out;  /* records as add_record writes them, then the end */
    struct lf_buf text; /* the same as CSV */
    enum lf_err err;
};

static enum lf_err take(struct lf_csv_reader *r, struct result *to)
{
    size_t count;
    enum lf_err err;
    while ((err = lf_csv_next(r, &count)) == LF_OK && count) {
        FUZZ_CHECK(r->began > 0 && r->began <= r->line);
        add_record(&to->out, r, count);
        write_record(&to->text, r, count);
    }
    return err;
}

static struct result scan(struct fuzz in, const struct lf_csv_conf *conf, size_t step)
{
    struct lf_csv_reader r;
    struct result to = {.err = LF_OK};
    lf_buf_init(&to.out, LF_BUF_MAX);
    lf_buf_init(&to.text, LF_BUF_MAX);
    lf_csv_reader_init(&r, conf);
    while (!to.err && in.n) {
        struct fuzz piece = {in.p, in.n < step ? in.n : step};
        char *block = fuzz_block(piece);
        lf_csv_feed(&r, block, piece.n);
        to.err = take(&r, &to);
        free(block);
        in.p += piece.n;
        in.n -= piece.n;
    }
    if (!to.err) {
        lf_csv_finish(&r);
        to.err = take(&r, &to);
    }
    FUZZ_CHECK(to.err == LF_OK || to.err == LF_EPARSE || to.err == LF_ETOOLARGE);
    if (to.err)
        sure(lf_buf_addf(&to.out, "%s", r.why));
    lf_csv_reader_deinit(&r);
    return to;
}

static void discard(struct result *r)
{
    lf_buf_free(&r->out);
    lf_buf_free(&r->text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz in = {(const char *)data, size};
    unsigned choice = fuzz_byte(&in);
    struct lf_csv_conf conf = {.delimiter = delimiters[choice % sizeof delimiters],
                               .strict = choice & 8,
                               .max_record = choice & 16 ? 100 : 1 << 20};
    struct result whole = scan(in, &conf, SIZE_MAX);
    struct result pieces = scan(in, &conf, 1 + choice / 32);
    FUZZ_CHECK(whole.err == pieces.err && fuzz_same(&whole.out, &pieces.out));
    conf.strict = true;
    struct result again =
        scan((struct fuzz){whole.text.p, whole.text.len}, &conf, SIZE_MAX);
    FUZZ_CHECK(again.err == LF_OK && fuzz_same(&whole.text, &again.text));
    discard(&whole);
    discard(&pieces);
    discard(&again);
    return 0;
}
