/* CSV: one state machine for reading; writing is quoting. */
#include "http/csv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum state {
    START,   /* of a field */
    PLAIN,   /* in a field without quotes */
    QUOTED,  /* between quotes */
    CLOSING, /* behind a quote that closes, or is the first of two */
    LOOSE,   /* behind a closed quote, in what should not be there */
};

static enum lf_err fail(struct lf_csv_reader *r, enum lf_err err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static enum lf_err fail(struct lf_csv_reader *r, enum lf_err err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(r->why, sizeof r->why, fmt, ap);
    va_end(ap);
    return err;
}

void lf_csv_reader_init(struct lf_csv_reader *r, const struct lf_csv_conf *conf)
{
    *r = (struct lf_csv_reader){.conf = *conf, .line = 1, .began = 1};
    lf_buf_init(&r->text, conf->max_record);
    lf_buf_init(&r->ends, LF_CSV_FIELDS * sizeof(size_t));
}

void lf_csv_reader_deinit(struct lf_csv_reader *r)
{
    lf_buf_free(&r->text);
    lf_buf_free(&r->ends);
}

void lf_csv_feed(struct lf_csv_reader *r, const char *p, size_t n)
{
    r->p = p;
    r->end = p + n;
}

void lf_csv_finish(struct lf_csv_reader *r)
{
    r->ended = true;
}

static size_t count(const struct lf_csv_reader *r)
{
    return r->ends.len / sizeof(size_t);
}

static const size_t *ends(const struct lf_csv_reader *r)
{
    return (const size_t *)(const void *)r->ends.p;
}

struct lf_span lf_csv_field(const struct lf_csv_reader *r, size_t i)
{
    size_t from = i ? ends(r)[i - 1] : 0;
    return (struct lf_span){r->text.p ? r->text.p + from : "", ends(r)[i] - from};
}

/* ---- reading ---- */

static enum lf_err too_large(struct lf_csv_reader *r, enum lf_err err)
{
    if (err != LF_ETOOLARGE)
        return err;
    return fail(r, err, "the record of line %zu is too large", r->began);
}

static enum lf_err add(struct lf_csv_reader *r, const char *p, size_t n)
{
    return too_large(r, lf_buf_add(&r->text, p, n));
}

static enum lf_err end_field(struct lf_csv_reader *r)
{
    r->state = START;
    return too_large(r, lf_buf_add(&r->ends, &r->text.len, sizeof r->text.len));
}

static enum lf_err end_record(struct lf_csv_reader *r)
{
    enum lf_err err = end_field(r);
    r->done = true;
    if (count(r) == 1 && !r->text.len && !r->quoted) /* an empty line */
        lf_buf_reset(&r->ends);
    return err;
}

static void begin_record(struct lf_csv_reader *r)
{
    lf_buf_reset(&r->text);
    lf_buf_reset(&r->ends);
    r->done = r->quoted = false;
    r->began = r->line;
}

/* A delimiter or the end of a line. False: neither. */
static bool take_end(struct lf_csv_reader *r, char c, enum lf_err *err)
{
    if (c == r->conf.delimiter) {
        *err = end_field(r);
        return true;
    }
    if (c != '\n' && c != '\r')
        return false;
    r->after_cr = c == '\r';
    r->line++;
    *err = end_record(r);
    return true;
}

/* How many bytes of a field are ahead that end nothing. */
static size_t plain_run(const struct lf_csv_reader *r)
{
    const char *p = r->p;
    char delimiter = r->conf.delimiter;
    while (p < r->end && *p != delimiter && *p != '\n' && *p != '\r' && *p != '"')
        p++;
    return (size_t)(p - r->p);
}

static enum lf_err stray(struct lf_csv_reader *r, const char *what)
{
    return fail(r, LF_EPARSE, "line %zu: %s", r->line, what);
}

static enum lf_err in_plain(struct lf_csv_reader *r)
{
    enum lf_err err = LF_OK;
    size_t n = plain_run(r);
    if (n) {
        err = add(r, r->p, n);
        r->p += n;
        r->state = r->state == START ? PLAIN : r->state;
        return err;
    }
    char c = *r->p++;
    if (take_end(r, c, &err))
        return err;
    if (r->state == START) {
        r->state = QUOTED;
        r->quoted = true;
        r->opened = r->line;
        return LF_OK;
    }
    if (r->conf.strict)
        return stray(r, "a quote in a field that does not begin with one");
    return add(r, &c, 1);
}

/* Lines are counted inside of quotes too: CRLF is one. */
static void count_lines(struct lf_csv_reader *r, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        r->line += p[i] == '\r' || (p[i] == '\n' && !r->after_cr);
        r->after_cr = p[i] == '\r';
    }
}

