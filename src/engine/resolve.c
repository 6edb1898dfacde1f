/* The addresses of one request's host: a literal needs none, the script's own come before
 * what the names say, and a family may be asked for. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "engine/req.h"

static bool literal(struct lf_span host)
{
    char text[INET_ADDRSTRLEN];
    struct in_addr v4;
    if (!host.len || host.p[0] == '[')
        return true;
    if (host.len >= sizeof text)
        return false;
    memcpy(text, host.p, host.len);
    text[host.len] = '\0';
    return inet_pton(AF_INET, text, &v4) == 1;
}

/* A host of which addresses are wanted: the URL's, or the proxy's. */
struct place {
    struct lf_span host;
    int port;
    int ip;             /* 4 or 6: only these; 0: both */
    const char *chosen; /* the script's addresses; NULL: what the name says */
    struct lf_buf *out; /* what libcurl is told */
    bool proxy;
};

/* Connections made to addresses that a script chose serve only requests that chose the
 * same; likewise for a family. */
static enum lf_err isolate(struct lf_req *req, const struct place *server,
                           const struct place *proxy)
{
    lf_buf_reset(&req->isolation);
    enum lf_err err = lf_way_isolate(req, &req->isolation);
    if (!err && server->chosen)
        err = lf_buf_addf(&req->isolation, "resolve=%s ", server->chosen);
    if (!err && req->proxy && proxy->chosen)
        err = lf_buf_addf(&req->isolation, "resolve_proxy=%s ", proxy->chosen);
    if (!err && req->ip)
        err = lf_buf_addf(&req->isolation, "ip=%d ", req->ip);
    if (!err && !req->verify)
        err = lf_buf_adds(&req->isolation, "insecure ");
    if (!err && req->ca)
        err = lf_buf_addf(&req->isolation, "ca=%s ", req->ca);
    return err;
}

static const char *chosen_for(const struct lf_req *req, struct lf_span host, int port)
{
    const struct lf_buf *block = &req->resolve.block;
    struct lf_header f;
    char with_port[300];
    int n = snprintf(with_port, sizeof with_port, "%.*s:%d", (int)host.len, host.p, port);
    for (size_t at = 0; lf_headers_next(block->p, block->len, &at, &f);) {
        bool exact =
            f.name_len == (size_t)n && strncasecmp(f.name, with_port, f.name_len) == 0;
        bool any = f.name_len == host.len && strncasecmp(f.name, host.p, host.len) == 0;
        if (exact || any)
            return f.value;
    }
    return NULL;
}

/* "+host:port:list": the plus lets libcurl forget it in time. */
static enum lf_err tell(const struct place *p, const char *first, const char *second)
{
    lf_buf_reset(p->out);
    return lf_buf_addf(p->out, "+%.*s:%d:%s%s%s", (int)p->host.len, p->host.p, p->port,
                       first, *first && *second ? "," : "", second);
}

static bool out_of_memory(struct lf_req *req)
{
    lf_req_fail(req, LF_ERESOURCE, "out of memory");
    return false;
}

static void on_ready(struct lf_lookup *lk)
{
    struct lf_req *req = lf_container(lk, struct lf_req, lookup);
    req->eng->resolving--;
    lf_list_append(&req->eng->resolved, &lk->link);
}

static bool fail_unknown(struct lf_req *req, const struct place *p,
                         const struct lf_addresses *a)
{
    const char *why = a->why       ? a->why
                      : p->ip == 4 ? "it has no IPv4 address"
                                   : "it has no IPv6 address";
    req->res.retryable = true;
    req->res.phase = LF_PHASE_DNS;
    lf_req_fail(req, p->proxy ? LF_EPROXY : LF_EDNS, "cannot resolve %s%.*s: %s",
                p->proxy ? "the proxy " : "", (int)p->host.len, p->host.p, why);
    return false;
}

/* What is connected to decides about happy eyeballs: the proxy, if there is one. */
static void note(struct lf_req *req, const struct place *p, uint32_t id, bool several)
{
    if (req->proxy && !p->proxy)
        return;
    req->x.addresses_id = id;
    req->x.several = several;
}

