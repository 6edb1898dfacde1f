/* Proxies: their URLs, whose name never holds what stands before the '@'; no_proxy.
 *
 * seed: socks5h://user:p%40ss@[::1]:1080\nhttp://example.com/\n.example.com, 10.0.0.0/8
 * seed: proxy:3128\nhttps://10.1.2.3:8443/\n10.0.0.0/255.0.0.0 *.org,[::1] fe80::/10
 * seed: http://:@a:0\nhttp://[::1]/\n* */
#include "fuzz.h"
#include "http/proxy.h"

static char *variable; /* what each one but no_proxy says; owned by the running input */
static char *no_proxy;

static char *get(const char *name)
{
    return strcmp(name, "no_proxy") == 0 || strcmp(name, "NO_PROXY") == 0 ? no_proxy
                                                                          : variable;
}

static void check(const struct lf_proxy *p)
{
    FUZZ_CHECK(p->port > 0 && p->port <= 65535);
    FUZZ_CHECK(p->host && *p->host && strstr(p->name, p->host));
    FUZZ_CHECK(!strchr(p->name, '@'));
    lf_proxy_is_http(p);
    lf_proxy_finds_names(p);
}

static void environment(struct fuzz url)
{
    struct lf_url u = LF_URL_INIT;
    const struct lf_proxy *p = NULL;
    const char *why = NULL;
    struct lf_proxies *ps = lf_proxies_new(get);
    FUZZ_CHECK(ps);
    if (lf_url_parse(&u, url.p, url.n, NULL, &why) == LF_OK) {
        enum lf_err err = lf_proxies_get(ps, &u, &p, &why);
        FUZZ_CHECK(err == LF_OK || (err == LF_EPROXY && why));
        if (!err && p)
            check(p);
        struct lf_span host = lf_url_host(&u);
        if (host.len)
            lf_no_proxy_has(no_proxy, host.p, host.len);
    }
    lf_url_free(&u);
    lf_proxies_free(ps);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz in = {(const char *)data, size}, proxy = {"", 0}, url = {"", 0};
    struct lf_proxy *p = NULL;
    const char *why = NULL;
    fuzz_line(&in, &proxy);
    fuzz_line(&in, &url);
    variable = fuzz_string(proxy);
    no_proxy = fuzz_string(in);
    char *block = fuzz_block(proxy);
    enum lf_err err = lf_proxy_new(block, proxy.n, &p, &why);
    FUZZ_CHECK(err == LF_OK || (err == LF_EURL && why));
    if (!err)
        check(p);
    environment(url);
    lf_proxy_free(p);
    free(block);
    free(variable);
    free(no_proxy);
    return 0;
}
