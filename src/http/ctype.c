/* Content types by the parser and the serializer of the MIME Sniffing standard. */
#include "http/ctype.h"

#include <string.h>
#include <strings.h>
#include "http/url.h"

struct scan {
    const char *at, *end;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* "HTTP quoted-string token code points": tab, and all that print. */
static bool is_quotable(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static void skip_space(struct scan *s)
{
    while (s->at < s->end && is_space(*s->at))
        s->at++;
}

static size_t trim_end(const char *s, size_t n)
{
    while (n && is_space(s[n - 1]))
        n--;
    return n;
}

/* Up to the first of the characters in `stops`; *n gets its length. */
static const char *take_until(struct scan *s, const char *stops, size_t *n)
{
    const char *from = s->at;
    while (s->at < s->end && !(*s->at && strchr(stops, *s->at)))
        s->at++;
    *n = (size_t)(s->at - from);
    return from;
}

/* Append in lower case. */
static enum lf_err add_lower(struct lf_buf *out, const char *s, size_t n)
{
    size_t from = out->len;
    enum lf_err err = lf_buf_add(out, s, n);
    for (size_t i = from; !err && i < out->len; i++)
        out->p[i] = lower(out->p[i]);
    return err;
}

void lf_ctype_init(struct lf_ctype *t)
{
    lf_buf_init(&t->essence, LF_BUF_MAX);
    lf_headers_init(&t->params);
}

void lf_ctype_free(struct lf_ctype *t)
{
    lf_buf_free(&t->essence);
    lf_headers_free(&t->params);
}

static enum lf_err take_essence(struct lf_ctype *t, struct scan *s)
{
    size_t n;
    const char *type = take_until(s, "/", &n);
    if (!lf_token_valid(type, n) || s->at == s->end)
        return LF_EPARSE;
    enum lf_err err = add_lower(&t->essence, type, n);
    if (!err)
        err = lf_buf_addc(&t->essence, '/');
    s->at++;
    const char *subtype = take_until(s, ";", &n);
    n = trim_end(subtype, n);
    if (!lf_token_valid(subtype, n))
        return LF_EPARSE;
    return err ? err : add_lower(&t->essence, subtype, n);
}

/* Fetch §2.2 "collect an HTTP quoted string"; the scan stands at the opening quote. */
static enum lf_err take_quoted(struct scan *s, struct lf_buf *out)
{
    enum lf_err err = LF_OK;
    s->at++;
    while (!err && s->at < s->end && *s->at != '"') {
        /* A backslash that ends the text stands for itself. */
        if (*s->at == '\\' && s->end - s->at > 1)
            s->at++;
        err = lf_buf_addc(out, *s->at++);
    }
    return err;
}

static enum lf_err take_value(struct scan *s, struct lf_buf *out, bool *present)
{
    size_t n;
    *present = true;
    if (s->at < s->end && *s->at == '"') {
        enum lf_err err = take_quoted(s, out);
        take_until(s, ";", &n);
        return err;
    }
    const char *value = take_until(s, ";", &n);
    n = trim_end(value, n);
    *present = n > 0;
    return lf_buf_add(out, value, n);
}

static enum lf_err keep_param(struct lf_ctype *t, const struct lf_buf *name,
                              const struct lf_buf *value)
{
    enum { MAX_PARAMS = 64 }; /* each is looked for among the others */
    struct lf_header had;
    if (t->params.count >= MAX_PARAMS || !lf_token_valid(name->p, name->len) ||
        !is_quotable(value->p, value->len) || lf_headers_get(&t->params, name->p, &had))
        return LF_OK;
    return lf_headers_add(&t->params, name->p, name->len, value->p ? value->p : "",
                          value->len);
}

/* One parameter; the scan stands behind its ';'. */
static enum lf_err take_param(struct lf_ctype *t, struct scan *s, struct lf_buf *name,
                              struct lf_buf *value)
{
    size_t n;
    bool present;
    lf_buf_reset(name);
    lf_buf_reset(value);
    skip_space(s);
    const char *from = take_until(s, ";=", &n);
    enum lf_err err = add_lower(name, from, n);
    if (err || s->at == s->end || *s->at == ';')
        return err;
    s->at++;
    err = take_value(s, value, &present);
    return err || !present ? err : keep_param(t, name, value);
}

static enum lf_err take_params(struct lf_ctype *t, struct scan *s)
{
    struct lf_buf name, value;
    enum lf_err err = LF_OK;
    lf_buf_init(&name, LF_BUF_MAX);
    lf_buf_init(&value, LF_BUF_MAX);
    while (!err && s->at < s->end) {
        s->at++; /* the ';' */
        err = take_param(t, s, &name, &value);
    }
    lf_buf_free(&name);
    lf_buf_free(&value);
    return err;
}

enum lf_err lf_ctype_parse(struct lf_ctype *t, const char *s, size_t n)
{
    struct scan scan = {s, s + trim_end(s, n)};
    lf_buf_reset(&t->essence);
    lf_headers_reset(&t->params);
    skip_space(&scan);
    enum lf_err err = take_essence(t, &scan);
    if (!err)
        err = take_params(t, &scan);
    if (err) {
        lf_buf_reset(&t->essence);
        lf_headers_reset(&t->params);
    }
    return err;
}

bool lf_ctype_is(const struct lf_ctype *t, const char *essence)
{
    size_t n = strlen(essence);
    return n == t->essence.len && (n == 0 || memcmp(t->essence.p, essence, n) == 0);
}

/* One entry of a list, without the white space around it; *list goes behind it. */
static struct lf_span next_type(const char **list)
{
    const char *p = *list + strspn(*list, ", \t");
    size_t n = strcspn(p, ",");
    *list = p + n;
    while (n && (p[n - 1] == ' ' || p[n - 1] == '\t'))
        n--;
    return (struct lf_span){p, n};
}

static bool matches(struct lf_span type, const char *essence, size_t n)
{
    bool range = type.len && type.p[type.len - 1] == '*';
    size_t len = type.len - range;
    return (range ? n >= len : n == len) && strncasecmp(type.p, essence, len) == 0;
}

bool lf_ctype_among(const char *value, size_t n, const char *types)
{
    while (n && (*value == ' ' || *value == '\t'))
        value++, n--;
    size_t len = 0;
    while (len < n && value[len] != ';' && value[len] != ' ' && value[len] != '\t')
        len++;
    for (struct lf_span t = next_type(&types); t.len; t = next_type(&types))
        if (matches(t, value, len) || (t.len == 3 && memcmp(t.p, "*/*", 3) == 0))
            return true;
    return false;
}

const struct lf_charset *lf_ctype_charset(const struct lf_ctype *t)
{
    struct lf_header charset;
    if (!lf_headers_get(&t->params, "charset", &charset))
        return NULL;
    return lf_charset_find(charset.value, charset.value_len);
}

static enum lf_err add_quoted(struct lf_buf *out, const char *s, size_t n)
{
    enum lf_err err = lf_buf_addc(out, '"');
    for (size_t i = 0; !err && i < n; i++) {
        if (s[i] == '"' || s[i] == '\\')
            err = lf_buf_addc(out, '\\');
        if (!err)
            err = lf_buf_addc(out, s[i]);
    }
    return err ? err : lf_buf_addc(out, '"');
}

static enum lf_err add_param(struct lf_buf *out, const struct lf_header *param)
{
    enum lf_err err = lf_buf_addf(out, ";%s=", param->name);
    if (err)
        return err;
    if (lf_token_valid(param->value, param->value_len))
        return lf_buf_add(out, param->value, param->value_len);
    return add_quoted(out, param->value, param->value_len);
}

enum lf_err lf_ctype_serialize(const struct lf_ctype *t, struct lf_buf *out)
{
    struct lf_header param;
    size_t at = 0;
    enum lf_err err = lf_buf_add(out, t->essence.p, t->essence.len);
    while (!err && lf_headers_next(t->params.block.p, t->params.block.len, &at, &param))
        err = add_param(out, &param);
    return err;
}
