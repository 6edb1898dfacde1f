/* The part of a connection that libcurl does: connecting, through proxies and with TLS by
 * the rules of setup.c; and the one multi of all connections. */
#include "engine/conn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <openssl/ssl.h>
#include "engine/alloc.h"
#include "engine/tls.h"

struct lf_conns {
    struct lf_engine *eng; /* borrowed: outlives us */
    CURLM *multi;          /* owned */
    struct lf_tls *tls;    /* owned */
    struct lf_timer timer; /* libcurl's next time-out */
};

/* ---- the end of connecting ---- */

static void fail_connect(struct lf_conn *c)
{
    long number = 0;
    struct lf_span host = lf_url_host(&c->url);
    curl_easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &number);
    const char *why = number ? strerror((int)number) : c->error;
    if (*c->blocked)
        lf_conn_fail(c, LF_EBLOCKED, "the guard refuses %s, the address of %.*s",
                     c->blocked, (int)host.len, host.p);
    else if (c->no_socket)
        lf_conn_fail(c, LF_ERESOURCE, "cannot open a socket for %.*s: %s", (int)host.len,
                     host.p, strerror(c->no_socket));
    else if (c->proxy)
        lf_conn_fail(c, LF_EPROXY, "cannot connect to the proxy %s: %s", c->proxy->name,
                     why);
    else
        lf_conn_fail(c, LF_ECONNECT, "cannot connect to %.*s port %d: %s", (int)host.len,
                     host.p, lf_url_port(&c->url), why);
}

static enum lf_err meaning(CURLcode code)
{
    static const struct {
        CURLcode code;
        enum lf_err err;
    } table[] = {
        {CURLE_COULDNT_RESOLVE_HOST, LF_EDNS},
        {CURLE_COULDNT_RESOLVE_PROXY, LF_EPROXY},
        {CURLE_PROXY, LF_EPROXY},
        {CURLE_OUT_OF_MEMORY, LF_ERESOURCE},
        {CURLE_SEND_ERROR, LF_ECLOSED},
        {CURLE_RECV_ERROR, LF_ECLOSED},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].code == code)
            return table[i].err;
    return LF_ETLS; /* there is nothing else between us and the server */
}

static void fail_from_code(struct lf_conn *c, CURLcode code)
{
    const char *text = *c->error ? c->error : curl_easy_strerror(code);
    if (code == CURLE_COULDNT_CONNECT)
        fail_connect(c);
    else if (code == CURLE_OPERATION_TIMEDOUT)
        lf_conn_fail_timeout(c, c->connect);
    else if (c->proxy && strcmp(c->info.phase, "tls") != 0)
        lf_conn_fail(c, LF_EPROXY, "the proxy %s: %s", c->proxy->name, text);
    else
        lf_conn_fail(c, meaning(code), "%s", text);
}

static void stands(struct lf_conn *c)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    curl_easy_getinfo(c->easy, CURLINFO_ACTIVESOCKET, &fd);
    if (fd == CURL_SOCKET_BAD) {
        lf_conn_fail(c, LF_ECLOSED, "the connection was closed as soon as it stood");
        return;
    }
    c->fd = fd;
    lf_conn_connected(c);
}

/* ---- libcurl's callbacks: our memory only ---- */

static void drain(struct lf_conns *all)
{
    int left;
    for (CURLMsg *m = curl_multi_info_read(all->multi, &left); m;
         m = curl_multi_info_read(all->multi, &left)) {
        struct lf_conn *c = NULL;
        CURLcode code = m->data.result;
        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&c);
        if (c->info.state != LF_CONN_OPENING)
            continue;
        if (code)
            fail_from_code(c, code);
        else
            stands(c);
    }
}

static void on_events(void *arg, int fd, int revents)
{
    struct lf_conns *all = arg;
    int running;
    curl_multi_socket_action(all->multi, fd,
                             ((revents & EV_READ) ? CURL_CSELECT_IN : 0) |
                                 ((revents & EV_WRITE) ? CURL_CSELECT_OUT : 0),
                             &running);
    drain(all);
}

