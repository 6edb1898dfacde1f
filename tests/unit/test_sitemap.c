/* Sitemaps by pieces: what is met on the web, in any chopping, and hostile input. */
#include "http/sitemap.h"

#include <stdlib.h>
#include <zlib.h>
#include "base/buf.h"
#include "check.h"

static struct lf_buf out;

static void show(const char *name, struct lf_span s)
{
    if (s.p)
        lf_buf_addf(&out, "%s%.*s", name, (int)s.len, s.p);
}

static enum lf_err drain(struct lf_sitemap *s)
{
    struct lf_sitemap_entry e;
    enum lf_err err;
    while (!(err = lf_sitemap_next(s, &e)) && e.loc.p) {
        show(out.len ? " + " : "", e.loc);
        show("|m=", e.lastmod);
        show("|f=", e.changefreq);
        show("|p=", e.priority);
        for (size_t i = 0; i < e.link_count; i++) {
            show("|", e.links[i].href);
            show("=", e.links[i].hreflang);
        }
    }
    return err;
}

/* Entries as "loc|m=…|p=…|href=lang + loc", then "!" and what went wrong. */
static const char *read_pieces(const char *p, size_t n, size_t piece, size_t max)
{
    struct lf_sitemap *s = lf_sitemap_new(max);
    enum lf_err err = LF_OK;
    if (!s)
        return "no memory";
    lf_buf_reset(&out);
    lf_buf_adds(&out, "");
    for (size_t at = 0; !err && at < n; at += piece) {
        lf_sitemap_feed(s, p + at, n - at < piece ? n - at : piece);
        err = drain(s);
    }
    lf_sitemap_finish(s);
    err = err ? err : drain(s);
    if (err)
        lf_buf_addf(&out, "!%s", lf_sitemap_why(s));
    lf_sitemap_free(s);
    return out.p;
}

/* The same for pieces of every size, or it says for which not. */
static const char *read_all(const char *p, size_t n)
{
    static char first[4096];
    snprintf(first, sizeof first, "%s", read_pieces(p, n, n ? n : 1, SIZE_MAX));
    for (size_t piece = 1; piece < 40; piece++)
        CHECK_STR(read_pieces(p, n, piece, SIZE_MAX), first);
    return first;
}

static const char *read_text(const char *s)
{
    return read_all(s, strlen(s));
}

#define SET(inner) "<?xml version='1.0'?><urlset>" inner "</urlset>"

static void test_xml(void)
{
    CHECK_STR(read_text(SET("<url><loc> http://a/ </loc><lastmod>2024</lastmod>"
                            "<changefreq>daily</changefreq><priority>0.5</priority>"
                            "</url><url><loc>http://b/</loc><lastmod/></url>")),
              "http://a/|m=2024|f=daily|p=0.5 + http://b/|m=");
    CHECK_STR(read_text(SET("<url><loc>http://a/?x=1&amp;y=&#50;&#x33;</loc></url>")),
              "http://a/?x=1&y=23");
    CHECK_STR(read_text(SET("<url><loc>http://a/?x=1&y=2&amp</loc></url>")),
              "http://a/?x=1&y=2&amp");
    CHECK_STR(read_text(SET("<url><loc><![CDATA[http://a/?x&amp;y]]]>z]]></loc></url>")),
              "http://a/?x&amp;y]z]]>");
    CHECK_STR(
        read_text(SET("<!-- <url><loc>no</loc></url> -- ---><url><loc>a<!-->--></loc>"
                      "</url>")),
        "a");
    CHECK_STR(read_text("<s:urlset xmlns:s='x'><s:url><s:loc>a</s:loc><image:image>"
                        "<image:loc>no</image:loc></image:image></s:url></s:urlset>"),
              "a");
    CHECK_STR(
        read_text(SET("<url><loc>a</loc><xhtml:link rel='alternate' hreflang=\"de\" "
                      "href='b&amp;c>'/><x:link href = 'd'></x:link></url>")),
        "a|b&c>=de|d");
    CHECK_STR(read_text("<?"
                        "?>" SET("<url><loc>a</loc></url>")),
              "a");
    CHECK_STR(read_text(SET("<url></url><url><lastmod>x</lastmod></url>")), "");
    CHECK_STR(read_text(SET("<url><loc>&none;</loc></url><url><loc>a</loc></url>")), "a");
    CHECK_STR(read_text("<sitemapindex><sitemap><loc>a</loc></sitemap></sitemapindex>"),
              "a");
    CHECK_STR(read_text("<!DOCTYPE u [<!ENTITY x '>]'>]>" SET("<url><loc>a&x;b</loc>"
                                                              "</url>")),
              "ab");
    CHECK_STR(read_text("<?xml version='1.0' encoding='iso-8859-1'?><urlset><url><loc>"
                        "\xe9&#233;</loc></url></urlset>"),
              "\xc3\xa9\xc3\xa9");
    CHECK_STR(read_text(SET("<url><loc>\xff</loc></url>")), "\xef\xbf\xbd");
}

