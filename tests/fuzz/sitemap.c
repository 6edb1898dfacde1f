/* Sitemaps: the same entries and the same end, however the bytes are cut; what comes out
 * is UTF-8 within the limits.
 *
 * seeds: sitemap-scrapy/sitemap-cases.json: args
 * seed: <urlset><url><loc> http://a.example/?a&amp;b </loc><lastmod>2024</url></urlset>
 * seed: <s:sitemapindex xmlns:s='x'><s:sitemap><s:loc><![CDATA[/a]]></s:loc></s:sitemap>
 * seed: http://a.example/1\r\n\nhttp://a.example/2
 * seed: <!DOCTYPE u [<!ENTITY a "b">]><urlset><url><loc>&#x41;&a;</loc><!-- > --></url>
 * size: 16384 */
#include "fuzz.h"
#include "http/sitemap.h"
#include "bind/lf_module.h"

enum { MAX_FILE = 1 << 20 };

static void add_span(struct lf_buf *out, struct lf_span s)
{
    FUZZ_CHECK(!s.p || lf_utf8_valid(s.p, s.len));
    FUZZ_CHECK(s.len <= LF_SITEMAP_LINKS);
    FUZZ_CHECK(lf_buf_addf(out, "%s %zu ", s.p ? "+" : "-", s.len) == LF_OK);
    FUZZ_CHECK(lf_buf_add(out, s.p ? s.p : "", s.len) == LF_OK);
}

static void add_entry(struct lf_buf *out, const struct lf_sitemap_entry *e)
{
    FUZZ_CHECK(e->loc.len > 0 && e->loc.len <= LF_SITEMAP_FIELD);
    add_span(out, e->loc);
    add_span(out, e->lastmod);
    add_span(out, e->changefreq);
    add_span(out, e->priority);
    for (size_t i = 0; i < e->link_count; i++) {
        add_span(out, e->links[i].href);
        add_span(out, e->links[i].hreflang);
    }
    FUZZ_CHECK(lf_buf_addc(out, '\n') == LF_OK);
}

static enum lf_err take(struct lf_sitemap *s, struct lf_buf *out)
{
    struct lf_sitemap_entry e;
    enum lf_err err;
    while ((err = lf_sitemap_next(s, &e)) == LF_OK && e.loc.p)
        add_entry(out, &e);
    return err;
}

/* What all comes out of the bytes, given in pieces of `step`. */
static void scan(struct fuzz in, size_t step, struct lf_buf *out)
{
    struct lf_sitemap *s = lf_sitemap_new(MAX_FILE);
    enum lf_err err = LF_OK;
    FUZZ_CHECK(s);
    lf_buf_init(out, LF_BUF_MAX);
    while (!err && in.n) {
        struct fuzz piece = {in.p, in.n < step ? in.n : step};
        char *block = fuzz_block(piece); /* gone before the next one */
        lf_sitemap_feed(s, block, piece.n);
        err = take(s, out);
        free(block);
        in.p += piece.n;
        in.n -= piece.n;
    }
    if (!err) {
        lf_sitemap_finish(s);
        err = take(s, out);
    }
    FUZZ_CHECK(err == LF_OK || err == LF_EPARSE || err == LF_EDECODE ||
               err == LF_ETOOLARGE);
    FUZZ_CHECK(!err || *lf_sitemap_why(s));
    FUZZ_CHECK(lf_buf_addf(out, "%s %d %s", lf_err_name(err), lf_sitemap_kind(s),
                           err ? lf_sitemap_why(s) : "") == LF_OK);
    lf_sitemap_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz in = {(const char *)data, size};
    size_t step = 1 + fuzz_byte(&in);
    struct lf_buf whole, pieces;
    scan(in, SIZE_MAX, &whole);
    scan(in, step, &pieces);
    if (!fuzz_same(&whole, &pieces))
        fprintf(stderr, "whole:\n%.*s\npieces of %zu:\n%.*s\n", (int)whole.len, whole.p,
                step, (int)pieces.len, pieces.p);
    FUZZ_CHECK(fuzz_same(&whole, &pieces));
    lf_buf_free(&whole);
    lf_buf_free(&pieces);
    return 0;
}