static void on_due(struct lf_timer *t)
{
    struct lf_conns *all = lf_container(t, struct lf_conns, timer);
    int running;
    curl_multi_socket_action(all->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    drain(all);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *sock)
{
    struct lf_conns *all = arg;
    struct lf_loop *loop = &all->eng->loop;
    (void)easy, (void)sock;
    if (what == CURL_POLL_REMOVE) {
        lf_loop_unwant(loop, fd);
        return 0;
    }
    int events =
        ((what & CURL_POLL_IN) ? EV_READ : 0) | ((what & CURL_POLL_OUT) ? EV_WRITE : 0);
    return lf_loop_want(loop, fd, events, on_events, all) ? -1 : 0;
}

static int on_timer(CURLM *multi, long ms, void *arg)
{
    struct lf_conns *all = arg;
    struct lf_engine *eng = all->eng;
    (void)multi;
    if (ms < 0) {
        lf_timers_remove(&eng->timers, &all->timer);
        return 0;
    }
    return lf_timers_add(&eng->timers, &all->timer, eng->now + (double)ms / 1000) ? 0
                                                                                  : -1;
}

/* What is reached here is the address itself, whatever names led to it. */
static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct lf_conn *c = arg;
    (void)purpose;
    if (c->guard && lf_address_refuse(&a->addr, c->blocked))
        return CURL_SOCKET_BAD;
    int fd = socket(a->family, a->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->protocol);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
        c->no_socket = errno;
    if (fd < 0)
        return CURL_SOCKET_BAD;
    if (lf_loop_own(&c->eng->loop, fd)) {
        close(fd);
        return CURL_SOCKET_BAD;
    }
    return fd;
}

static int on_close(void *arg, curl_socket_t fd)
{
    struct lf_engine *eng = arg;
    lf_loop_forget(&eng->loop, fd);
    return close(fd);
}

static bool use_store(struct lf_conn *c, SSL_CTX *ctx)
{
    const char *why;
    X509_STORE *store = lf_tls_store(c->eng->conns->tls, c->ca, &why);
    if (store)
        SSL_CTX_set1_cert_store(ctx, store);
    else
        snprintf(c->error, sizeof c->error, "%s: %s", why,
                 c->ca ? c->ca : "that of the system");
    return store;
}

static bool use_certificate(struct lf_conn *c, SSL_CTX *ctx)
{
    const char *file, *why = lf_tls_identify(ctx, c->cert, c->key, &file);
    if (why)
        snprintf(c->error, sizeof c->error, "%s: %s", why, file);
    return !why;
}

/* An https proxy has its own handshake before the server's. */
static CURLcode on_ssl(CURL *easy, void *ssl_ctx, void *arg)
{
    struct lf_conn *c = arg;
    bool https_proxy = c->proxy && c->proxy->scheme == LF_PROXY_HTTPS;
    bool to_proxy = https_proxy && c->handshakes++ == 0;
    (void)easy;
    if (!to_proxy)
        c->info.phase = "tls";
    if ((to_proxy || c->verify) && !use_store(c, ssl_ctx))
        return CURLE_SSL_CACERT_BADFILE;
    if (!to_proxy && c->cert && !use_certificate(c, ssl_ctx))
        return CURLE_SSL_CERTPROBLEM;
    return CURLE_OK;
}

static size_t on_write(char *p, size_t size, size_t n, void *arg)
{
    (void)p, (void)arg;
    return size * n;
}

/* ---- connecting ---- */

#define SET(opt, val)                                                                    \
    do {                                                                                 \
        if (curl_easy_setopt(c->easy, opt, val) != CURLE_OK)                             \
            return false;                                                                \
    } while (0)

/* The same rules as for requests: see setup.c. */
static bool set_always(struct lf_conn *c)
{
    SET(CURLOPT_PRIVATE, c);
    SET(CURLOPT_ERRORBUFFER, c->error);
    SET(CURLOPT_CONNECT_ONLY, 1L);
    SET(CURLOPT_FRESH_CONNECT, 1L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L);
    SET(CURLOPT_CAPATH, NULL);
    SET(CURLOPT_CAINFO, NULL);
    /* 7.88 puts the store of one connection into the next one of its multi, after on_ssl
     */
    SET(CURLOPT_CA_CACHE_TIMEOUT, 0L);
    SET(CURLOPT_SSL_SESSIONID_CACHE, 0L); /* what one trusts, another must not resume */
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_PROXY_CAPATH, NULL);
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_NOPROXY, "");
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_WRITEFUNCTION, on_write);
    SET(CURLOPT_OPENSOCKETFUNCTION, on_open);
    SET(CURLOPT_OPENSOCKETDATA, c);
    SET(CURLOPT_CLOSESOCKETFUNCTION, on_close);
    SET(CURLOPT_CLOSESOCKETDATA, c->eng);
    SET(CURLOPT_SSL_CTX_FUNCTION, on_ssl);
    SET(CURLOPT_SSL_CTX_DATA, c);
    return true;
}

