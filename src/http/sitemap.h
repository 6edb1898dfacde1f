/* Sitemaps (sitemaps.org) as they arrive: XML of URLs or of further sitemaps, or text
 * with a URL a line; gzip is undone. Bytes go in by pieces of any size, entries come out
 * one by one, and memory depends on neither the file's size nor what it says.
 *
 *     while (… a piece p, n) {
 *         lf_sitemap_feed(s, p, n);
 *         while ((err = lf_sitemap_next(s, &entry)) == LF_OK && entry.loc.p)
 *             …
 *     }
 *     lf_sitemap_finish(s);
 *     … lf_sitemap_next as above
 *
 * The XML is scanned by ourselves, since what is met is often none: a raw '&' in a URL is
 * kept, other namespaces and blanks are looked over, tags that do not match end nothing
 * but their entry. A DOCTYPE is passed over: no entity is ever expanded. */
#ifndef LF_HTTP_SITEMAP_H
#define LF_HTTP_SITEMAP_H

#include <stddef.h>
#include "base/err.h"
#include "http/url.h"

enum {
    LF_SITEMAP_FIELD = 16 << 10, /* bytes of loc; more, and the field counts as absent */
    LF_SITEMAP_LINKS =
        256 << 10, /* bytes of an entry's links; those behind are dropped */
};

struct lf_sitemap;

/* <xhtml:link rel="alternate" hreflang="de" href="…"/> */
struct lf_sitemap_link {
    struct lf_span href, hreflang; /* hreflang.p NULL: not said */
};

/* Well-formed UTF-8, white space around it taken off; p NULL: absent. All is borrowed
 * until the next call. */
struct lf_sitemap_entry {
    struct lf_span loc, lastmod, changefreq, priority;
    const struct lf_sitemap_link *links;
    size_t link_count;
};

enum lf_sitemap_kind { LF_SITEMAP_UNKNOWN, LF_SITEMAP_URLS, LF_SITEMAP_INDEX };

/* NULL when memory ends. `max`: bytes of the file, decoded. */
struct lf_sitemap *lf_sitemap_new(size_t max);
void lf_sitemap_free(struct lf_sitemap *s);

/* Give the next bytes, when lf_sitemap_next has no more entry. What gzip makes of them is
 * held, a thousand times n at most. What goes wrong, lf_sitemap_next tells, when it has
 * given all entries before that place. */
void lf_sitemap_feed(struct lf_sitemap *s, const char *p, size_t n);

/* There are no more bytes. */
void lf_sitemap_finish(struct lf_sitemap *s);

/* The next entry; its loc.p is NULL when more bytes are needed, and at the end.
 * LF_EPARSE: it is no sitemap, or cut off; LF_EDECODE: gzip is broken; LF_ETOOLARGE;
 * LF_ERESOURCE. An error stays. */
enum lf_err lf_sitemap_next(struct lf_sitemap *s, struct lf_sitemap_entry *out);

/* By the root element; a text is LF_SITEMAP_URLS. */
enum lf_sitemap_kind lf_sitemap_kind(const struct lf_sitemap *s);

/* One sentence about the last error of these functions; "" for memory. */
const char *lf_sitemap_why(const struct lf_sitemap *s);

#endif
