/* An entry of a sitemap while it is being made: texts as they come, and the links. */
#ifndef LF_HTTP_SITEMAP_DRAFT_H
#define LF_HTTP_SITEMAP_DRAFT_H

#include <stdbool.h>
#include "base/buf.h"
#include "http/sitemap.h"

enum lf_sitemap_field {
    LF_SITEMAP_LOC,
    LF_SITEMAP_LASTMOD,
    LF_SITEMAP_CHANGEFREQ,
    LF_SITEMAP_PRIORITY,
    LF_SITEMAP_FIELDS,
    LF_SITEMAP_NONE = LF_SITEMAP_FIELDS
};

struct lf_sitemap_draft {
    enum lf_sitemap_field field; /* that text goes to */
    bool has[LF_SITEMAP_FIELDS];
    struct lf_buf raw[LF_SITEMAP_FIELDS];  /* owned: as in the file */
    struct lf_buf text[LF_SITEMAP_FIELDS]; /* owned: as given out */
    struct lf_buf links;                   /* owned: where their texts are */
    struct lf_buf link_text;               /* owned */
    struct lf_buf given;                   /* owned: struct lf_sitemap_link */
};

void lf_sitemap_draft_init(struct lf_sitemap_draft *d);
void lf_sitemap_draft_deinit(struct lf_sitemap_draft *d);
void lf_sitemap_draft_reset(struct lf_sitemap_draft *d); /* another entry begins */

/* The field of that name is open from now on, empty; other names change nothing. */
void lf_sitemap_draft_open(struct lf_sitemap_draft *d, struct lf_span name);
void lf_sitemap_draft_close(struct lf_sitemap_draft *d); /* none is */

/* Text of the open field, if one is. In CDATA an '&' is one. */
enum lf_err lf_sitemap_draft_text(struct lf_sitemap_draft *d, const char *p, size_t n,
                                  bool cdata);

/* A link, by the tag that says it. `label` is that of the file's character set. */
enum lf_err lf_sitemap_draft_link(struct lf_sitemap_draft *d, const char *tag, size_t n,
                                  const char *label);

/* The entry, which stays until the draft is reset. */
enum lf_err lf_sitemap_draft_give(struct lf_sitemap_draft *d, const char *label,
                                  struct lf_sitemap_entry *out);

#endif