static void test_broken(void)
{
    CHECK_STR(read_text(""), "!the sitemap is empty");
    CHECK_STR(read_text(" \n"), "!the sitemap is empty");
    CHECK_STR(read_text("\xef\xbb\xbf \t\xff\xfe no mark here"),
              "!this is neither XML nor a list of URLs");
    CHECK_STR(read_text("<urlset><url><loc>a</loc></url><url><loc>b"),
              "a!the sitemap ends too early");
    CHECK_STR(read_text("<!DOCTYPE html><HTML><p>Not found"),
              "!this is HTML and no sitemap");
    CHECK_STR(read_text("Not found"), "!this is neither XML nor a list of URLs");
    CHECK_STR(read_text("\xff\xfe<\0"),
              "!the sitemap is utf-16le; the protocol wants UTF-8");
    CHECK_STR(read_text(SET("<url><loc>a</loc><b></i></url></b><url><loc>b</loc></url>")),
              "a + b");
    CHECK_STR(read_text(SET("<url><loc x='>a</loc></url><url><loc>b</loc></url>")), "b");
    CHECK_STR(read_text(SET("<url><loc>a<url><loc>b</loc></url>")), "b");
    CHECK_STR(read_text(SET("<url><loc>a</loc></url>") "<url><loc>late</loc></url>"),
              "a");
}

static void test_text(void)
{
    CHECK_STR(read_text("\xef\xbb\xbfhttp://a/?x&amp;y\r\n\r\n https://b/ \nhttp://c"),
              "http://a/?x&amp;y + https://b/ + http://c");
    CHECK_STR(read_text("http://a/\n# not a URL\nhttp://b/\n"), "http://a/ + http://b/");
}

static size_t pack(const char *s, size_t n, char *to, size_t room)
{
    z_stream z = {.next_in = (Bytef *)(size_t)s, .avail_in = (uInt)n};
    z.next_out = (Bytef *)to;
    z.avail_out = (uInt)room;
    deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
    deflate(&z, Z_FINISH);
    deflateEnd(&z);
    return room - z.avail_out;
}

static void test_gzip(void)
{
    static const char text[] = SET("<url><loc>a</loc></url><url><loc>b</loc></url>");
    char packed[512];
    size_t n = pack(text, sizeof text - 1, packed, sizeof packed);
    CHECK_STR(read_all(packed, n), "a + b");
    CHECK(strstr(read_all(packed, n - 1), "!") != NULL);
    packed[n - 6] ^= 1;
    CHECK(strstr(read_all(packed, n), "!") != NULL);
    CHECK_STR(read_pieces(text, sizeof text - 1, 7, 40),
              "!the sitemap is larger than 40 bytes");
    CHECK(strncmp(read_pieces(packed, n, 7, SIZE_MAX), "a + b!the gzip", 14) == 0);
}

/* Fields and links beyond their limits are absent or dropped, and the file goes on. */
static void test_limits(void)
{
    static const char link[] = "<link href='http://a.example/0123456789'/>";
    struct lf_buf b;
    lf_buf_init(&b, LF_BUF_MAX);
    lf_buf_adds(&b, "<urlset><url><loc>");
    for (int i = 0; i <= LF_SITEMAP_FIELD; i++)
        lf_buf_addc(&b, 'x');
    lf_buf_adds(&b, "</loc></url><url><loc>a</loc></url></urlset>");
    CHECK_STR(read_pieces(b.p, b.len, 1000, SIZE_MAX), "a");

    lf_buf_reset(&b);
    lf_buf_adds(&b, "http://a/");
    for (int i = 0; i < LF_SITEMAP_FIELD - 100; i++)
        lf_buf_addc(&b, '&');
    lf_buf_adds(&b, "\nhttp://b/\n");
    CHECK_STR(read_pieces(b.p, b.len, b.len, SIZE_MAX), "http://b/");

    struct lf_sitemap *s = lf_sitemap_new(SIZE_MAX);
    struct lf_sitemap_entry e;
    lf_buf_reset(&b);
    lf_buf_adds(&b, "<urlset><url><loc>a</loc>");
    for (int i = 0; i < 100000; i++)
        lf_buf_add(&b, link, sizeof link - 1);
    lf_buf_adds(&b, "</url></urlset>");
    lf_sitemap_feed(s, b.p, b.len);
    CHECK_INT(lf_sitemap_next(s, &e), LF_OK);
    CHECK(e.link_count > 1000 && e.link_count < LF_SITEMAP_LINKS / 20);
    lf_sitemap_free(s);
    lf_buf_free(&b);
}

int main(void)
{
    lf_buf_init(&out, LF_BUF_MAX);
    test_xml();
    test_broken();
    test_text();
    test_gzip();
    test_limits();
    lf_buf_free(&out);
    return check_done();
}