static bool set_this(struct lf_conn *c)
{
    struct lf_buf where;
    lf_buf_init(&where, LF_BUF_MAX);
    bool ok = lf_url_origin(&c->url, &where, &(bool){false}) == LF_OK &&
              curl_easy_setopt(c->easy, CURLOPT_URL, where.p) == CURLE_OK;
    lf_buf_free(&where);
    if (!ok)
        return false;
    if (!c->verify) {
        SET(CURLOPT_SSL_VERIFYPEER, 0L);
        SET(CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (c->connect < 1e6)
        SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(c->connect * 1000) + 1);
    return true;
}

/* "host!" and "if!" keep libcurl from looking the text up as a name. */
static bool set_interface(struct lf_conn *c, const char *from)
{
    char text[80];
    struct lf_address a;
    bool address = lf_address_parse(&a, from, strlen(from));
    snprintf(text, sizeof text, "%s!%s", address ? "host" : "if", from);
    SET(CURLOPT_INTERFACE, text);
    return true;
}

static bool set_proxy(struct lf_conn *c)
{
    const struct lf_proxy *p = c->proxy;
    SET(CURLOPT_PROXY, p->name);
    SET(CURLOPT_HTTPPROXYTUNNEL, 1L);
    SET(CURLOPT_SOCKS5_AUTH, CURLAUTH_BASIC);
    if (p->user) {
        SET(CURLOPT_PROXYUSERNAME, p->user);
        SET(CURLOPT_PROXYPASSWORD, p->pass);
    }
    if (p->scheme == LF_PROXY_HTTPS) {
        SET(CURLOPT_PROXY_CAINFO, NULL);
        SET(CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    }
    return true;
}

static bool set_way(struct lf_conn *c, const struct lf_way *w)
{
    if (w->unix_socket)
        SET(CURLOPT_UNIX_SOCKET_PATH, w->unix_socket);
    if (w->pin)
        SET(CURLOPT_PINNEDPUBLICKEY, w->pin);
    if (w->tls_min == 13)
        SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3);
    return !w->interface || set_interface(c, w->interface);
}

/* ---- all of them ---- */

void lf_conns_free(struct lf_conns *all)
{
    if (!all)
        return;
    curl_multi_cleanup(all->multi);
    lf_tls_free(all->tls);
    lf_timers_remove(&all->eng->timers, &all->timer);
    free(all);
    lf_alloc_global_cleanup();
}

static struct lf_conns *conns_new(struct lf_engine *eng)
{
    struct lf_conns *all = calloc(1, sizeof *all);
    if (!all)
        return NULL;
    if (!lf_alloc_global_init()) {
        free(all);
        return NULL;
    }
    all->eng = eng;
    all->timer = (struct lf_timer){.weak = true, .fire = on_due};
    all->multi = curl_multi_init();
    all->tls = lf_tls_new(eng->ca);
    if (!all->multi || !all->tls ||
        curl_multi_setopt(all->multi, CURLMOPT_SOCKETFUNCTION, on_socket) ||
        curl_multi_setopt(all->multi, CURLMOPT_SOCKETDATA, all) ||
        curl_multi_setopt(all->multi, CURLMOPT_TIMERFUNCTION, on_timer) ||
        curl_multi_setopt(all->multi, CURLMOPT_TIMERDATA, all)) {
        lf_conns_free(all);
        return NULL;
    }
    return all;
}

/* ---- one of them ---- */

bool lf_conn_curl_init(struct lf_conn *c, const struct lf_way *way)
{
    if (!c->eng->conns)
        c->eng->conns = conns_new(c->eng);
    c->easy = c->eng->conns ? curl_easy_init() : NULL;
    return c->easy && set_always(c) && set_this(c) && (!way || set_way(c, way)) &&
           (!c->proxy || set_proxy(c));
}

bool lf_conn_curl_start(struct lf_conn *c)
{
    if (c->resolve)
        SET(CURLOPT_RESOLVE, c->resolve);
    c->added = curl_multi_add_handle(c->eng->conns->multi, c->easy) == CURLM_OK;
    return c->added;
}

void lf_conn_curl_free(struct lf_conn *c)
{
    if (c->added)
        curl_multi_remove_handle(c->eng->conns->multi, c->easy);
    curl_easy_cleanup(c->easy);
    curl_slist_free_all(c->resolve);
}
