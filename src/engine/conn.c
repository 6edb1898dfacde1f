/* One connection: its name is looked up, libcurl connects (CURLOPT_CONNECT_ONLY, with TLS
 * as for requests), the upgrade is asked for, and from then on it carries bytes.
 *
 * libcurl watches the socket until it stands, we do it afterwards. The handle stays in
 * the multi all the time: taking it out is what closes the connection. Nothing is told
 * inside a callback of libcurl or c-ares: a failure is told by the timer, which then is
 * due at once. */
#include "engine/conn.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

enum { PIECE = 4096 };

/* ---- how it ends ---- */

void lf_conn_fail(struct lf_conn *c, enum lf_err err, const char *fmt, ...)
{
    va_list ap;
    if (c->info.state == LF_CONN_FAILED)
        return;
    va_start(ap, fmt);
    vsnprintf(c->message, sizeof c->message, fmt, ap);
    va_end(ap);
    bool told = c->info.state == LF_CONN_OPENING;
    c->info.state = LF_CONN_FAILED;
    c->info.err = err;
    c->info.message = c->message;
    if (c->fd >= 0)
        lf_loop_unwant(&c->eng->loop, c->fd);
    if (told)
        lf_timers_add(&c->eng->timers, &c->timer, c->eng->now);
}

void lf_conn_fail_timeout(struct lf_conn *c, double seconds)
{
    static const char *const doing[] = {"resolving the name", "connecting",
                                        "waiting for the answer to the upgrade", ""};
    bool tls = strcmp(c->info.phase, "tls") == 0;
    lf_conn_fail(c, LF_ETIMEOUT, "timeout after %g s %s", seconds,
                 tls ? "in the TLS handshake" : doing[c->step]);
}

static void fail_memory(struct lf_conn *c)
{
    lf_conn_fail(c, LF_ERESOURCE, "not enough memory");
}

/* ---- bytes ---- */

static void fail_closed(struct lf_conn *c, const char *doing)
{
    bool reset = strstr(c->error, "reset") != NULL;
    lf_conn_fail(c, LF_ECLOSED, "the connection was %s %s", reset ? "reset" : "broken",
                 doing);
}

enum lf_io lf_conn_send(struct lf_conn *c, const void *p, size_t n, size_t *sent)
{
    *sent = 0;
    if (c->info.state == LF_CONN_FAILED)
        return LF_IO_FAILED;
    c->error[0] = '\0';
    CURLcode code = curl_easy_send(c->easy, p, n, sent);
    if (code == CURLE_OK)
        return *sent ? LF_IO_OK : LF_IO_AGAIN;
    if (code == CURLE_AGAIN)
        return LF_IO_AGAIN;
    fail_closed(c, "while sending");
    return LF_IO_FAILED;
}

static enum lf_io receive(struct lf_conn *c, void *p, size_t n, size_t *got)
{
    *got = 0;
    c->error[0] = '\0';
    CURLcode code = curl_easy_recv(c->easy, p, n, got);
    if (code == CURLE_OK)
        return *got ? LF_IO_OK : LF_IO_END;
    if (code == CURLE_AGAIN)
        return LF_IO_AGAIN;
    fail_closed(c, "while receiving");
    return LF_IO_FAILED;
}

enum lf_io lf_conn_recv(struct lf_conn *c, void *p, size_t n, size_t *got)
{
    size_t left = c->in.len - c->in_at;
    if (c->info.state == LF_CONN_FAILED || !left)
        return c->info.state == LF_CONN_FAILED ? LF_IO_FAILED : receive(c, p, n, got);
    *got = n < left ? n : left;
    memcpy(p, c->in.p + c->in_at, *got);
    c->in_at += *got;
    if (c->in_at == c->in.len) {
        lf_buf_free(&c->in);
        c->in_at = 0;
    }
    return LF_IO_OK;
}

static void on_ready(void *arg, int fd, int revents);

enum lf_err lf_conn_want(struct lf_conn *c, int events)
{
    if (c->fd < 0 || c->info.state == LF_CONN_FAILED)
        return LF_OK;
    if (events)
        return lf_loop_want(&c->eng->loop, c->fd,
                            ((events & LF_READ) ? EV_READ : 0) |
                                ((events & LF_WRITE) ? EV_WRITE : 0),
                            on_ready, c);
    lf_loop_unwant(&c->eng->loop, c->fd);
    return LF_OK;
}

/* ---- the upgrade ---- */

