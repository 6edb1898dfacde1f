/* Entries of sitemaps, put together. */
#include "http/sitemap_draft.h"

#include <string.h>
#include "http/sitemap_text.h"

static const char *const names[] = {"loc", "lastmod", "changefreq", "priority"};

/* A link's texts in link_text. */
struct link {
    size_t href, href_len, lang, lang_len;
    bool has_lang;
};

void lf_sitemap_draft_init(struct lf_sitemap_draft *d)
{
    *d = (struct lf_sitemap_draft){.field = LF_SITEMAP_NONE};
    for (int i = 0; i < LF_SITEMAP_FIELDS; i++) {
        lf_buf_init(&d->raw[i], LF_SITEMAP_FIELD);
        lf_buf_init(&d->text[i], LF_BUF_MAX);
    }
    lf_buf_init(&d->links, LF_SITEMAP_LINKS);
    lf_buf_init(&d->link_text, LF_SITEMAP_LINKS);
    lf_buf_init(&d->given, LF_BUF_MAX);
}

void lf_sitemap_draft_deinit(struct lf_sitemap_draft *d)
{
    for (int i = 0; i < LF_SITEMAP_FIELDS; i++) {
        lf_buf_free(&d->raw[i]);
        lf_buf_free(&d->text[i]);
    }
    lf_buf_free(&d->links);
    lf_buf_free(&d->link_text);
    lf_buf_free(&d->given);
}

void lf_sitemap_draft_reset(struct lf_sitemap_draft *d)
{
    d->field = LF_SITEMAP_NONE;
    for (int i = 0; i < LF_SITEMAP_FIELDS; i++) {
        d->has[i] = false;
        lf_buf_reset(&d->raw[i]);
    }
    lf_buf_reset(&d->links);
    lf_buf_reset(&d->link_text);
}

void lf_sitemap_draft_open(struct lf_sitemap_draft *d, struct lf_span name)
{
    for (int i = 0; i < LF_SITEMAP_FIELDS; i++) {
        if (strlen(names[i]) != name.len || memcmp(names[i], name.p, name.len) != 0)
            continue;
        d->field = (enum lf_sitemap_field)i;
        d->has[i] = true;
        lf_buf_reset(&d->raw[i]);
    }
}

void lf_sitemap_draft_close(struct lf_sitemap_draft *d)
{
    d->field = LF_SITEMAP_NONE;
}

enum lf_err lf_sitemap_draft_text(struct lf_sitemap_draft *d, const char *p, size_t n,
                                  bool cdata)
{
    enum lf_sitemap_field f = d->field;
    if (f == LF_SITEMAP_NONE || !n)
        return LF_OK;
    enum lf_err err =
        cdata ? lf_sitemap_escape(p, n, &d->raw[f]) : lf_buf_add(&d->raw[f], p, n);
    if (err == LF_ETOOLARGE) { /* a part of it would be another URL */
        d->has[f] = false;
        d->field = LF_SITEMAP_NONE;
        err = LF_OK;
    }
    return err;
}

static enum lf_err add_link_text(struct lf_sitemap_draft *d, struct lf_span raw,
                                 const char *label, size_t *at, size_t *len)
{
    *at = d->link_text.len;
    enum lf_err err = lf_sitemap_unescape(raw.p, raw.len, label, &d->link_text);
    *len = d->link_text.len - *at;
    return err;
}

enum lf_err lf_sitemap_draft_link(struct lf_sitemap_draft *d, const char *tag, size_t n,
                                  const char *label)
{
    struct lf_span href = lf_sitemap_attribute(tag, n, "href");
    struct lf_span lang = lf_sitemap_attribute(tag, n, "hreflang");
    struct link l = {.has_lang = lang.p != NULL};
    if (!href.p)
        return LF_OK;
    enum lf_err err = add_link_text(d, href, label, &l.href, &l.href_len);
    if (!err && lang.p)
        err = add_link_text(d, lang, label, &l.lang, &l.lang_len);
    if (!err)
        err = lf_buf_add(&d->links, &l, sizeof l);
    return err == LF_ETOOLARGE ? LF_OK : err;
}

static struct lf_span span_of(const struct lf_buf *b, size_t at, size_t n)
{
    return (struct lf_span){b->p ? b->p + at : "", n};
}

static enum lf_err give_links(struct lf_sitemap_draft *d, struct lf_sitemap_entry *out)
{
    enum lf_err err = LF_OK;
    lf_buf_reset(&d->given);
    out->link_count = d->links.len / sizeof(struct link);
    for (size_t i = 0; !err && i < out->link_count; i++) {
        const struct link *l = (struct link *)(void *)d->links.p + i;
        struct lf_sitemap_link link = {span_of(&d->link_text, l->href, l->href_len),
                                       {NULL, 0}};
        if (l->has_lang)
            link.hreflang = span_of(&d->link_text, l->lang, l->lang_len);
        err = lf_buf_add(&d->given, &link, sizeof link);
    }
    out->links = (struct lf_sitemap_link *)(void *)d->given.p;
    return err;
}

enum lf_err lf_sitemap_draft_give(struct lf_sitemap_draft *d, const char *label,
                                  struct lf_sitemap_entry *out)
{
    struct lf_span *const to[LF_SITEMAP_FIELDS] = {&out->loc, &out->lastmod,
                                                   &out->changefreq, &out->priority};
    enum lf_err err = LF_OK;
    for (int i = 0; !err && i < LF_SITEMAP_FIELDS; i++) {
        lf_buf_reset(&d->text[i]);
        if (d->has[i])
            err = lf_sitemap_unescape(d->raw[i].p, d->raw[i].len, label, &d->text[i]);
        if (d->has[i])
            *to[i] = span_of(&d->text[i], 0, d->text[i].len);
    }
    return err ? err : give_links(d, out);
}