static enum lf_err in_quotes(struct lf_csv_reader *r)
{
    const char *quote = memchr(r->p, '"', (size_t)(r->end - r->p));
    size_t n = (size_t)((quote ? quote : r->end) - r->p);
    enum lf_err err = add(r, r->p, n);
    count_lines(r, r->p, n);
    r->p += n + (quote != NULL);
    if (quote) {
        r->state = CLOSING;
        r->after_cr = false;
    }
    return err;
}

static enum lf_err in_closing(struct lf_csv_reader *r)
{
    enum lf_err err;
    char c = *r->p++;
    if (c == '"') {
        r->state = QUOTED;
        return add(r, &c, 1);
    }
    if (take_end(r, c, &err))
        return err;
    if (r->conf.strict)
        return stray(r, "text behind a closing quote");
    r->state = LOOSE;
    return add(r, &c, 1);
}

static enum lf_err step(struct lf_csv_reader *r)
{
    if (r->after_cr && r->state != QUOTED) {
        r->after_cr = false;
        if (*r->p == '\n') {
            r->p++;
            return LF_OK;
        }
    }
    return r->state == QUOTED    ? in_quotes(r)
           : r->state == CLOSING ? in_closing(r)
                                 : in_plain(r);
}

/* A byte order mark may come in pieces; what only begins like one is text. */
static enum lf_err skip_bom(struct lf_csv_reader *r)
{
    static const char mark[] = "\xef\xbb\xbf";
    while (r->bom < 3 && r->p < r->end && *r->p == mark[r->bom]) {
        r->p++;
        r->bom++;
    }
    if (r->bom == 3 || (r->p == r->end && !r->ended))
        return LF_OK;
    unsigned seen = r->bom;
    r->bom = 3;
    r->state = seen ? PLAIN : START;
    return add(r, mark, seen);
}

/* The last line may lack its end. */
static enum lf_err at_end(struct lf_csv_reader *r)
{
    if (r->state == QUOTED)
        return fail(r, LF_EPARSE, "line %zu: a quote that is never closed", r->opened);
    if (r->state == START && !count(r))
        return LF_OK;
    return end_record(r);
}

enum lf_err lf_csv_next(struct lf_csv_reader *r, size_t *n)
{
    enum lf_err err = r->failed;
    *n = 0;
    if (r->done)
        begin_record(r);
    if (!err && r->bom < 3)
        err = skip_bom(r);
    while (!err && r->p < r->end && !(r->done && count(r))) {
        if (r->done)
            begin_record(r);
        err = step(r);
    }
    if (!err && r->done && !count(r))
        begin_record(r);
    if (!err && !r->done && r->ended)
        err = at_end(r);
    r->failed = err;
    if (!err && r->done)
        *n = count(r);
    return err;
}

/* ---- writing ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* At the beginning of a file a reader would take it for the file's. */
static bool begins_with_mark(const char *s, size_t n)
{
    return n >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0;
}

static bool needs_quotes(const char *s, size_t n, char delimiter)
{
    if (!n)
        return false;
    return begins_with_mark(s, n) || is_blank(s[0]) || is_blank(s[n - 1]) ||
           memchr(s, delimiter, n) || memchr(s, '"', n) || memchr(s, '\n', n) ||
           memchr(s, '\r', n);
}

enum lf_err lf_csv_add_quoted(struct lf_buf *out, const char *s, size_t n)
{
    const char *end = s + n;
    enum lf_err err = lf_buf_addc(out, '"');
    while (!err && s < end) {
        const char *quote = memchr(s, '"', (size_t)(end - s));
        const char *stop = quote ? quote + 1 : end;
        err = lf_buf_add(out, s, (size_t)(stop - s));
        if (!err && quote)
            err = lf_buf_addc(out, '"');
        s = stop;
    }
    return err ? err : lf_buf_addc(out, '"');
}

enum lf_err lf_csv_add(struct lf_buf *out, const char *s, size_t n, char delimiter)
{
    return needs_quotes(s, n, delimiter) ? lf_csv_add_quoted(out, s, n)
                                         : lf_buf_add(out, s, n);
}

/* Digits with at most one point, behind a sign. */
static bool is_number(const char *s, size_t n)
{
    size_t digits = 0, points = 0, i = n && (*s == '-' || *s == '+');
    for (; i < n; i++) {
        digits += s[i] >= '0' && s[i] <= '9';
        points += s[i] == '.';
        if (!((s[i] >= '0' && s[i] <= '9') || s[i] == '.'))
            return false;
    }
    return digits && points <= 1;
}

bool lf_csv_is_formula(const char *s, size_t n)
{
    return n && *s && strchr("=+-@\t\r", *s) && !is_number(s, n);
}
