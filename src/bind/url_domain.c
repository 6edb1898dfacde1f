/* Registrable domains: the public suffix list for scripts. */
#include <lauxlib.h>
#include <string.h>
#include "bind/lf_module.h"
#include "bind/url.h"
#include "http/address.h"
#include "http/psl.h"
#include "http/url.h"

enum { HOST_MAX = 256 };

/* The host as URLs have it: IDNA done, lower case, no dot at the end. Nothing throws
 * here, so that nothing leaks. */
static enum lf_err normalize(const char *s, size_t n, char host[HOST_MAX],
                             const char **why)
{
    struct lf_url u = LF_URL_INIT;
    struct lf_buf text;
    lf_buf_init(&text, LF_URL_MAX);
    enum lf_err err = lf_buf_adds(&text, "http://");
    if (!err)
        err = lf_buf_add(&text, s, n);
    if (!err)
        err = lf_url_parse(&u, text.p, text.len, NULL, why);
    struct lf_span h = err ? (struct lf_span){"", 0} : lf_url_host(&u);
    h.len -= h.len && h.p[h.len - 1] == '.';
    if (!err && h.len >= HOST_MAX) {
        err = LF_EURL;
        *why = "the host is longer than names may be";
    }
    memcpy(host, h.p, err ? 0 : h.len);
    host[err ? 0 : h.len] = '\0';
    lf_url_free(&u);
    lf_buf_free(&text);
    return err;
}

/* Neither empty nor with what a URL has around its host. Only an IPv6 address has ':'. */
static bool is_alone(const char *s, size_t n)
{
    return n && strlen(s) == n && !strpbrk(s, *s == '[' ? "/\\?#@" : "/\\?#@:");
}

int lf_url_registrable(lua_State *L)
{
    size_t n;
    const char *s = luaL_checklstring(L, 1, &n), *why = NULL;
    char host[HOST_MAX];
    struct lf_address address;
    enum lf_err err = LF_EURL;
    if (!is_alone(s, n))
        why = "it is no host alone";
    else
        err = normalize(s, n, host, &why);
    if (err == LF_EURL)
        return lf_error_fail(L, LF_EURL, s, "invalid host: %s", why);
    lf_buf_check(L, err);
    bool is_address = lf_address_parse(&address, host, strlen(host));
    lua_pushstring(L, is_address ? NULL : lf_psl_registrable(host));
    return 1;
}
