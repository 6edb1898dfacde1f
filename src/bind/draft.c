/* What a request is put together from before the engine gets it. */
#include "bind/draft.h"

#include <stdio.h>
#include <string.h>

void lf_draft_init(struct lf_draft *d)
{
    *d = (struct lf_draft){.anchor = 0};
    lf_config_init(&d->c);
    lf_buf_init(&d->range, 1 << 20);
    lf_headers_init(&d->add);
    lf_headers_init(&d->drop);
    lf_headers_init(&d->layer);
    lf_headers_init(&d->spare);
    lf_buf_init(&d->text, LF_BUF_MAX);
    lf_buf_init(&d->sort, LF_BUF_MAX);
    lf_buf_init(&d->rules, LF_BUF_MAX);
}

void lf_draft_free(struct lf_draft *d)
{
    lf_config_free(&d->c);
    lf_buf_free(&d->range);
    lf_headers_free(&d->add);
    lf_headers_free(&d->drop);
    lf_headers_free(&d->layer);
    lf_headers_free(&d->spare);
    lf_buf_free(&d->text);
    lf_buf_free(&d->sort);
    lf_buf_free(&d->rules);
}

enum lf_err lf_draft_begin(struct lf_draft *d, const struct lf_config *base, int anchor)
{
    lf_buf_reset(&d->range);
    lf_headers_reset(&d->add);
    lf_headers_reset(&d->drop);
    d->url = d->user_agent = d->referer = d->base_url = NULL;
    d->body = LF_BODY_NONE;
    d->auth = LF_AUTH_INHERIT;
    d->limits = (struct lf_domain_conf){0};
    d->jar = NULL;
    d->no_jar = d->watched = false;
    d->anchor = anchor;
    d->fail = LF_OK;
    return lf_config_copy(&d->c, base);
}

void lf_draft_fail(struct lf_draft *d, enum lf_err kind, const char *why)
{
    if (d->fail)
        return;
    d->fail = kind;
    snprintf(d->why, sizeof d->why, "%s", why);
}

/* ---- the list of headers ---- */

static enum lf_err set(struct lf_draft *d, const char *name, const char *value, size_t n)
{
    return lf_fields_set(&d->c.headers, name, value, n, &d->spare);
}

static enum lf_err set_text(struct lf_draft *d, const char *name, const char *value)
{
    return set(d, name, value, strlen(value));
}

static bool is_default(const struct lf_headers *h, const char *name, const char *value)
{
    struct lf_header f;
    return lf_headers_get(h, name, &f) && strcmp(f.value, value) == 0;
}

static enum lf_err apply_user_agent(struct lf_draft *d)
{
    if (!d->user_agent)
        return LF_OK;
    if (d->user_agent_len)
        return set(d, "User-Agent", d->user_agent, d->user_agent_len);
    lf_headers_remove(&d->c.headers, "User-Agent", strlen("User-Agent"));
    return LF_OK;
}

static enum lf_err apply_referer(struct lf_draft *d)
{
    if (!d->referer)
        return LF_OK;
    if (d->referer_len)
        return set(d, "Referer", d->referer, d->referer_len);
    lf_headers_remove(&d->c.headers, "Referer", strlen("Referer"));
    return LF_OK;
}

/* What only makes sense together with other options; explicit headers come after. */
static enum lf_err apply_defaults(struct lf_draft *d)
{
    static const char *const types[] = {
        [LF_BODY_JSON] = "application/json",
        [LF_BODY_FORM] = "application/x-www-form-urlencoded",
    };
    struct lf_headers *h = &d->c.headers;
    enum lf_err err = LF_OK;
    if (!d->c.opts.decode && is_default(h, "Accept-Encoding", lf_accept_encoding))
        lf_headers_remove(h, "Accept-Encoding", strlen("Accept-Encoding"));
    if (d->body == LF_BODY_JSON && is_default(h, "Accept", lf_accept))
        err = set_text(d, "Accept", types[LF_BODY_JSON]);
    if (!err && d->body >= LF_BODY_JSON)
        err = set_text(d, "Content-Type",
                       d->body == LF_BODY_MULTIPART ? d->content_type : types[d->body]);
    return err;
}

static enum lf_err apply_headers(struct lf_draft *d)
{
    struct lf_header f;
    for (size_t at = 0; lf_headers_next(d->drop.block.p, d->drop.block.len, &at, &f);)
        lf_headers_remove(&d->c.headers, f.name, f.name_len);
    if (d->add.count == 0)
        return LF_OK;
    return lf_fields_merge(&d->c.headers, &d->add, &d->spare);
}

/* A part of a coded body could not be decoded: it is asked for as it is, unless the
 * script says otherwise. */
static enum lf_err apply_range(struct lf_draft *d)
{
    static const char coding[] = "Accept-Encoding", range[] = "Range";
    enum lf_err err = d->range.len ? set(d, range, d->range.p, d->range.len) : LF_OK;
    if (!err && lf_fields_has(&d->c.headers, range, sizeof range - 1) &&
        !lf_fields_has(&d->add, coding, sizeof coding - 1) &&
        lf_fields_has(&d->c.headers, coding, sizeof coding - 1))
        err = set_text(d, coding, "identity");
    return err;
}

enum lf_err lf_draft_headers(struct lf_draft *d)
{
    enum lf_err err = apply_user_agent(d);
    if (!err)
        err = apply_referer(d);
    if (!err)
        err = apply_defaults(d);
    if (!err)
        err = apply_headers(d);
    return err ? err : apply_range(d);
}
