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

/* Connections made to addresses that a script chose serve only requests that chose the
 * same; likewise for a family. */
static enum lf_err isolate(struct lf_req *req, const char *chosen)
{
    lf_buf_reset(&req->isolation);
    enum lf_err err = LF_OK;
    if (chosen)
        err = lf_buf_addf(&req->isolation, "resolve=%s ", chosen);
    if (!err && req->ip)
        err = lf_buf_addf(&req->isolation, "ip=%d ", req->ip);
    if (!err && !req->verify)
        err = lf_buf_adds(&req->isolation, "insecure ");
    if (!err && req->ca)
        err = lf_buf_addf(&req->isolation, "ca=%s ", req->ca);
    return err;
}

static const char *chosen_for(const struct lf_req *req, struct lf_span host)
{
    const struct lf_buf *block = &req->resolve.block;
    struct lf_header f;
    char with_port[300];
    int n = snprintf(with_port, sizeof with_port, "%.*s:%d", (int)host.len, host.p,
                     lf_url_port(&req->url));
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
static enum lf_err tell(struct lf_req *req, struct lf_span host, const char *first,
                        const char *second)
{
    lf_buf_reset(&req->addresses);
    return lf_buf_addf(&req->addresses, "+%.*s:%d:%s%s%s", (int)host.len, host.p,
                       lf_url_port(&req->url), first, *first && *second ? "," : "",
                       second);
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

static bool known(struct lf_req *req, struct lf_span host, const struct lf_addresses *a)
{
    const char *v4 = req->ip == 6 ? "" : a->v4, *v6 = req->ip == 4 ? "" : a->v6;
    if (!*v4 && !*v6) {
        const char *why = a->why         ? a->why
                          : req->ip == 4 ? "it has no IPv4 address"
                                         : "it has no IPv6 address";
        req->res.retryable = true;
        req->res.phase = LF_PHASE_DNS;
        lf_req_fail(req, LF_EDNS, "cannot resolve %.*s: %s", (int)host.len, host.p, why);
        return false;
    }
    if (tell(req, host, v6, v4))
        return out_of_memory(req);
    req->x.addresses_id = a->id;
    req->x.several = a->several;
    return true;
}

static bool ask(struct lf_req *req, struct lf_span host, bool *pending)
{
    struct lf_engine *eng = req->eng;
    struct lf_addresses a;
    if (!eng->names)
        eng->names = lf_names_new(eng, eng->system_resolver);
    if (!eng->names)
        return out_of_memory(req);
    req->lookup.ready = on_ready;
    lf_list_init(&req->lookup.link);
    switch (lf_names_get(eng->names, host.p, host.len, &req->lookup, &a)) {
    case LF_NAME_KNOWN:
        return known(req, host, &a);
    case LF_NAME_PENDING:
        req->state = REQ_RESOLVING;
        eng->resolving++;
        *pending = true;
        return true;
    default:
        return out_of_memory(req);
    }
}

bool lf_resolve_begin(struct lf_req *req)
{
    struct lf_span host = lf_url_host(&req->url);
    const char *chosen = req->resolve.count ? chosen_for(req, host) : NULL;
    bool pending = false, ok;
    lf_buf_reset(&req->addresses);
    if (isolate(req, chosen))
        return out_of_memory(req);
    req->x.several = false;
    if (chosen) {
        ok = tell(req, host, chosen, "") == LF_OK || out_of_memory(req);
        req->x.addresses_id = lf_host_hash(chosen, strlen(chosen));
        req->x.several = strchr(chosen, ',') != NULL;
    } else {
        ok = req->eng->scripted || literal(host) || ask(req, host, &pending);
    }
    if (ok && !pending)
        lf_req_resolved(req);
    return ok;
}
