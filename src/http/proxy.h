/* Proxies: their URLs, and which one the environment says for a request.
 *
 * The environment is read once, by whoever calls lf_proxies_new; as curl does it,
 * http_proxy counts in lower case only, since a CGI server sets HTTP_PROXY from what a
 * client sends. Credentials are kept apart from the name, which is for messages. */
#ifndef LF_HTTP_PROXY_H
#define LF_HTTP_PROXY_H

#include "http/url.h"

enum lf_proxy_scheme {
    LF_PROXY_HTTP,
    LF_PROXY_HTTPS, /* TLS to the proxy */
    LF_PROXY_SOCKS4,
    LF_PROXY_SOCKS4A,
    LF_PROXY_SOCKS5,
    LF_PROXY_SOCKS5H
};

struct lf_proxy {
    enum lf_proxy_scheme scheme;
    int port;
    const char *name;        /* "socks5://host:1080": without credentials */
    const char *host;        /* an IPv6 address keeps its brackets */
    const char *user, *pass; /* decoded; NULL: none */
    char text[];             /* what the above point at */
};

/* "host:port" or a URL with one of the schemes above. LF_EURL, with *why a static phrase
 * that quotes nothing, or LF_ERESOURCE. The default port is 80, 443, or 1080 for SOCKS.
 */
enum lf_err lf_proxy_new(const char *s, size_t n, struct lf_proxy **out,
                         const char **why);
void lf_proxy_free(struct lf_proxy *p);

bool lf_proxy_is_http(const struct lf_proxy *p);     /* http or https */
bool lf_proxy_finds_names(const struct lf_proxy *p); /* it is told names, not addresses */

/* ---- the environment ---- */

struct lf_proxies; /* what http_proxy, https_proxy, all_proxy and no_proxy say */

typedef char *lf_getenv_fn(const char *name);
struct lf_proxies *lf_proxies_new(lf_getenv_fn *get); /* NULL on no memory */
void lf_proxies_free(struct lf_proxies *ps);

/* The proxy for a URL, borrowed; NULL when there is none. A variable that is no proxy URL
 * gives LF_EPROXY, *why says which and what is wrong with it. */
enum lf_err lf_proxies_get(const struct lf_proxies *ps, const struct lf_url *u,
                           const struct lf_proxy **out, const char **why);

/* Is the host (of a URL) in a no_proxy list? "*", names that match their sub-domains too,
 * addresses, networks as 10.0.0.0/8; between commas or blanks. */
bool lf_no_proxy_has(const char *list, const char *host, size_t n);

#endif
