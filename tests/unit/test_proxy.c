/* Proxy URLs, the environment, no_proxy, and which addresses are public. */
#include "http/proxy.h"

#include <stdlib.h>
#include "check.h"
#include "http/address.h"

/* "name user pass", or why not. */
static const char *read_proxy(const char *s)
{
    static char out[400];
    struct lf_proxy *p;
    const char *why;
    if (lf_proxy_new(s, strlen(s), &p, &why) != LF_OK)
        return why;
    snprintf(out, sizeof out, "%s %s %s", p->name, p->user ? p->user : "-",
             p->pass ? p->pass : "-");
    lf_proxy_free(p);
    return out;
}

static void test_urls(void)
{
    CHECK_STR(read_proxy("proxy.example:3128"), "http://proxy.example:3128 - -");
    CHECK_STR(read_proxy("HTTP://Proxy.Example"), "http://proxy.example:80 - -");
    CHECK_STR(read_proxy("https://p/"), "https://p:443 - -");
    CHECK_STR(read_proxy("socks5h://u:p%40q@[::1]:9050/x?y#z"),
              "socks5h://[::1]:9050 u p@q");
    CHECK_STR(read_proxy("socks4://me@1.2.3.4"), "socks4://1.2.3.4:1080 me ");
    CHECK_STR(read_proxy("u:a@b@host:1"), "http://host:1 u a@b");
    CHECK_STR(read_proxy("socks4a://[::1]"), "socks4a://[::1]:1080 - -");
    CHECK_STR(read_proxy("p:65535"), "http://p:65535 - -");
    CHECK_STR(read_proxy("p:65536"), "its port is not a number from 1 to 65535");
    CHECK_STR(read_proxy("p:99999999999999999999"),
              "its port is not a number from 1 to 65535");
    CHECK_STR(read_proxy("p:0"), "its port is not a number from 1 to 65535");
    CHECK_STR(read_proxy("p:x"), "its port is not a number from 1 to 65535");
    CHECK_STR(read_proxy("ftp://p"),
              "its scheme must be http, https, socks4, socks4a, socks5 or socks5h");
    CHECK_STR(read_proxy("http://u%0Av:p@h"),
              "its user or password holds a control character");
    CHECK_STR(read_proxy("http://a%3Ab:p@h"), "its user name holds a ':' (RFC 7617)");
    CHECK(strcmp(read_proxy(""), " - -") != 0);
    CHECK(strstr(read_proxy("http://"), "http:") == NULL);
}

static void test_no_proxy(void)
{
    static const struct {
        const char *list, *host;
        bool in;
    } rows[] = {
        {"*", "a.example", true},
        {"example.com", "example.com", true},
        {"example.com", "www.EXAMPLE.com", true},
        {".example.com", "example.com", true},
        {".example.com.", "www.example.com", true},
        {"example.com", "www.example.com.", true},
        {"example.com", "badexample.com", false},
        {"a.example, b.example", "b.example", true},
        {"a.example b.example", "b.example", true},
        {"a.example,,", "", false},
        {"*.example", "a.example", false}, /* as in curl */
        {"127.0.0.1", "127.0.0.1", true},
        {"127.0.0.0/8", "127.9.9.9", true},
        {"10.0.0.0/7", "11.255.0.1", true},
        {"10.0.0.0/7", "12.0.0.1", false},
        {"10.0.0.0/33", "10.0.0.0", false},
        {"10.0.0.0/", "10.0.0.0", false},
        {"0.0.0.0/0", "8.8.8.8", true},
        {"::1", "[::1]", true},
        {"[::1]", "[::1]", true},
        {"fd00::/8", "[fd12::1]", true},
        {"fd00::/8", "[fe12::1]", false},
        {"0.0.0.1", "10.0.0.1", false}, /* an address is no name with sub-domains */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!CHECK_INT(lf_no_proxy_has(rows[i].list, rows[i].host, strlen(rows[i].host)),
                       rows[i].in))
            printf("  %s in %s\n", rows[i].host, rows[i].list);
}

/* ---- the environment ---- */

static const char *const *environment; /* name, value, …, NULL */

static char *get(const char *name)
{
    for (const char *const *e = environment; *e; e += 2)
        if (strcmp(e[0], name) == 0)
            return (char *)e[1];
    return NULL;
}