static void opened(struct lf_conn *c)
{
    c->step = LF_CONN_STEP_DONE;
    c->info.state = LF_CONN_OPEN;
    c->info.phase = "body";
    lf_timers_remove(&c->eng->timers, &c->timer);
    lf_conn_want(c, 0);
    c->news(c, c->arg);
}

static bool send_request(struct lf_conn *c)
{
    size_t sent;
    while (c->out_at < c->out.len) {
        if (lf_conn_send(c, c->out.p + c->out_at, c->out.len - c->out_at, &sent) !=
            LF_IO_OK)
            return false;
        c->out_at += sent;
    }
    return true;
}

static void refused(struct lf_conn *c)
{
    struct lf_header to;
    bool moved = c->answer.status / 100 == 3 &&
                 lf_headers_get(&c->answer.headers, "location", &to);
    c->info.status = c->answer.status;
    lf_conn_fail(c, LF_EHTTP, "HTTP %d instead of an upgrade to %s%s%.200s%s",
                 c->answer.status, c->upgrade, moved ? " (it redirects to " : "",
                 moved ? to.value : "", moved ? ", which is not followed)" : "");
}

/* False: no more for now, or it has failed. */
static bool read_answer(struct lf_conn *c)
{
    size_t got;
    const char *why = "";
    if (lf_buf_reserve(&c->in, PIECE))
        return fail_memory(c), false;
    switch (receive(c, c->in.p + c->in.len, PIECE, &got)) {
    case LF_IO_OK:
        break;
    case LF_IO_END:
        lf_conn_fail(c, LF_ECLOSED,
                     "the server closed the connection in its answer to the %s",
                     "upgrade");
        return false;
    default:
        return false;
    }
    c->in.len += got;
    enum lf_err err = lf_upgrade_read(&c->answer, c->in.p, c->in.len, c->upgrade, &why);
    if (err)
        lf_conn_fail(c, err, "%s", why);
    else if (c->answer.status && c->answer.status != 101)
        refused(c);
    c->in_at = c->answer.used;
    return !err;
}

static void upgrade(struct lf_conn *c)
{
    bool sent = send_request(c);
    while (sent && !c->answer.status && read_answer(c))
        ;
    if (c->info.state == LF_CONN_FAILED)
        return;
    if (!c->answer.status) {
        if (lf_conn_want(c, sent ? LF_READ : LF_READ | LF_WRITE))
            fail_memory(c);
        return;
    }
    c->info.status = c->answer.status;
    lf_buf_free(&c->out);
    if (c->in_at == c->in.len) {
        lf_buf_free(&c->in);
        c->in_at = 0;
    }
    opened(c);
}

static void on_ready(void *arg, int fd, int revents)
{
    struct lf_conn *c = arg;
    (void)fd, (void)revents;
    if (c->step == LF_CONN_STEP_UPGRADE)
        upgrade(c);
    else
        c->news(c, c->arg);
}

void lf_conn_connected(struct lf_conn *c)
{
    c->step = LF_CONN_STEP_UPGRADE;
    c->info.phase = "headers";
    if (c->upgrade)
        upgrade(c);
    else
        opened(c);
}

/* ---- the address ---- */

static void connect_now(struct lf_conn *c)
{
    c->step = LF_CONN_STEP_CONNECT;
    c->info.phase = "connect";
    if (!lf_conn_curl_start(c))
        fail_memory(c);
}

/* Who is connected to: the proxy, or the URL's host. What a SOCKS proxy must be told as
 * an address is left to libcurl, which looks it up in a thread. */
static struct lf_span target(const struct lf_conn *c)
{
    return c->proxy ? (struct lf_span){c->proxy->host, strlen(c->proxy->host)}
                    : lf_url_host(&c->url);
}

static int target_port(const struct lf_conn *c)
{
    return c->proxy ? c->proxy->port : lf_url_port(&c->url);
}

static bool literal(struct lf_span host)
{
    /* a WHATWG host that ends in a digit is an IPv4 address, one in brackets IPv6 */
    char last = host.len ? host.p[host.len - 1] : ']';
    return last == ']' || (last >= '0' && last <= '9');
}

/* Connect to these, both lists of "address,address". */
static void use(struct lf_conn *c, const char *first, const char *second)
{
    struct lf_buf entry;
    struct lf_span host = target(c);
    lf_buf_init(&entry, LF_BUF_MAX);
    if (lf_buf_addf(&entry, "+%.*s:%d:%s%s%s", (int)host.len, host.p, target_port(c),
                    first, *first && *second ? "," : "", second) == LF_OK)
        c->resolve = curl_slist_append(NULL, entry.p);
    lf_buf_free(&entry);
    if (c->resolve)
        connect_now(c);
    else
        fail_memory(c);
}

