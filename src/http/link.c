/* The Link header by the algorithms of RFC 8288, appendix B. */
#include "http/link.h"

#include <string.h>
#include <strings.h>
#include "http/charset.h"
#include "http/percent.h"

struct scan {
    const char *at, *end;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static void skip_space(struct scan *s)
{
    while (s->at < s->end && is_space(*s->at))
        s->at++;
}

static bool take(struct scan *s, char c)
{
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

static struct lf_span take_until(struct scan *s, const char *stops)
{
    struct lf_span out = {s->at, 0};
    while (s->at < s->end && !(*s->at && strchr(stops, *s->at)))
        s->at++;
    out.len = (size_t)(s->at - out.p);
    return out;
}

void lf_link_init(struct lf_link *l)
{
    l->target = (struct lf_span){NULL, 0};
    lf_headers_init(&l->params);
}

void lf_link_free(struct lf_link *l)
{
    lf_headers_free(&l->params);
}

/* RFC 8288 B.4; the scan stands behind the opening quote. */
static enum lf_err take_quoted(struct scan *s, struct lf_buf *out)
{
    enum lf_err err = LF_OK;
    while (!err && s->at < s->end && !take(s, '"')) {
        if (*s->at == '\\' && ++s->at == s->end)
            break;
        err = lf_buf_addc(out, *s->at++);
    }
    return err;
}

static enum lf_err take_value(struct scan *s, struct lf_buf *out)
{
    skip_space(s);
    if (!take(s, '='))
        return LF_OK;
    skip_space(s);
    if (take(s, '"'))
        return take_quoted(s, out);
    struct lf_span v = take_until(s, ";,");
    while (v.len && is_space(v.p[v.len - 1]))
        v.len--;
    return lf_buf_add(out, v.p, v.len);
}

/* RFC 8187: charset'language'percent-encoded. LF_EPARSE when it is not. */
static enum lf_err decode_extended(const struct lf_buf *value, struct lf_buf *out)
{
    const char *end, *quote, *text;
    struct lf_buf bytes;
    if (!value->len) /* then it has no memory either */
        return LF_EPARSE;
    end = value->p + value->len;
    quote = memchr(value->p, '\'', value->len);
    text = quote ? memchr(quote + 1, '\'', (size_t)(end - quote - 1)) : NULL;
    if (!text)
        return LF_EPARSE;
    text++;
    lf_buf_init(&bytes, LF_BUF_MAX);
    enum lf_err err = lf_percent_decode(&bytes, text, (size_t)(end - text));
    if (!err)
        err = lf_charset_decode(value->p, (size_t)(quote - value->p),
                                bytes.p ? bytes.p : "", bytes.len, out);
    lf_buf_free(&bytes);
    return err == LF_EDECODE ? LF_EPARSE : err;
}

static bool has_param(const struct lf_headers *params, const char *name, size_t n)
{
    struct lf_header had;
    size_t at = 0;
    return lf_headers_find(params->block.p, params->block.len, &at, name, n, &had);
}

/* A star's value stands before the plain one, wherever either is; the first of each. */
static enum lf_err keep_extended(struct lf_link *l, const struct lf_buf *name,
                                 const struct lf_buf *value, struct lf_headers *stars)
{
    struct lf_buf text;
    if (has_param(stars, name->p, name->len))
        return LF_OK;
    lf_buf_init(&text, LF_BUF_MAX);
    enum lf_err err = decode_extended(value, &text);
    if (!err)
        err = lf_headers_add(stars, name->p, name->len, "", 0);
    if (!err) {
        lf_headers_remove(&l->params, name->p, name->len - 1);
        err = lf_headers_add(&l->params, name->p, name->len - 1, text.p ? text.p : "",
                             text.len);
    }
    lf_buf_free(&text);
    return err == LF_EPARSE ? LF_OK : err;
}

static enum lf_err keep_param(struct lf_link *l, const struct lf_buf *name,
                              const struct lf_buf *value, struct lf_headers *stars)
{
    enum { MAX_PARAMS = 64 }; /* each is looked for among the others */
    if (!lf_token_valid(name->p, name->len) || l->params.count >= MAX_PARAMS)
        return LF_OK;
    if (name->len > 1 && name->p[name->len - 1] == '*')
        return keep_extended(l, name, value, stars);
    if (has_param(&l->params, name->p, name->len))
        return LF_OK;
    return lf_headers_add(&l->params, name->p, name->len, value->p ? value->p : "",
                          value->len);
}

struct work {
    struct lf_buf name, value; /* owned */
    struct lf_headers stars;   /* owned: names with a star that were kept */
};

static enum lf_err take_param(struct lf_link *l, struct scan *s, struct work *w)
{
    lf_buf_reset(&w->name);
    lf_buf_reset(&w->value);
    skip_space(s);
    struct lf_span name = take_until(s, " \t=;,");
    enum lf_err err = lf_buf_add(&w->name, name.p, name.len);
    for (size_t i = 0; !err && i < w->name.len; i++)
        w->name.p[i] = lower(w->name.p[i]);
    if (!err)
        err = take_value(s, &w->value);
    if (!err)
        err = keep_param(l, &w->name, &w->value, &w->stars);
    take_until(s, ";,"); /* what stands behind a closing quote */
    return err;
}

static enum lf_err take_params(struct lf_link *l, struct scan *s)
{
    enum lf_err err = LF_OK;
    struct work w;
    lf_buf_init(&w.name, LF_BUF_MAX);
    lf_buf_init(&w.value, LF_BUF_MAX);
    lf_headers_init(&w.stars);
    take_until(s, ";,");
    while (!err && take(s, ';'))
        err = take_param(l, s, &w);
    lf_buf_free(&w.name);
    lf_buf_free(&w.value);
    lf_headers_free(&w.stars);
    return err;
}

enum lf_err lf_link_next(struct lf_link *l, const char **at, const char *end)
{
    struct scan s = {*at, end};
    lf_headers_reset(&l->params);
    while (s.at < s.end && (is_space(*s.at) || *s.at == ','))
        s.at++;
    if (!take(&s, '<'))
        return LF_EPARSE;
    l->target = take_until(&s, ">");
    if (!take(&s, '>'))
        return LF_EPARSE;
    enum lf_err err = take_params(l, &s);
    *at = s.at;
    return err == LF_ETOOLARGE ? LF_EPARSE : err;
}

bool lf_link_next_rel(const struct lf_link *l, size_t *at, struct lf_span *rel)
{
    struct lf_header f;
    if (!lf_headers_get(&l->params, "rel", &f))
        return false;
    struct scan s = {f.value + *at, f.value + f.value_len};
    skip_space(&s);
    *rel = take_until(&s, " \t");
    *at = (size_t)(s.at - f.value);
    return rel->len > 0;
}

bool lf_link_has_rel(const struct lf_link *l, const char *rel)
{
    struct lf_span word;
    for (size_t at = 0; lf_link_next_rel(l, &at, &word);)
        if (strlen(rel) == word.len && strncasecmp(word.p, rel, word.len) == 0)
            return true;
    return false;
}