static const char *ask(const char *const *env, const char *url)
{
    static char out[200];
    const struct lf_proxy *p;
    const char *why;
    struct lf_url u = LF_URL_INIT;
    environment = env;
    struct lf_proxies *ps = lf_proxies_new(get);
    lf_url_parse(&u, url, strlen(url), NULL, &why);
    enum lf_err err = lf_proxies_get(ps, &u, &p, &why);
    snprintf(out, sizeof out, "%s", err ? why : p ? p->name : "none");
    lf_url_free(&u);
    lf_proxies_free(ps);
    return out;
}

#define ENV(...)                                                                         \
    (const char *const[])                                                                \
    {                                                                                    \
        __VA_ARGS__, NULL                                                                \
    }

static void test_environment(void)
{
    CHECK_STR(ask(ENV("http_proxy", "h:1"), "http://a/"), "http://h:1");
    CHECK_STR(ask(ENV("http_proxy", "h:1"), "https://a/"), "none");
    CHECK_STR(ask(ENV("HTTP_PROXY", "h:1"), "http://a/"), "none");
    CHECK_STR(ask(ENV("HTTPS_PROXY", "h:1"), "https://a/"), "http://h:1");
    CHECK_STR(ask(ENV("https_proxy", "h:1", "HTTPS_PROXY", "i:1"), "https://a/"),
              "http://h:1");
    CHECK_STR(ask(ENV("http_proxy", "", "all_proxy", "socks5://s"), "http://a/"),
              "socks5://s:1080");
    CHECK_STR(ask(ENV("ALL_PROXY", "s:2", "no_proxy", "a"), "https://a/"), "none");
    CHECK_STR(ask(ENV("ALL_PROXY", "s:2", "NO_PROXY", "a"), "https://b.a/"), "none");
    CHECK_STR(ask(ENV("ALL_PROXY", "x://s:y@z", "NO_PROXY", "a"), "https://b/"),
              "the environment variable ALL_PROXY is no proxy URL: its scheme must be "
              "http, https, socks4, socks4a, socks5 or socks5h");
    CHECK_STR(ask(ENV("ALL_PROXY", "x://s:y@z", "NO_PROXY", "a"), "https://a/"), "none");
}

static void test_public(void)
{
    static const struct {
        const char *text;
        bool is;
    } rows[] = {
        {"1.1.1.1", true},
        {"172.15.0.1", true},
        {"172.32.0.1", true},
        {"100.63.0.1", true},
        {"100.128.0.1", true},
        {"223.255.255.255", true},
        {"2606:4700::1", true},
        {"2a00::1", true},
        {"::ffff:1.1.1.1", true},
        {"64:ff9b::101:101", true},
        {"2002:101:101::", true},
        {"0.1.2.3", false},
        {"10.0.0.0", false},
        {"100.64.0.0", false},
        {"127.255.255.255", false},
        {"169.254.169.254", false},
        {"172.16.0.0", false},
        {"172.31.255.255", false},
        {"192.0.0.8", false},
        {"192.168.255.1", false},
        {"198.19.0.1", false},
        {"224.0.0.1", false},
        {"240.0.0.1", false},
        {"255.255.255.255", false},
        {"::", false},
        {"::1", false},
        {"::7f00:1", false},
        {"fc00::1", false},
        {"fdff::1", false},
        {"fe80::1", false},
        {"febf::1", false},
        {"fec0::1", false},
        {"ff02::1", false},
        {"::ffff:10.0.0.1", false},
        {"64:ff9b::a00:1", false},
        {"2002:a00:1::", false},
        {"2001:db8::1", false},
        {"2001::1", false},
        {"4000::1", false},
    };
    struct lf_address a;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK(lf_address_parse(&a, rows[i].text, strlen(rows[i].text)));
        if (!CHECK_INT(lf_address_public(&a), rows[i].is))
            printf("  %s\n", rows[i].text);
    }
    CHECK(!lf_address_parse(&a, "1.2.3", 5));
    CHECK(!lf_address_parse(&a, "[1.2.3.4]", 9));
    CHECK(!lf_address_parse(&a, "", 0));
}

int main(void)
{
    test_urls();
    test_no_proxy();
    test_environment();
    test_public();
    return check_done();
}
