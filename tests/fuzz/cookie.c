/* Cookies: Set-Cookie values from one host, and what is sent back to it; no value can put
 * a line into a request, and no cookie goes to another site.
 *
 * seeds: cookies-http-state/parser.json: received
 * seed: a=b; Domain=example.com; Path=/x; Secure; HttpOnly; SameSite=lax\n__Host-a=b;
 * path=/ seed: a=b; Max-Age=-1; Expires=Fri, 07 Aug 2037 08:04:19 GMT; Domain=co.uk */
#include "fuzz.h"
#include "http/cookie.h"
#include "http/headers.h"

enum { NOW = 1700000000 };

static const char *const pages[] = {"https://www.example.com/a/b?c",
                                    "http://example.com/", "http://127.0.0.1:8080/x/",
                                    "https://a.b.example.co.uk"};
static const char *const foreign = "https://other.example.org/a/b";

static void open_url(struct lf_url *u, const char *s)
{
    const char *why;
    *u = LF_URL_INIT;
    FUZZ_CHECK(lf_url_parse(u, s, strlen(s), NULL, &why) == LF_OK);
}

static void check_sent(struct lf_jar *jar, const struct lf_url *u, bool none)
{
    struct lf_buf out;
    lf_buf_init(&out, LF_BUF_MAX);
    FUZZ_CHECK(lf_jar_header(jar, u, NOW + 1, &out) == LF_OK);
    FUZZ_CHECK(lf_value_valid(out.p, out.len));
    FUZZ_CHECK(!none || out.len == 0);
    lf_buf_free(&out);
}

static void check_cookie(const struct lf_cookie *c)
{
    FUZZ_CHECK(c->name.len + c->value.len > 0);
    FUZZ_CHECK(c->name.len + c->value.len <= LF_COOKIE_MAX);
    FUZZ_CHECK(c->domain.len > 0 && c->domain.p[0] != '.');
    FUZZ_CHECK(c->path.len > 0 && c->path.p[0] == '/');
    FUZZ_CHECK(c->expires == LF_COOKIE_SESSION || c->expires <= NOW + LF_COOKIE_LIFE);
    FUZZ_CHECK(strlen(c->name.p) == c->name.len && strlen(c->value.p) == c->value.len);
    FUZZ_CHECK(c->same_site < LF_SAME_SITE_COUNT);
}

/* A copy by hand holds the same; deleting all leaves none. */
static void check_list(struct lf_jar *jar)
{
    struct lf_jar *copy = lf_jar_new();
    const struct lf_cookie *list;
    struct lf_buf memory;
    const char *why;
    size_t n, deleted = 0;
    lf_buf_init(&memory, LF_BUF_MAX);
    FUZZ_CHECK(copy && lf_jar_list(jar, NOW, &memory, &list, &n) == LF_OK);
    FUZZ_CHECK(n <= lf_jar_count(jar));
    for (size_t i = 0; i < n; i++) {
        check_cookie(&list[i]);
        FUZZ_CHECK(lf_jar_add(copy, &list[i], NOW, &why) == LF_OK);
    }
    FUZZ_CHECK(lf_jar_count(copy) == n);
    for (size_t i = 0; i < n; i++)
        deleted += lf_jar_delete(copy, list[i].domain, list[i].path, list[i].name);
    FUZZ_CHECK(deleted == n && lf_jar_count(copy) == 0);
    lf_buf_free(&memory);
    lf_jar_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz in = {(const char *)data, size}, line;
    struct lf_url u, other;
    unsigned at = fuzz_byte(&in) % 4;
    struct lf_jar *jar = lf_jar_new();
    FUZZ_CHECK(jar);
    open_url(&u, pages[at]);
    open_url(&other, foreign);
    while (fuzz_line(&in, &line)) {
        const char *why = NULL;
        char *value = fuzz_block(line);
        FUZZ_CHECK(lf_jar_set(jar, &u, value, line.n, NOW, &why) == LF_OK);
        FUZZ_CHECK(!why || *why);
        free(value);
    }
    check_sent(jar, &u, false);
    check_sent(jar, &other, true);
    check_list(jar);
    lf_url_free(&u);
    lf_url_free(&other);
    lf_jar_free(jar);
    return 0;
}
