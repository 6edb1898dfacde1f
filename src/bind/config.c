/* Defaults of the run and of sessions, and how lists of fields lie over one another. */
#include "bind/config.h"

#include <string.h>
#include "http/percent.h"

const char lf_accept[] = "*/*";
const char lf_accept_encoding[] = "gzip, deflate, br, zstd";

/* ---- lists of fields ---- */

bool lf_fields_has(const struct lf_headers *h, const char *name, size_t n)
{
    struct lf_header f;
    size_t at = 0;
    return lf_headers_find(h->block.p, h->block.len, &at, name, n, &f);
}

static enum lf_err add(struct lf_headers *h, const struct lf_header *f)
{
    return lf_headers_add(h, f->name, f->name_len, f->value, f->value_len);
}

/* Put in the place of `f` what `from` has under its name; f itself when it has nothing.
 */
static enum lf_err put_for(struct lf_headers *out, const struct lf_header *f,
                           const struct lf_headers *from)
{
    struct lf_header g;
    size_t at = 0;
    const char *p = from->block.p;
    size_t len = from->block.len;
    if (!lf_headers_find(p, len, &at, f->name, f->name_len, &g))
        return add(out, f);
    if (lf_fields_has(out, f->name, f->name_len))
        return LF_OK; /* done where the name came first */
    enum lf_err err;
    do
        err = add(out, &g);
    while (!err && lf_headers_find(p, len, &at, f->name, f->name_len, &g));
    return err;
}

enum lf_err lf_fields_merge(struct lf_headers *h, const struct lf_headers *from,
                            struct lf_headers *spare)
{
    struct lf_header f;
    enum lf_err err = LF_OK;
    lf_headers_reset(spare);
    for (size_t at = 0; !err && lf_headers_next(h->block.p, h->block.len, &at, &f);)
        err = put_for(spare, &f, from);
    for (size_t at = 0; !err && lf_headers_next(from->block.p, from->block.len, &at, &f);)
        if (!lf_fields_has(h, f.name, f.name_len))
            err = add(spare, &f);
    if (err)
        return err;
    struct lf_headers old = *h;
    *h = *spare;
    *spare = old;
    return LF_OK;
}

enum lf_err lf_fields_set(struct lf_headers *h, const char *name, const char *value,
                          size_t vlen, struct lf_headers *spare)
{
    struct lf_headers one;
    lf_headers_init(&one);
    enum lf_err err = lf_headers_add(&one, name, strlen(name), value, vlen);
    if (!err)
        err = lf_fields_merge(h, &one, spare);
    lf_headers_free(&one);
    return err;
}

/* ---- queries ---- */

static bool query_has(const struct lf_buf *q, const struct lf_form_pair *like)
{
    struct lf_form_pair pair;
    const char *s = q->p, *end = q->p + q->len;
    while (lf_form_next(&s, end, &pair))
        if (pair.name_len == like->name_len &&
            memcmp(pair.name, like->name, like->name_len) == 0)
            return true;
    return false;
}

enum lf_err lf_query_merge(struct lf_buf *q, const struct lf_buf *from,
                           struct lf_buf *spare)
{
    struct lf_form_pair pair;
    enum lf_err err = LF_OK;
    if (!from->len)
        return LF_OK;
    lf_buf_reset(spare);
    const char *s = q->p, *end = q->p + q->len;
    while (q->len && !err && lf_form_next(&s, end, &pair)) {
        if (query_has(from, &pair))
            continue;
        size_t n = (size_t)(pair.value + pair.value_len - pair.name);
        err = lf_buf_add(spare, pair.name, n);
        if (!err)
            err = lf_buf_addc(spare, '&');
    }
    if (!err)
        err = lf_buf_add(spare, from->p, from->len);
    if (err)
        return err;
    lf_buf_reset(q);
    return lf_buf_add(q, spare->p, spare->len);
}

/* ---- the config ---- */