static void use_known(struct lf_conn *c, const struct lf_addresses *a)
{
    const char *v4 = c->ip == 6 ? "" : a->v4, *v6 = c->ip == 4 ? "" : a->v6;
    struct lf_span host = target(c);
    const char *why = a->why       ? a->why
                      : c->ip == 4 ? "it has no IPv4 address"
                                   : "it has no IPv6 address";
    if (*v4 || *v6)
        use(c, v6, v4);
    else
        lf_conn_fail(c, c->proxy ? LF_EPROXY : LF_EDNS, "cannot resolve %s%.*s: %s",
                     c->proxy ? "the proxy " : "", (int)host.len, host.p, why);
}

/* Inside c-ares: the timer goes on with it. */
static void on_lookup(struct lf_lookup *lk)
{
    struct lf_conn *c = lf_container(lk, struct lf_conn, lookup);
    c->looked_up = true;
    lf_timers_add(&c->eng->timers, &c->timer, c->eng->now);
}

static void look_up(struct lf_conn *c)
{
    struct lf_engine *eng = c->eng;
    struct lf_addresses a;
    struct lf_span host = target(c);
    if (!eng->names)
        eng->names = lf_names_new(eng, eng->system_resolver);
    if (!eng->names) {
        fail_memory(c);
        return;
    }
    lf_list_init(&c->lookup.link);
    c->lookup.ready = on_lookup;
    switch (lf_names_get(eng->names, host.p, host.len, &c->lookup, &a)) {
    case LF_NAME_KNOWN:
        use_known(c, &a);
        break;
    case LF_NAME_PENDING:
        break;
    default:
        fail_memory(c);
    }
}

static void begin(struct lf_conn *c)
{
    if (c->chosen.len)
        use(c, c->chosen.p, "");
    else if (c->by_path || literal(target(c)))
        connect_now(c);
    else
        look_up(c);
}

/* ---- limits of time ---- */

static void arm(struct lf_conn *c)
{
    double due = c->started + c->total;
    if (c->step < LF_CONN_STEP_UPGRADE && c->connect < c->total)
        due = c->started + c->connect;
    lf_timers_add(&c->eng->timers, &c->timer, due);
}

static void on_limit(struct lf_timer *t)
{
    struct lf_conn *c = lf_container(t, struct lf_conn, timer);
    double now = c->eng->now;
    if (c->info.state == LF_CONN_FAILED) {
        c->news(c, c->arg);
        return;
    }
    if (c->looked_up) {
        c->looked_up = false;
        look_up(c);
    } else if (c->started + c->total <= now) {
        lf_conn_fail_timeout(c, c->total);
    } else if (c->step < LF_CONN_STEP_UPGRADE && c->started + c->connect <= now) {
        lf_conn_fail_timeout(c, c->connect);
    }
    if (c->info.state == LF_CONN_OPENING)
        arm(c);
}

/* ---- life ---- */

void lf_conn_free(struct lf_conn *c)
{
    if (!c)
        return;
    lf_names_cancel(&c->lookup);
    lf_timers_remove(&c->eng->timers, &c->timer);
    if (c->fd >= 0)
        lf_loop_unwant(&c->eng->loop, c->fd);
    lf_conn_curl_free(c);
    lf_proxy_free(c->own_proxy);
    lf_url_free(&c->url);
    lf_buf_free(&c->chosen);
    lf_buf_free(&c->out);
    lf_buf_free(&c->in);
    lf_headers_free(&c->answer.headers);
    free(c->ca);
    free(c->upgrade);
    free(c->cert);
    free(c->key);
    c->eng->loop.watching--; /* it kept the loop alive */
    free(c);
}

/* What the script chose for host:port, or for host. */
static enum lf_err choose(struct lf_conn *c, const struct lf_headers *list)
{
    struct lf_header f;
    struct lf_buf key;
    struct lf_span host = target(c);
    lf_buf_init(&key, LF_BUF_MAX);
    enum lf_err err = lf_buf_addf(&key, "%.*s:%d", (int)host.len, host.p, target_port(c));
    if (!err && lf_headers_get(list, key.p, &f))
        err = lf_buf_add(&c->chosen, f.value, f.value_len);
    if (!err && !c->chosen.len) {
        key.p[host.len] = '\0';
        if (lf_headers_get(list, key.p, &f))
            err = lf_buf_add(&c->chosen, f.value, f.value_len);
    }
    lf_buf_free(&key);
    return err;
}

