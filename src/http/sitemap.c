/* Sitemaps: bytes are decoded into a buffer, which next() scans, one state per character
 * that matters. Text that belongs to no field is looked over without being kept. */
#include "http/sitemap.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/buf.h"
#include "http/charset.h"
#include "http/decode.h"
#include "http/sitemap_draft.h"
#include "http/sitemap_text.h"

enum { TAG_MAX = 64 << 10, LABEL_MAX = 64, WHY_MAX = 200 };

enum form { UNSEEN, XML, TEXT };

enum state {
    IN_TEXT,
    IN_OPEN, /* behind '<' */
    IN_TAG,
    IN_BANG, /* behind "<!" */
    IN_COMMENT,
    IN_CDATA,
    IN_PI,
    IN_DOCTYPE,
};

struct lf_sitemap {
    struct lf_decoder *gzip; /* owned; NULL: none */
    struct lf_buf in;        /* owned: decoded, not yet read from `at` */
    size_t at;
    size_t seen, max; /* decoded bytes in all */
    bool sniffed;     /* gzip or not is known */
    bool ended;       /* by finish */
    bool begun;       /* behind the byte order mark, if there is one */

    enum form form;
    enum state state;
    struct lf_buf tag; /* owned: between '<' and '>', or the line of a text */
    char quote;        /* the one that is open in a tag or DOCTYPE, or 0 */
    unsigned run;      /* of '-', ']' or '?' that may begin an end; brackets of DOCTYPE */
    char label[LABEL_MAX];

    enum lf_sitemap_kind kind;
    bool rooted, closed; /* the root element has begun, has ended */
    unsigned depth;
    unsigned entry_depth;          /* 0: outside of an entry */
    struct lf_sitemap_draft draft; /* owned: the entry that is being made */
    bool ready;                    /* an entry is whole */

    enum lf_err late;   /* of the bytes behind those in `in` */
    enum lf_err failed; /* stays */
    char why[WHY_MAX];
};