static bool known(struct lf_req *req, const struct place *p, const struct lf_addresses *a)
{
    const char *v4 = p->ip == 6 ? "" : a->v4, *v6 = p->ip == 4 ? "" : a->v6;
    if (!*v4 && !*v6)
        return fail_unknown(req, p, a);
    if (tell(p, v6, v4))
        return out_of_memory(req);
    note(req, p, a->id, a->several);
    return true;
}

static bool ask(struct lf_req *req, const struct place *p, bool *pending)
{
    struct lf_engine *eng = req->eng;
    struct lf_addresses a;
    if (!eng->names)
        eng->names = lf_names_new(eng, eng->system_resolver);
    if (!eng->names)
        return out_of_memory(req);
    req->lookup.ready = on_ready;
    lf_list_init(&req->lookup.link);
    switch (lf_names_get(eng->names, p->host.p, p->host.len, &req->lookup, &a)) {
    case LF_NAME_KNOWN:
        return known(req, p, &a);
    case LF_NAME_PENDING:
        req->state = REQ_RESOLVING;
        eng->resolving++;
        *pending = true;
        return true;
    default:
        return out_of_memory(req);
    }
}

static bool find(struct lf_req *req, const struct place *p, bool *pending)
{
    if (!p->chosen)
        return literal(p->host) || ask(req, p, pending);
    if (tell(p, p->chosen, ""))
        return out_of_memory(req);
    note(req, p, lf_host_hash(p->chosen, strlen(p->chosen)),
         strchr(p->chosen, ',') != NULL);
    return true;
}

static struct place proxy_place(struct lf_req *req)
{
    const struct lf_proxy *proxy = req->proxy;
    return (struct place){.host = {proxy->host, strlen(proxy->host)},
                          .port = proxy->port,
                          .ip = req->ip,
                          .out = &req->proxy_addresses,
                          .proxy = true};
}

static struct place server_place(struct lf_req *req)
{
    bool four = req->proxy && req->proxy->scheme == LF_PROXY_SOCKS4;
    return (struct place){.host = lf_url_host(&req->url),
                          .port = lf_url_port(&req->url),
                          .ip = four ? 4 : req->ip,
                          .out = &req->addresses};
}

/* socks4 is told IPv4 addresses and no others; libcurl would leak the ones it cannot
 * tell.
 */
static bool fits_proxy(struct lf_req *req, const struct place *server)
{
    bool six = server->chosen ? !strchr(server->chosen, '.') : *server->host.p == '[';
    if (!req->proxy || req->proxy->scheme != LF_PROXY_SOCKS4 || !six)
        return true;
    lf_req_fail(req, LF_EPROXY, "the proxy %s cannot be told an IPv6 address: socks4",
                req->proxy->name);
    return false;
}

/* Nothing is looked up that others look up: names behind a proxy, or none at all. */
static bool needs_address(const struct lf_req *req)
{
    return !req->eng->scripted && !req->way.unix_socket &&
           !(req->proxy && lf_proxy_finds_names(req->proxy));
}

/* May be called again when a name that it waited for is known. */
bool lf_resolve_begin(struct lf_req *req)
{
    bool pending = false, ok = true;
    struct place proxy = {.proxy = true};
    lf_buf_reset(&req->addresses);
    lf_buf_reset(&req->proxy_addresses);
    req->x.several = false;
    if (!lf_way_choose(req))
        return false;
    if (req->proxy)
        proxy = proxy_place(req);
    struct place server = server_place(req);
    if (req->resolve.count && req->proxy)
        proxy.chosen = chosen_for(req, proxy.host, proxy.port);
    if (req->resolve.count && needs_address(req))
        server.chosen = chosen_for(req, server.host, server.port);
    if (isolate(req, &server, &proxy))
        return out_of_memory(req);
    if (req->proxy && !req->eng->scripted)
        ok = find(req, &proxy, &pending);
    if (ok && !pending && needs_address(req))
        ok = fits_proxy(req, &server) && find(req, &server, &pending);
    if (ok && !pending)
        lf_req_resolved(req);
    return ok;
}
