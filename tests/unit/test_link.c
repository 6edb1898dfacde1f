/* The Link header: targets, relations, parameters; what is broken ends it or is left out.
 */
#include "http/link.h"

#include "check.h"

/* All links of a value as "target|name=value|…" joined by " + ". */
static const char *read_links(const char *s)
{
    static struct lf_buf out;
    struct lf_link link;
    const char *at = s, *end = s + strlen(s);
    if (!out.max)
        lf_buf_init(&out, LF_BUF_MAX);
    if (!s[0]) {
        lf_buf_free(&out);
        return "";
    }
    lf_buf_reset(&out);
    lf_buf_adds(&out, "");
    lf_link_init(&link);
    while (lf_link_next(&link, &at, end) == LF_OK) {
        struct lf_header p;
        size_t i = 0;
        lf_buf_addf(&out, "%s%.*s", out.len ? " + " : "", (int)link.target.len,
                    link.target.p);
        while (lf_headers_next(link.params.block.p, link.params.block.len, &i, &p))
            lf_buf_addf(&out, "|%s=%s", p.name, p.value);
    }
    lf_link_free(&link);
    return out.p;
}

static void test_links(void)
{
    CHECK_STR(read_links("<https://a.example/?page=2>; rel=\"next\", <x>; rel=last"),
              "https://a.example/?page=2|rel=next + x|rel=last");
    CHECK_STR(read_links("<a,b;c>;rel=x"), "a,b;c|rel=x");
    CHECK_STR(read_links("</>;rel=\"a, <b>; c\",<y>"), "/|rel=a, <b>; c + y");
    CHECK_STR(read_links("<>;rel=self"), "|rel=self");
    CHECK_STR(read_links(" ,, <a> , , <b>,"), "a + b");
    CHECK_STR(read_links("<a>;rel=one;rel=two"), "a|rel=one");
    CHECK_STR(read_links("<a> ; REL = \"x\" ; Title=\"q \\\" \\\\\""),
              "a|rel=x|title=q \" \\");
    CHECK_STR(read_links("<a>;crossorigin;as=script"), "a|crossorigin=|as=script");
    CHECK_STR(read_links("<a>;rel=\"x\"junk;b=c,<d>"), "a|rel=x|b=c + d");
}

static void test_extended(void)
{
    CHECK_STR(read_links("<a>;title=plain;title*=UTF-8'de'n%c3%a4chstes"),
              "a|title=nächstes");
    CHECK_STR(read_links("<a>;title*=utf-8''x;title=plain;title*=utf-8''y"), "a|title=x");
    CHECK_STR(read_links("<a>;title*=iso-8859-1'en'%A3%20rates"), "a|title=£ rates");
    CHECK_STR(read_links("<a>;title*=nonsense;title=plain"), "a|title=plain");
    CHECK_STR(read_links("<a>;title*=;title=plain"), "a|title=plain"); /* no memory */
    CHECK_STR(read_links("<a>;title*=klingon''x;title=plain"), "a|title=plain");
    CHECK_STR(read_links("<a>;title*=utf-8''%ff%zz"), "a|title=\xef\xbf\xbd%zz");
    CHECK_STR(read_links("<a>;*=x;title*"), "a|*=x");
}

static void test_broken(void)
{
    CHECK_STR(read_links(" "), "");
    CHECK_STR(read_links("a"), "");
    CHECK_STR(read_links("<a"), "");
    CHECK_STR(read_links("<a>, b; rel=x, <c>"), "a");
    CHECK_STR(read_links("<a>;rel=\"open, <b>"), "a|rel=open, <b>");
    CHECK_STR(read_links("<a>;rel=\"open\\"), "a|rel=open");
    CHECK_STR(read_links("<a>;=x;;; ;b"), "a|b=");
    CHECK_STR(read_links("<a>;"), "a");
}

static void test_rels(void)
{
    static const char value[] = "<a>; rel=\"  Next\tprefetch  https://x.example/rel \"";
    const char *at = value;
    struct lf_link link;
    struct lf_span rel;
    size_t i = 0, n = 0;
    lf_link_init(&link);
    CHECK_INT(lf_link_next(&link, &at, value + sizeof value - 1), LF_OK);
    while (lf_link_next_rel(&link, &i, &rel))
        n++;
    CHECK_INT(n, 3);
    CHECK(lf_link_has_rel(&link, "next") && lf_link_has_rel(&link, "PREFETCH"));
    CHECK(!lf_link_has_rel(&link, "nex") && !lf_link_has_rel(&link, ""));
    CHECK_INT(lf_link_next(&link, &at, value + sizeof value - 1), LF_EPARSE);
    CHECK(!lf_link_has_rel(&link, "next"));
    lf_link_free(&link);
}

int main(void)
{
    test_links();
    test_extended();
    test_broken();
    test_rels();
    read_links("");
    return check_done();
}