static enum lf_err fail(struct lf_sitemap *s, enum lf_err err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static enum lf_err fail(struct lf_sitemap *s, enum lf_err err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(s->why, sizeof s->why, fmt, ap);
    va_end(ap);
    return err;
}

/* ---- elements ---- */

static void begin_entry(struct lf_sitemap *s)
{
    s->entry_depth = s->depth;
    lf_sitemap_draft_reset(&s->draft);
}

static void end_entry(struct lf_sitemap *s)
{
    s->depth = s->entry_depth - 1;
    s->entry_depth = 0;
    lf_sitemap_draft_close(&s->draft);
    s->ready = s->draft.has[LF_SITEMAP_LOC];
}

static bool is(struct lf_span name, const char *what)
{
    return strlen(what) == name.len && memcmp(name.p, what, name.len) == 0;
}

static bool is_entry(struct lf_span name)
{
    return is(name, "url") || is(name, "sitemap");
}

/* The name without its prefix: namespaces are as often wrong as right. */
static struct lf_span local_name(const char *p, size_t n)
{
    size_t len = 0;
    while (len < n && !lf_sitemap_is_space(p[len]) && p[len] != '/')
        len++;
    const char *colon = len ? memrchr(p, ':', len) : NULL;
    size_t skip = colon ? (size_t)(colon + 1 - p) : 0;
    return (struct lf_span){p + skip, len - skip};
}

static enum lf_err on_root(struct lf_sitemap *s, struct lf_span name)
{
    s->rooted = true;
    if (is(name, "sitemapindex"))
        s->kind = LF_SITEMAP_INDEX;
    if (is(name, "urlset"))
        s->kind = LF_SITEMAP_URLS;
    if (name.len == 4 && strncasecmp(name.p, "html", 4) == 0)
        return fail(s, LF_EPARSE, "this is HTML and no sitemap");
    return LF_OK;
}

static enum lf_err on_start(struct lf_sitemap *s, struct lf_span name)
{
    enum lf_err err = LF_OK;
    s->depth++;
    if (!s->rooted && (err = on_root(s, name)))
        return err;
    if (is_entry(name)) {
        if (!s->kind)
            s->kind = is(name, "url") ? LF_SITEMAP_URLS : LF_SITEMAP_INDEX;
        begin_entry(s);
        return LF_OK;
    }
    if (!s->entry_depth || s->depth != s->entry_depth + 1)
        return LF_OK;
    lf_sitemap_draft_open(&s->draft, name);
    if (!is(name, "link"))
        return LF_OK;
    return lf_sitemap_draft_link(&s->draft, s->tag.p, s->tag.len, s->label);
}

static void on_end(struct lf_sitemap *s, struct lf_span name)
{
    if (is(name, "urlset") || is(name, "sitemapindex")) {
        s->closed = true;
        s->entry_depth = 0;
        lf_sitemap_draft_close(&s->draft);
    } else if (s->entry_depth && is_entry(name)) {
        end_entry(s);
    } else if (s->depth > s->entry_depth) {
        s->depth--;
        if (s->depth <= s->entry_depth)
            lf_sitemap_draft_close(&s->draft);
    }
}

static enum lf_err on_tag(struct lf_sitemap *s)
{
    const char *p = s->tag.p;
    size_t n = s->tag.len;
    if (!n || s->closed)
        return LF_OK;
    if (*p == '/') {
        on_end(s, local_name(p + 1, n - 1));
        return LF_OK;
    }
    struct lf_span name = local_name(p, n);
    enum lf_err err = on_start(s, name);
    if (!err && p[n - 1] == '/')
        on_end(s, name);
    return err;
}

/* The label of the XML declaration, which stands in s->tag. */
static void on_pi(struct lf_sitemap *s)
{
    if (!s->tag.len)
        return;
    struct lf_span name = local_name(s->tag.p, s->tag.len), label;
    label = lf_sitemap_attribute(s->tag.p, s->tag.len, "encoding");
    if (!is(name, "xml") || !label.p || label.len >= LABEL_MAX)
        return;
    if (lf_charset_find(label.p, label.len)) {
        memcpy(s->label, label.p, label.len);
        s->label[label.len] = '\0';
    }
}

/* ---- states ---- */

/* What is longer than a tag may be is passed over to its end. */
static enum lf_err collect(struct lf_sitemap *s, char c)
{
    enum lf_err err = lf_buf_addc(&s->tag, c);
    return err == LF_ETOOLARGE ? LF_OK : err;
}

static enum lf_err enter(struct lf_sitemap *s, enum state state)
{
    s->state = state;
    s->quote = 0;
    s->run = 0;
    return LF_OK;
}

static enum lf_err in_open(struct lf_sitemap *s, char c)
{
    lf_buf_reset(&s->tag);
    if (c == '!')
        return enter(s, IN_BANG);
    if (c == '?')
        return enter(s, IN_PI);
    if (c == '>' || c == '<')
        return enter(s, c == '<' ? IN_OPEN : IN_TEXT);
    enter(s, IN_TAG);
    return collect(s, c);
}

/* No '<' may stand in a tag: one that does begins the next, whatever is open. */
static enum lf_err in_tag(struct lf_sitemap *s, char c)
{
    if (c == '<')
        return enter(s, IN_OPEN);
    if (c == '>' && !s->quote) {
        enter(s, IN_TEXT);
        return on_tag(s);
    }
    if (c == s->quote)
        s->quote = 0;
    else if (!s->quote && (c == '"' || c == '\''))
        s->quote = c;
    return collect(s, c);
}

static enum lf_err in_bang(struct lf_sitemap *s, char c)
{
    static const char cdata[] = "[CDATA[";
    enum lf_err err = collect(s, c);
    struct lf_span got = {s->tag.p, s->tag.len};
    if (err)
        return err;
    if (is(got, "--"))
        return enter(s, IN_COMMENT);
    if (is(got, cdata))
        return enter(s, IN_CDATA);
    if (is(got, "-") || (got.len < sizeof cdata && !memcmp(got.p, cdata, got.len)))
        return LF_OK;
    return enter(s, c == '>' ? IN_TEXT : IN_DOCTYPE);
}

static enum lf_err in_comment(struct lf_sitemap *s, char c)
{
    if (c == '>' && s->run >= 2)
        return enter(s, IN_TEXT);
    s->run = c == '-' ? s->run + 1 : 0;
    return LF_OK;
}

/* Two brackets are held back, since they may begin the end. */
static enum lf_err in_cdata(struct lf_sitemap *s, char c)
{
    enum lf_err err = LF_OK;
    if (c == ']' && s->run < 2) {
        s->run++;
        return LF_OK;
    }
    if (c == ']')
        return lf_sitemap_draft_text(&s->draft, "]", 1, true);
    if (c == '>' && s->run == 2)
        return enter(s, IN_TEXT);
    if (s->run)
        err = lf_sitemap_draft_text(&s->draft, "]]", s->run, true);
    s->run = 0;
    return err ? err : lf_sitemap_draft_text(&s->draft, &c, 1, true);
}

static enum lf_err in_pi(struct lf_sitemap *s, char c)
{
    if (c == '>' && s->run) {
        on_pi(s);
        return enter(s, IN_TEXT);
    }
    s->run = c == '?';
    return s->run ? LF_OK : collect(s, c);
}

static enum lf_err in_doctype(struct lf_sitemap *s, char c)
{
    if (s->quote) {
        s->quote = c == s->quote ? 0 : s->quote;
        return LF_OK;
    }
    if (c == '"' || c == '\'')
        s->quote = c;
    else if (c == '[')
        s->run++;
    else if (c == ']' && s->run)
        s->run--;
    else if (c == '>' && !s->run)
        return enter(s, IN_TEXT);
    return LF_OK;
}

static enum lf_err scan_xml(struct lf_sitemap *s)
{
    static enum lf_err (*const states[])(struct lf_sitemap *, char) = {
        [IN_OPEN] = in_open,       [IN_TAG] = in_tag,     [IN_BANG] = in_bang,
        [IN_COMMENT] = in_comment, [IN_CDATA] = in_cdata, [IN_PI] = in_pi,
        [IN_DOCTYPE] = in_doctype,
    };
    const char *p = s->in.p + s->at, *end = s->in.p + s->in.len;
    if (s->state != IN_TEXT) {
        s->at++;
        return states[s->state](s, *p);
    }
    const char *open = memchr(p, '<', (size_t)(end - p));
    size_t n = (size_t)((open ? open : end) - p);
    s->at += n + (open != NULL);
    if (open)
        enter(s, IN_OPEN);
    return lf_sitemap_draft_text(&s->draft, p, n, false);
}

/* ---- text ---- */

/* The line in s->tag. A file whose first line is no URL is something else. */
static enum lf_err on_line(struct lf_sitemap *s)
{
    struct lf_span line = lf_sitemap_trim(s->tag.p, s->tag.len);
    if (!line.len)
        return LF_OK;
    bool is_url = memmem(line.p, line.len, "://", 3) && s->tag.len < LF_SITEMAP_FIELD;
    if (!is_url && !s->rooted)
        return fail(s, LF_EPARSE, "this is neither XML nor a list of URLs");
    s->rooted = true;
    if (!is_url)
        return LF_OK;
    begin_entry(s);
    lf_sitemap_draft_open(&s->draft, (struct lf_span){"loc", 3});
    enum lf_err err = lf_sitemap_draft_text(&s->draft, line.p, line.len, true);
    s->ready = !err && s->draft.has[LF_SITEMAP_LOC];
    return err;
}

static enum lf_err scan_text(struct lf_sitemap *s)
{
    const char *p = s->in.p + s->at, *end = s->in.p + s->in.len;
    const char *stop = p;
    while (stop < end && *stop != '\n' && *stop != '\r')
        stop++;
    s->at += (size_t)(stop - p) + (stop < end);
    for (enum lf_err err; p < stop; p++)
        if ((err = collect(s, *p)))
            return err;
    if (stop == end)
        return LF_OK;
    enum lf_err err = on_line(s);
    lf_buf_reset(&s->tag);
    return err;
}

/* ---- bytes ---- */

/* Once, at the beginning, when there is enough of it. */
static enum lf_err skip_mark(struct lf_sitemap *s)
{
    size_t mark, n = s->in.len - s->at;
    if (s->begun || (n < 3 && !s->ended))
        return LF_OK;
    const char *bom = lf_charset_bom(n ? s->in.p + s->at : "", n, &mark);
    s->begun = true;
    s->at += bom ? mark : 0;
    if (bom && !lf_charset_is_utf8(bom, strlen(bom)))
        return fail(s, LF_EPARSE, "the sitemap is %s; the protocol wants UTF-8", bom);
    return LF_OK;
}

/* XML or text, by the first byte that is not white space; LF_OK without a form: wait. */
static enum lf_err sniff(struct lf_sitemap *s)
{
    enum lf_err err = skip_mark(s);
    if (err || !s->begun)
        return err;
    while (s->at < s->in.len && lf_sitemap_is_space(s->in.p[s->at]))
        s->at++;
    if (s->at < s->in.len)
        s->form = s->in.p[s->at] == '<' ? XML : TEXT;
    if (s->form == TEXT)
        s->kind = LF_SITEMAP_URLS;
    return LF_OK;
}

static enum lf_err take(void *arg, const char *p, size_t n)
{
    struct lf_sitemap *s = arg;
    size_t fits = n < s->max - s->seen ? n : s->max - s->seen;
    enum lf_err err = lf_buf_add(&s->in, p, fits);
    s->seen += fits;
    if (!err && fits < n)
        err = fail(s, LF_ETOOLARGE, "the sitemap is larger than %zu bytes", s->max);
    return err;
}

static enum lf_err decode(struct lf_sitemap *s, const char *p, size_t n)
{
    enum lf_err err = lf_decoder_feed(s->gzip, p, n, take, s);
    if (err == LF_EDECODE)
        return fail(s, err, "%s", lf_decoder_why(s->gzip));
    return err;
}

/* The first two bytes tell; they may come one by one, and then wait in `in`. */
static enum lf_err open_gzip(struct lf_sitemap *s)
{
    char why[LF_DECODER_WHY], head[2];
    if (s->in.len < sizeof head)
        return LF_OK;
    s->sniffed = true;
    if (memcmp(s->in.p, "\x1f\x8b", sizeof head) != 0)
        return LF_OK;
    enum lf_err err = lf_decoder_new("gzip", 4, &s->gzip, why);
    if (err)
        return err;
    struct lf_buf packed = s->in;
    lf_buf_init(&s->in, LF_BUF_MAX);
    s->seen = 0;
    err = decode(s, packed.p, packed.len);
    lf_buf_free(&packed);
    return err;
}

void lf_sitemap_feed(struct lf_sitemap *s, const char *p, size_t n)
{
    if (s->failed || s->late)
        return;
    if (s->at == s->in.len && s->sniffed) {
        lf_buf_reset(&s->in);
        s->at = 0;
    }
    s->late = s->gzip ? decode(s, p, n) : take(s, p, n);
    if (!s->late && !s->sniffed)
        s->late = open_gzip(s);
}

void lf_sitemap_finish(struct lf_sitemap *s)
{
    if (s->failed || s->late || s->ended)
        return;
    s->ended = s->sniffed = true;
    if (s->gzip && lf_decoder_finish(s->gzip))
        s->late = fail(s, LF_EDECODE, "%s", lf_decoder_why(s->gzip));
}

/* Everything is read: is it whole? */
static enum lf_err check_end(struct lf_sitemap *s)
{
    if (!s->form)
        return fail(s, LF_EPARSE, "the sitemap is empty");
    if (s->form == XML && !s->closed)
        return fail(s, LF_EPARSE, "the sitemap ends too early");
    if (s->form == TEXT && s->tag.len) {
        enum lf_err err = on_line(s);
        lf_buf_reset(&s->tag);
        return err;
    }
    return LF_OK;
}

static enum lf_err next_entry(struct lf_sitemap *s, struct lf_sitemap_entry *out)
{
    enum lf_err err = s->failed;
    *out = (struct lf_sitemap_entry){.links = NULL};
    if (!err && !s->form && s->sniffed)
        err = sniff(s);
    while (!err && s->form && !s->ready && s->at < s->in.len)
        err = s->form == XML ? scan_xml(s) : scan_text(s);
    if (!err && !s->ready)
        err = s->late;
    if (!err && !s->ready && s->ended && s->at == s->in.len)
        err = check_end(s);
    if (!err && s->ready)
        err = lf_sitemap_draft_give(&s->draft, s->label, out);
    s->ready = false;
    s->failed = err;
    return err;
}

/* A loc of nothing but unknown references is none. */
enum lf_err lf_sitemap_next(struct lf_sitemap *s, struct lf_sitemap_entry *out)
{
    enum lf_err err;
    do
        err = next_entry(s, out);
    while (!err && out->loc.p && !out->loc.len);
    return err;
}

struct lf_sitemap *lf_sitemap_new(size_t max)
{
    struct lf_sitemap *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->max = max;
    memcpy(s->label, "utf-8", sizeof "utf-8");
    lf_buf_init(&s->in, LF_BUF_MAX);
    lf_buf_init(&s->tag, TAG_MAX);
    lf_sitemap_draft_init(&s->draft);
    return s;
}

void lf_sitemap_free(struct lf_sitemap *s)
{
    if (!s)
        return;
    lf_decoder_free(s->gzip);
    lf_buf_free(&s->in);
    lf_buf_free(&s->tag);
    lf_sitemap_draft_deinit(&s->draft);
    free(s);
}

enum lf_sitemap_kind lf_sitemap_kind(const struct lf_sitemap *s)
{
    return s->kind;
}

const char *lf_sitemap_why(const struct lf_sitemap *s)
{
    return s->why;
}
