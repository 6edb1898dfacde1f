/* The way to the server: which options fit together, the proxy of each hop, and the class
 * of connections that a request may share. What makes two ways different must be in the
 * class: a connection is never given to a request that asked for another way. */
#include <stddef.h>
#include <string.h>
#include <sys/un.h>
#include "engine/req.h"
#include "http/address.h"

enum { PIN = 44 }; /* characters of a SHA-256 in base64 */

/* ---- what can be asked for ---- */

static bool sound_pin(const char *s, size_t n)
{
    static const char prefix[] = "sha256//";
    static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                 "0123456789+/";
    size_t skip = sizeof prefix - 1;
    return n == skip + PIN && memcmp(s, prefix, skip) == 0 &&
           strspn(s + skip, base64) == PIN - 1 && s[n - 1] == '=';
}

static bool sound_pins(const char *list)
{
    for (const char *s = list;; s++) {
        size_t n = strcspn(s, ";");
        if (!sound_pin(s, n))
            return false;
        s += n;
        if (!*s)
            return true;
    }
}

/* libcurl would look up anything else as a name, and block meanwhile. */
static bool sound_interface(const char *s)
{
    struct lf_address a;
    size_t n = strlen(s);
    return lf_address_parse(&a, s, n) ||
           (n > 0 && n < 16 && strcspn(s, "!/ :\t\r\n") == n);
}

const char *lf_way_check(const struct lf_way *w)
{
    bool proxy = w->proxy && *w->proxy;
    struct sockaddr_un un;
    if (w->pin && !sound_pins(w->pin))
        return "tls.pin is not \"sha256//\" and the 44 characters of a SHA-256 in base64;"
               " several are separated by ';'";
    if (w->key && !w->cert)
        return "tls.key is of no use without tls.cert";
    if (w->unix_socket &&
        (!*w->unix_socket || strlen(w->unix_socket) >= sizeof un.sun_path))
        return "unix_socket is empty or longer than 107 bytes";
    if (w->interface && !sound_interface(w->interface))
        return "interface is neither an IP address nor the name of an interface";
    if (w->guard && w->unix_socket)
        return "guard refuses a unix_socket, which is on this machine";
    if (w->guard && proxy)
        return "guard and a proxy exclude each other: the guard cannot see where a proxy"
               " connects to; proxy=false or guard=false";
    if (proxy && w->unix_socket)
        return "a unix_socket cannot be reached through a proxy";
    return NULL;
}

/* ---- a request's own ---- */

static enum lf_err set_proxy(struct lf_req *req, const char *proxy, const char **why)
{
    lf_proxy_free(req->own_proxy);
    req->own_proxy = NULL;
    if (!proxy || !*proxy)
        return LF_OK;
    return lf_proxy_new(proxy, strlen(proxy), &req->own_proxy, why);
}

/* Every string of a way, for copying. */
static const size_t texts[] = {
    offsetof(struct lf_way, proxy),       offsetof(struct lf_way, cert),
    offsetof(struct lf_way, key),         offsetof(struct lf_way, pin),
    offsetof(struct lf_way, unix_socket), offsetof(struct lf_way, interface),
};

enum lf_err lf_way_copy(struct lf_req *req, const struct lf_way *way, const char **why)
{
    req->way = *way;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char **s = (const char **)((char *)&req->way + texts[i]);
        if (*s && !(*s = lf_arena_dup(&req->arena, *s, strlen(*s))))
            return LF_ERESOURCE;
    }
    enum lf_err err = set_proxy(req, way->proxy, why);
    return err == LF_EURL ? LF_EREQUEST : err;
}

enum lf_err lf_req_set_proxy(struct lf_req *req, const char *proxy, const char **why)
{
    *why = "out of memory";
    req->way.proxy = proxy ? lf_arena_dup(&req->arena, proxy, strlen(proxy)) : NULL;
    if (proxy && !req->way.proxy)
        return LF_ERESOURCE;
    *why = lf_way_check(&req->way);
    enum lf_err err = *why ? LF_EREQUEST : set_proxy(req, proxy, why);
    return err == LF_EURL ? LF_EREQUEST : err;
}

const char *lf_req_url(struct lf_req *req)
{
    struct lf_buf plain;
    const char *url = NULL;
    lf_buf_init(&plain, LF_URL_MAX);
    if (!lf_url_without_userinfo(&req->url, true, &plain))
        url = lf_arena_dup(&req->arena, plain.p, plain.len);
    lf_buf_free(&plain);
    return url;
}

/* ---- of one hop ---- */

bool lf_way_choose(struct lf_req *req)
{
    const struct lf_way *w = &req->way;
    const char *why = NULL;
    req->proxy = req->own_proxy;
    if (w->proxy || w->guard || w->unix_socket || !req->eng->proxies)
        return true;
    if (lf_proxies_get(req->eng->proxies, &req->url, &req->proxy, &why) == LF_OK)
        return true;
    lf_req_fail(req, LF_EPROXY, "%s", why);
    return false;
}

/* With its length, so that no value can look like another field. */
static enum lf_err add(struct lf_buf *out, const char *name, const char *value)
{
    return value ? lf_buf_addf(out, "%s=%zu:%s ", name, strlen(value), value) : LF_OK;
}

static enum lf_err add_proxy(struct lf_buf *out, const struct lf_proxy *p)
{
    enum lf_err err = p ? add(out, "proxy", p->name) : LF_OK;
    if (!err && p)
        err = add(out, "user", p->user);
    return err || !p ? err : add(out, "pass", p->pass);
}

enum lf_err lf_way_isolate(struct lf_req *req, struct lf_buf *out)
{
    const struct lf_way *w = &req->way;
    enum lf_err err = add_proxy(out, req->proxy);
    if (!err)
        err = add(out, "cert", w->cert);
    if (!err)
        err = add(out, "key", w->key);
    if (!err)
        err = add(out, "pin", w->pin);
    if (!err)
        err = add(out, "unix", w->unix_socket);
    if (!err)
        err = add(out, "interface", w->interface);
    if (!err && w->tls_min)
        err = lf_buf_addf(out, "min=%d ", w->tls_min);
    return err || !w->guard ? err : lf_buf_adds(out, "guard ");
}