static enum lf_err copy(struct lf_conn *c, const struct lf_conn_opts *o)
{
    c->verify = o->verify;
    c->ip = o->ip;
    c->connect = o->connect;
    c->total = o->total;
    c->ca = o->ca ? strdup(o->ca) : NULL;
    c->upgrade = o->upgrade ? strdup(o->upgrade) : NULL;
    if ((o->ca && !c->ca) || (o->upgrade && !c->upgrade))
        return LF_ERESOURCE;
    enum lf_err err = lf_url_copy(&c->url, o->url);
    if (!err && o->upgrade)
        err = lf_upgrade_ask(&c->out, &c->url, o->upgrade, o->headers);
    return err;
}

static enum lf_err choose_proxy(struct lf_conn *c, const struct lf_way *w,
                                const char **why)
{
    if (!w->proxy && (w->guard || w->unix_socket || !c->eng->proxies))
        return LF_OK;
    if (!w->proxy)
        return lf_proxies_get(c->eng->proxies, &c->url, &c->proxy, why);
    if (!*w->proxy)
        return LF_OK;
    enum lf_err err = lf_proxy_new(w->proxy, strlen(w->proxy), &c->own_proxy, why);
    c->proxy = c->own_proxy;
    return err == LF_EURL ? LF_EREQUEST : err;
}

/* What libcurl does not copy, and who is to be connected to. */
static enum lf_err copy_way(struct lf_conn *c, const struct lf_way *w, const char **why)
{
    struct lf_span host = lf_url_authority(&c->url);
    c->guard = w->guard && !lf_engine_spares(c->eng, host.p, host.len);
    c->by_path = w->unix_socket != NULL;
    c->cert = w->cert ? strdup(w->cert) : NULL;
    c->key = w->key ? strdup(w->key) : NULL;
    if ((w->cert && !c->cert) || (w->key && !c->key))
        return LF_ERESOURCE;
    return choose_proxy(c, w, why);
}

static struct lf_conn *conn_new(struct lf_engine *eng)
{
    struct lf_conn *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->eng = eng;
    c->fd = -1;
    c->info.phase = "dns";
    c->url = LF_URL_INIT;
    c->timer = (struct lf_timer){.weak = true, .fire = on_limit};
    lf_buf_init(&c->chosen, LF_BUF_MAX);
    lf_buf_init(&c->out, LF_BUF_MAX);
    lf_buf_init(&c->in, LF_BUF_MAX);
    lf_headers_init(&c->answer.headers);
    eng->loop.watching++;
    return c;
}

enum lf_err lf_conn_open(struct lf_engine *eng, const struct lf_conn_opts *o,
                         lf_conn_fn *news, void *arg, struct lf_conn **out,
                         const char **why)
{
    *why = "not enough memory";
    struct lf_conn *c = conn_new(eng);
    if (!c)
        return LF_ERESOURCE;
    enum lf_err err = copy(c, o);
    if (!err && o->way)
        err = copy_way(c, o->way, why);
    if (!err && o->resolve)
        err = choose(c, o->resolve);
    if (!err && !lf_conn_curl_init(c, o->way))
        err = LF_ERESOURCE;
    lf_engine_tick(eng);
    c->started = eng->now;
    c->news = news;
    c->arg = arg;
    /* the first start makes its place in the heap: later ones cannot fail */
    if (!err && !lf_timers_add(&eng->timers, &c->timer, c->started))
        err = LF_ERESOURCE;
    if (err) {
        lf_conn_free(c);
        return err;
    }
    arm(c);
    if (eng->scripted)
        lf_conn_fail(c, LF_ECONNECT,
                     "the scripted network of luafetch.test has no connections");
    else if (lf_quota_connect(eng))
        begin(c);
    else
        lf_timers_remove(&eng->timers, &c->timer); /* the run ends instead */
    *out = c;
    return LF_OK;
}

const struct lf_conn_info *lf_conn_info(const struct lf_conn *c)
{
    return &c->info;
}

const struct lf_headers *lf_conn_headers(const struct lf_conn *c)
{
    return &c->answer.headers;
}

/* ---- for handshakes ---- */

bool lf_sha1_base64(const void *p, size_t n, char out[static 29])
{
    unsigned char hash[SHA_DIGEST_LENGTH];
    return EVP_Digest(p, n, hash, NULL, EVP_sha1(), NULL) == 1 &&
           EVP_EncodeBlock((unsigned char *)out, hash, sizeof hash) == 28;
}