void lf_config_init(struct lf_config *c)
{
    lf_opts_init(&c->opts);
    c->total_said = c->max_body_said = c->proxy_fn = c->observed = c->digest = false;
    lf_headers_init(&c->headers);
    lf_headers_init(&c->resolve);
    lf_buf_init(&c->params, LF_URL_MAX);
    lf_buf_init(&c->auth, 1 << 20);
    lf_buf_init(&c->origins, 1 << 20);
}

void lf_config_free(struct lf_config *c)
{
    lf_headers_free(&c->headers);
    lf_headers_free(&c->resolve);
    lf_buf_free(&c->params);
    lf_buf_free(&c->auth);
    lf_buf_free(&c->origins);
}

static enum lf_err copy_buf(struct lf_buf *to, const struct lf_buf *from)
{
    lf_buf_reset(to);
    return from->len ? lf_buf_add(to, from->p, from->len) : LF_OK;
}

enum lf_err lf_config_copy(struct lf_config *to, const struct lf_config *from)
{
    to->opts = from->opts;
    to->total_said = from->total_said;
    to->max_body_said = from->max_body_said;
    to->proxy_fn = from->proxy_fn;
    to->observed = from->observed;
    to->digest = from->digest;
    enum lf_err err = lf_headers_copy(&to->headers, &from->headers);
    if (!err)
        err = lf_headers_copy(&to->resolve, &from->resolve);
    if (!err)
        err = copy_buf(&to->params, &from->params);
    if (!err)
        err = copy_buf(&to->auth, &from->auth);
    return err ? err : copy_buf(&to->origins, &from->origins);
}

static enum lf_err add_text(struct lf_headers *h, const char *name, const char *value)
{
    return lf_headers_add(h, name, strlen(name), value, strlen(value));
}

enum lf_err lf_config_headers(struct lf_config *c, const char *user_agent)
{
    static const char own[] = "luafetch/" LF_VERSION;
    enum lf_err err = LF_OK;
    if (!user_agent)
        user_agent = own;
    if (*user_agent)
        err = add_text(&c->headers, "User-Agent", user_agent);
    if (!err)
        err = add_text(&c->headers, "Accept", lf_accept);
    return err ? err : add_text(&c->headers, "Accept-Encoding", lf_accept_encoding);
}

static bool has_control(struct lf_span s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return true;
    return false;
}

enum lf_err lf_config_set_digest(struct lf_config *c, struct lf_span user,
                                 struct lf_span pass, const char **why)
{
    *why = "user and password cannot hold control characters";
    if (has_control(user) || has_control(pass))
        return LF_EREQUEST;
    lf_buf_reset(&c->auth);
    enum lf_err err = lf_buf_add(&c->auth, user.p, user.len);
    if (!err)
        err = lf_buf_addc(&c->auth, '\0');
    return err ? err : lf_buf_add(&c->auth, pass.p, pass.len);
}

void lf_config_digest(const struct lf_config *c, struct lf_span *user,
                      struct lf_span *pass)
{
    size_t n = strlen(c->auth.p);
    *user = (struct lf_span){c->auth.p, n};
    *pass = (struct lf_span){c->auth.p + n + 1, c->auth.len - n - 1};
}

static enum lf_err origin_line(const struct lf_url *u, struct lf_buf *out)
{
    bool opaque = false;
    enum lf_err err = lf_url_origin(u, out, &opaque);
    return err ? err : lf_buf_addc(out, '\n');
}

enum lf_err lf_config_add_origin(struct lf_config *c, const struct lf_url *u)
{
    return origin_line(u, &c->origins);
}

enum lf_err lf_config_auth_fits(const struct lf_config *c, const struct lf_url *u,
                                struct lf_buf *scratch, bool *fits)
{
    *fits = false;
    if (!c->auth.len)
        return LF_OK;
    lf_buf_reset(scratch);
    enum lf_err err = origin_line(u, scratch);
    if (err)
        return err;
    for (const char *p = c->origins.p; p && *p; p = strchr(p, '\n') + 1)
        if (strncmp(p, scratch->p, scratch->len) == 0)
            *fits = true;
    return LF_OK;
}
