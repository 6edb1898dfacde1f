/* Easy handles: options that never change are set once, those of a request each time.
 *
 * notes: CAPATH off (else the CA store is built anew for every connection), QUICK_EXIT
 * (else a cancel waits for getaddrinfo), decoding off (a truncated gzip body would pass
 * as whole), redirects off (they are ours), PROTOCOLS http(s) only. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include <openssl/ssl.h>
#include "engine/lane.h"

enum {
    CACHED = 60,
    LARGE_UPLOAD = 64 << 10,
    DEFAULT_CONNECT = 300,
    BUFFER_FEW = 16 << 10,
    BUFFER_MANY = 4 << 10,
    MANY = 1000
};

#define NO_LIMIT_MS 0x7fffffffL

/* ---- libcurl's callbacks: our memory only ---- */

/* Before the connection goes. */
static void hold_tls_end(struct lf_handle *h)
{
    struct curl_tlssessioninfo *tls = NULL;
    if (h->x->url->scheme == LF_URL_HTTPS &&
        !curl_easy_getinfo(h->easy, CURLINFO_TLS_SSL_PTR, &tls) && tls && tls->internals)
        h->x->tls_end = lf_tls_end_hold(tls->internals);
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
    struct lf_handle *h = arg;
    n *= size;
    if (!lf_req_on_line(h->x, p, n))
        return 0;
    if (h->x->until_close && !h->x->tls_end)
        hold_tls_end(h);
    return n;
}

static size_t on_write(char *p, size_t size, size_t n, void *arg)
{
    struct lf_handle *h = arg;
    n *= size;
    static const size_t answers[] = {0, CURL_WRITEFUNC_PAUSE, CURL_WRITEFUNC_ERROR};
    enum lf_body_take take = lf_req_on_body(h->x, p, n);
    return take == LF_BODY_TAKEN ? n : answers[take];
}

static size_t on_read(char *p, size_t size, size_t n, void *arg)
{
    struct lf_handle *h = arg;
    ssize_t got = lf_req_on_read(h->x, p, n * size);
    if (got >= 0)
        return (size_t)got;
    return got == LF_SEND_PAUSE ? CURL_READFUNC_PAUSE : CURL_READFUNC_ABORT;
}

static int on_seek(void *arg, curl_off_t offset, int origin)
{
    struct lf_handle *h = arg;
    bool front = origin == SEEK_SET && offset == 0;
    return front && lf_req_on_rewind(h->x) ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}

/* Only now is it sure that libcurl has read the addresses it was told. */
static void note_fed(struct lf_handle *h)
{
    const struct lf_xfer *x = h->x;
    if (h->resolve)
        h->lane->fed[x->host_hash % LF_LANE_FED] =
            (struct lf_fed){x->host_hash, x->addresses_id, h->lane->eng->now};
}

static int on_prereq(void *arg, char *remote_ip, char *local_ip, int remote_port,
                     int local_port)
{
    struct lf_handle *h = arg;
    struct lf_xfer *x = h->x;
    (void)local_ip, (void)remote_port, (void)local_port;
    /* libcurl repeats: it counts that over the life of a handle, and gives up at six. */
    if (x->sent)
        h->plain = false;
    x->sent = true; /* from here on the server may see it */
    x->phase = x->body_len ? LF_PHASE_SEND : LF_PHASE_HEADERS;
    x->connected = h->lane->eng->now;
    if (!x->way->unix_socket)
        memccpy(x->remote_ip, remote_ip, 0, sizeof x->remote_ip - 1);
    lf_req_on_progress(x);
    return CURL_PREREQFUNC_OK;
}

/* What is reached here is the address itself, whatever names and redirects led to it. */
static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct lf_handle *h = arg;
    (void)purpose;
    h->x->handshakes = 0;
    if (h->x->guarded && lf_address_refuse(&a->addr, h->x->blocked))
        return CURL_SOCKET_BAD;
    int fd = socket(a->family, a->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->protocol);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
        lf_req_on_error(h->x, LF_ERESOURCE, strerror(errno));
    if (fd < 0)
        return CURL_SOCKET_BAD;
    note_fed(h);
    if (lf_loop_own(&h->lane->eng->loop, fd)) {
        close(fd);
        return CURL_SOCKET_BAD;
    }
    if (h->x->phase < LF_PHASE_CONNECT)
        h->x->phase = LF_PHASE_CONNECT;
    return fd;
}

/* May run long after its handle is gone: it gets the engine, not the handle. */
static int on_close(void *arg, curl_socket_t fd)
{
    struct lf_engine *eng = arg;
    lf_loop_forget(&eng->loop, fd);
    return close(fd);
}

static bool use_store(struct lf_handle *h, SSL_CTX *ctx)
{
    const char *why;
    X509_STORE *store = lf_tls_store(lf_lane_shared(h->lane)->tls, h->x->ca, &why);
    if (store) {
        SSL_CTX_set1_cert_store(ctx, store);
        return true;
    }
    char text[400];
    snprintf(text, sizeof text, "%s: %s", why,
             h->x->ca ? h->x->ca : "that of the system");
    lf_req_on_error(h->x, LF_ETLS, text);
    return false;
}

/* Not by CURLOPT_SSLCERT: a key with a password would be asked for on the terminal. */
static bool use_certificate(struct lf_xfer *x, SSL_CTX *ctx)
{
    const char *file, *why = lf_tls_identify(ctx, x->way->cert, x->way->key, &file);
    char text[400];
    if (!why)
        return true;
    snprintf(text, sizeof text, "%s: %s", why, file);
    lf_req_on_error(x, LF_ETLS, text);
    return false;
}

static CURLcode on_ssl(CURL *easy, void *ssl_ctx, void *arg)
{
    struct lf_handle *h = arg;
    struct lf_xfer *x = h->x;
    (void)easy;
    x->handshakes++;
    bool to_proxy = lf_xfer_in_proxy_tls(x);
    if (!to_proxy)
        x->phase = LF_PHASE_TLS;
    if (!to_proxy && !lf_tls_end_watch(ssl_ctx))
        return CURLE_OUT_OF_MEMORY;
    /* an end without close_notify may be somebody's cut */
    SSL_CTX_clear_options(ssl_ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
    if ((to_proxy || x->verify) && !use_store(h, ssl_ctx))
        return CURLE_SSL_CACERT_BADFILE;
    if (!to_proxy && x->way->cert && !use_certificate(x, ssl_ctx))
        return CURLE_SSL_CERTPROBLEM;
    return CURLE_OK;
}

/* ---- handles ---- */

#define SET(easy, opt, val)                                                              \
    do {                                                                                 \
        if (curl_easy_setopt(easy, opt, val) != CURLE_OK)                                \
            return LF_ERESOURCE;                                                         \
    } while (0)

static enum lf_err set_once(struct lf_handle *h)
{
    CURL *e = h->easy;
    SET(e, CURLOPT_PRIVATE, h);
    SET(e, CURLOPT_CURLU, h->url);
    SET(e, CURLOPT_ERRORBUFFER, h->error);
    SET(e, CURLOPT_NOSIGNAL, 1L);
    SET(e, CURLOPT_QUICK_EXIT, 1L);
    SET(e, CURLOPT_CAPATH, NULL);
    SET(e, CURLOPT_PROXY_CAPATH, NULL);
    SET(e, CURLOPT_CAINFO, NULL);         /* on_ssl gives every connection our store */
    SET(e, CURLOPT_CA_CACHE_TIMEOUT, 0L); /* 7.88 would keep the store of the first */
    SET(e, CURLOPT_PROXY, "");
    SET(e, CURLOPT_NOPROXY, ""); /* else the environment is searched for every request */
    SET(e, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(e, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    SET(e, CURLOPT_FOLLOWLOCATION, 0L);
    SET(e, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    SET(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(e, CURLOPT_PATH_AS_IS, 1L);
    SET(e, CURLOPT_MAXAGE_CONN, 50L);
    SET(e, CURLOPT_DNS_CACHE_TIMEOUT, (long)CACHED);
    SET(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(e, CURLOPT_SHARE, lf_lane_sessions(h->lane));
    SET(e, CURLOPT_HEADERFUNCTION, on_header);
    SET(e, CURLOPT_HEADERDATA, h);
    SET(e, CURLOPT_WRITEFUNCTION, on_write);
    SET(e, CURLOPT_WRITEDATA, h);
    SET(e, CURLOPT_READFUNCTION, on_read);
    SET(e, CURLOPT_READDATA, h);
    SET(e, CURLOPT_SEEKFUNCTION, on_seek);
    SET(e, CURLOPT_SEEKDATA, h);
    SET(e, CURLOPT_PREREQFUNCTION, on_prereq);
    SET(e, CURLOPT_PREREQDATA, h);
    SET(e, CURLOPT_OPENSOCKETFUNCTION, on_open);
    SET(e, CURLOPT_OPENSOCKETDATA, h);
    SET(e, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    SET(e, CURLOPT_CLOSESOCKETDATA, h->lane->eng);
    SET(e, CURLOPT_SSL_CTX_FUNCTION, on_ssl);
    SET(e, CURLOPT_SSL_CTX_DATA, h);
    return LF_OK;
}

struct lf_handle *lf_handle_new(struct lf_lane *lane)
{
    struct lf_handle *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    lf_list_init(&h->link);
    lf_buf_init(&h->sent, LF_BUF_MAX);
    lf_buf_init(&h->origin, LF_BUF_MAX);
    lf_buf_init(&h->part, LF_BUF_MAX);
    lf_buf_init(&h->target, LF_BUF_MAX);
    h->said = (struct lf_handle_said){-1, -1, -1, -1, false};
    h->lane = lane;
    h->plain = true;
    h->url = curl_url();
    h->easy = curl_easy_init();
    if (!h->easy || !h->url || set_once(h)) {
        lf_handle_free(h);
        return NULL;
    }
    return h;
}

void lf_handle_free(struct lf_handle *h)
{
    if (!h)
        return;
    curl_easy_cleanup(h->easy);
    curl_url_cleanup(h->url);
    lf_buf_free(&h->origin);
    lf_buf_free(&h->part);
    lf_buf_free(&h->target);
    curl_slist_free_all(h->fields);
    curl_slist_free_all(h->resolve);
    lf_buf_free(&h->sent);
    free(h);
}

/* ---- headers ---- */

static bool named(const struct lf_header *f, const char *name)
{
    return strcasecmp(f->name, name) == 0;
}

/* One node, appended behind *end: curl_slist_append walks the list each time. */
static struct curl_slist **append(struct curl_slist **end, const char *text)
{
    *end = text ? curl_slist_append(NULL, text) : NULL;
    return *end ? &(*end)->next : NULL;
}

static struct curl_slist **append_lines(struct curl_slist **end, struct lf_buf *lines)
{
    if (!lines->len)
        return end;
    end = append(end, lines->p);
    lf_buf_reset(lines);
    return end;
}

/* libcurl compares every node with a dozen names, several times a request. Fields that it
 * does nothing about share one: what it sends is the same. */
static bool is_quiet(const struct lf_header *f)
{
    static const char *const names[] = {"user-agent", "accept", "accept-encoding",
                                        "accept-language"};
    for (size_t i = 0; f->value_len && i < sizeof names / sizeof *names; i++)
        if (named(f, names[i]))
            return true;
    return false;
}

static struct curl_slist **append_field(struct curl_slist **end,
                                        const struct lf_header *f, struct lf_buf *lines)
{
    bool quiet = is_quiet(f);
    if (!quiet && !(end = append_lines(end, lines)))
        return NULL;
    enum lf_err err = lines->len ? lf_buf_adds(lines, "\r\n") : LF_OK;
    /* "Name:" would remove the field, "Name;" sends it empty */
    if (!err)
        err = f->value_len ? lf_buf_addf(lines, "%s: %s", f->name, f->value)
                           : lf_buf_addf(lines, "%s;", f->name);
    if (err)
        return NULL;
    return quiet ? end : append_lines(end, lines);
}

static const char *const secret[] = {"authorization", "proxy-authorization", "cookie",
                                     "host"};

static enum lf_err build_fields(struct lf_handle *h, const struct lf_xfer *x)
{
    const struct lf_headers *from = x->headers;
    struct curl_slist **end = &h->fields;
    struct lf_header f;
    struct lf_buf line;
    bool typed = false, accepts = false;
    lf_buf_init(&line, LF_BUF_MAX);
    for (size_t at = 0;
         end && lf_headers_next(from->block.p, from->block.len, &at, &f);) {
        if (x->cookie && named(&f, "cookie"))
            continue;
        end = append_field(end, &f, &line);
        typed |= named(&f, "content-type");
        accepts |= named(&f, "accept");
        for (size_t i = 0; i < sizeof secret / sizeof *secret; i++)
            h->plain &= !named(&f, secret[i]);
    }
    if (end)
        end = append_lines(end, &line);
    if (end && accepts)
        end = append(end, "Accept:"); /* libcurl's own: it does not see ours */
    if (end && x->cookie) {
        end = append(end, lf_buf_addf(&line, "Cookie: %s", x->cookie) ? NULL : line.p);
        h->plain = false;
    }
    lf_buf_free(&line);
    if (end && x->body)
        end = append(end, "Expect:"); /* it would wait a second for bodies over 1 MB */
    if (end && !typed && (x->body || strcmp(x->method, "POST") == 0))
        end = append(end, "Content-Type:"); /* libcurl's own for a POST */
    return end ? LF_OK : LF_ERESOURCE;
}

static enum lf_err set_headers(struct lf_handle *h, const struct lf_xfer *x)
{
    const struct lf_buf *block = &x->headers->block;
    if (!x->cookie && h->fields && block->len == h->sent.len &&
        h->sent_method == x->method[0] + 2 * x->body &&
        (!block->len || memcmp(block->p, h->sent.p, block->len) == 0))
        return LF_OK; /* the same as last time, as nearly always */
    SET(h->easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(h->fields);
    h->fields = NULL;
    lf_buf_reset(&h->sent);
    h->sent_method = x->method[0] + 2 * x->body;
    if (build_fields(h, x) || lf_buf_add(&h->sent, block->p, block->len)) {
        h->plain = false; /* not to be used again half made */
        return LF_ERESOURCE;
    }
    SET(h->easy, CURLOPT_HTTPHEADER, h->fields);
    return LF_OK;
}

/* ---- a request ---- */

static enum lf_err set_method(struct lf_handle *h, const struct lf_xfer *x)
{
    CURL *e = h->easy;
    const char *m = x->method;
    bool get = !x->body && x->replayable && strcmp(m, "GET") == 0;
    if (get && h->said.get)
        return LF_OK;
    h->said.get = false; /* until all is said */
    bool body = x->body || strcmp(m, "POST") == 0 || strcmp(m, "PUT") == 0 ||
                strcmp(m, "PATCH") == 0;
    /* without a body nothing would keep libcurl from sending it twice */
    SET(e, CURLOPT_FRESH_CONNECT, !x->replayable && !x->body_len ? 1L : 0L);
    if (body) {
        SET(e, CURLOPT_POST, 1L);
        SET(e, CURLOPT_POSTFIELDS, NULL);
        SET(e, CURLOPT_POSTFIELDSIZE_LARGE,
            x->body_len == LF_BODY_UNKNOWN ? -1 : (curl_off_t)x->body_len);
    } else {
        SET(e, CURLOPT_HTTPGET, 1L);
        SET(e, CURLOPT_NOBODY, strcmp(m, "HEAD") == 0 ? 1L : 0L);
    }
    bool plain =
        body ? strcmp(m, "POST") == 0 : strcmp(m, "GET") == 0 || strcmp(m, "HEAD") == 0;
    SET(e, CURLOPT_CUSTOMREQUEST, plain ? NULL : m);
    h->said.get = get;
    return LF_OK;
}

static enum lf_err set_tls(struct lf_handle *h, const struct lf_xfer *x)
{
    const struct lf_way *w = x->way;
    h->plain &= x->verify && !w->cert && !w->pin && !w->tls_min;
    if (!x->verify) {
        SET(h->easy, CURLOPT_SSL_VERIFYPEER, 0L);
        SET(h->easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (w->pin)
        SET(h->easy, CURLOPT_PINNEDPUBLICKEY, w->pin);
    if (w->tls_min == 13)
        SET(h->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3);
    return LF_OK;
}

static enum lf_err set_proxy(struct lf_handle *h, const struct lf_proxy *p)
{
    if (!p)
        return LF_OK;
    h->plain = false;
    SET(h->easy, CURLOPT_PROXY, p->name);
    SET(h->easy, CURLOPT_SOCKS5_AUTH, CURLAUTH_BASIC);
    if (p->user) {
        SET(h->easy, CURLOPT_PROXYUSERNAME, p->user);
        SET(h->easy, CURLOPT_PROXYPASSWORD, p->pass);
    }
    if (p->scheme == LF_PROXY_HTTPS) {
        SET(h->easy, CURLOPT_PROXY_CAINFO, NULL);
        SET(h->easy, CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    }
    return LF_OK;
}

/* "host!" and "if!" keep libcurl from looking the text up as a name. */
static enum lf_err set_interface(struct lf_handle *h, const char *from)
{
    char text[80];
    struct lf_address a;
    bool address = lf_address_parse(&a, from, strlen(from));
    snprintf(text, sizeof text, "%s!%s", address ? "host" : "if", from);
    SET(h->easy, CURLOPT_INTERFACE, text);
    return LF_OK;
}

static enum lf_err set_way(struct lf_handle *h, const struct lf_xfer *x)
{
    const struct lf_way *w = x->way;
    h->plain &= !w->unix_socket && !w->interface && !w->guard;
    if (w->unix_socket)
        SET(h->easy, CURLOPT_UNIX_SOCKET_PATH, w->unix_socket);
    enum lf_err err = w->interface ? set_interface(h, w->interface) : LF_OK;
    if (!err)
        err = set_tls(h, x);
    return err ? err : set_proxy(h, x->proxy);
}

/* Before 8.1 a paused HTTP/2 stream is buffered without bound by libcurl itself, and an
 * upload that fills the window spins or breaks. */
static bool flows_badly(void)
{
    return curl_version_info(CURLVERSION_NOW)->version_num < 0x080100;
}

static long http_version(const struct lf_xfer *x)
{
    if ((x->may_pause || x->body_len > LARGE_UPLOAD) && flows_badly())
        return CURL_HTTP_VERSION_1_1;
    if (x->http_version && strcmp(x->http_version, "1.1") == 0)
        return CURL_HTTP_VERSION_1_1;
    return x->url->scheme == LF_URL_HTTPS ? CURL_HTTP_VERSION_2TLS
                                          : CURL_HTTP_VERSION_1_1;
}

static long milliseconds(double seconds)
{
    if (seconds >= NO_LIMIT_MS / 1000.0)
        return NO_LIMIT_MS;
    return seconds < 0.001 ? 1 : (long)(seconds * 1000);
}

/* Of the proxy, and of the server when the proxy knows no names. */
static enum lf_err set_proxy_addresses(struct lf_handle *h, const struct lf_xfer *x)
{
    const char *const texts[] = {x->proxy_addresses, x->addresses};
    struct curl_slist **end = &h->resolve;
    for (size_t i = 0; end && i < sizeof texts / sizeof *texts; i++)
        if (texts[i])
            end = append(end, texts[i]);
    if (!end)
        return LF_ERESOURCE;
    SET(h->easy, CURLOPT_RESOLVE, h->resolve);
    return LF_OK;
}

/* libcurl keeps addresses DNS_CACHE_TIMEOUT seconds: they are told once, not every time.
 */
static enum lf_err set_addresses(struct lf_handle *h, const struct lf_xfer *x)
{
    struct lf_lane *lane = h->lane;
    const struct lf_fed *fed = &lane->fed[x->host_hash % LF_LANE_FED];
    if (x->proxy)
        return set_proxy_addresses(h, x);
    if (!x->addresses)
        return LF_OK;
    if (fed->host == x->host_hash && fed->id == x->addresses_id &&
        lane->eng->now - fed->at < CACHED - 10)
        return LF_OK;
    h->resolve = curl_slist_append(NULL, x->addresses);
    if (!h->resolve)
        return LF_ERESOURCE;
    SET(h->easy, CURLOPT_RESOLVE, h->resolve);
    return LF_OK;
}

static bool set_part(struct lf_handle *h, CURLUPart part, struct lf_span s)
{
    lf_buf_reset(&h->part);
    if (s.p && lf_buf_add(&h->part, s.p, s.len))
        return false;
    return curl_url_set(h->url, part, s.p ? h->part.p : NULL, 0) == CURLUE_OK;
}

static bool equals(const struct lf_buf *b, struct lf_span s)
{
    return b->len == s.len && (!s.len || memcmp(b->p, s.p, s.len) == 0);
}

static bool set_target(struct lf_handle *h, const struct lf_url *u)
{
    return set_part(h, CURLUPART_PATH, lf_url_path(u)) &&
           set_part(h, CURLUPART_QUERY, lf_url_query(u));
}

static bool set_whole(struct lf_handle *h, const struct lf_xfer *x, struct lf_span host)
{
    lf_buf_reset(&h->origin);
    return !curl_url_set(h->url, CURLUPART_URL, x->target_url, CURLU_PATH_AS_IS) &&
           !lf_buf_add(&h->origin, host.p, host.len);
}

/* Parsing a URL costs libcurl more than anything else in a small request: what stays the
 * same from one to the next, the origin, is parsed once. */
static enum lf_err set_url(struct lf_handle *h, const struct lf_xfer *x)
{
    struct lf_span host = lf_url_authority(x->url), target = lf_url_target(x->url);
    bool origin = h->scheme == x->url->scheme && equals(&h->origin, host);
    if (origin && equals(&h->target, target))
        return LF_OK;
    /* 7.88 rewrites escapes in parts that are set by themselves */
    bool plain = !memchr(target.p, '%', target.len);
    h->scheme = LF_URL_OTHER; /* until it is whole */
    lf_buf_reset(&h->target);
    if (!(origin && plain ? set_target(h, x->url) : set_whole(h, x, host)) ||
        lf_buf_add(&h->target, target.p, target.len))
        return LF_ERESOURCE;
    h->scheme = x->url->scheme;
    return LF_OK;
}

static enum lf_err set_number(struct lf_handle *h, CURLoption option, long *said,
                              long value)
{
    if (*said == value)
        return LF_OK;
    SET(h->easy, option, value);
    *said = value;
    return LF_OK;
}

static enum lf_err set_numbers(struct lf_handle *h, const struct lf_xfer *x)
{
    struct lf_handle_said *said = &h->said;
    long version = http_version(x);
    bool waits = x->one_lane && version != CURL_HTTP_VERSION_1_1;
    /* libcurl divides its own limit among the addresses of a name; with a single one ours
     * alone is enough, and a timer less */
    long connect = x->several || x->connect_timeout >= DEFAULT_CONNECT
                       ? milliseconds(x->connect_timeout)
                       : 0;
    long buffer = h->lane->eng->stats.active > MANY ? BUFFER_MANY : BUFFER_FEW;
    enum lf_err err = set_number(h, CURLOPT_HTTP_VERSION, &said->version, version);
    if (!err)
        err = set_number(h, CURLOPT_PIPEWAIT, &said->pipewait, waits);
    if (!err)
        err = set_number(h, CURLOPT_CONNECTTIMEOUT_MS, &said->connect_ms, connect);
    /* refused, harmlessly, while other streams of an HTTP/2 connection keep the buffer */
    set_number(h, CURLOPT_BUFFERSIZE, &said->buffer, buffer);
    return err;
}

enum lf_err lf_handle_set(struct lf_handle *h, struct lf_xfer *x)
{
    h->x = x;
    h->error[0] = '\0';
    enum lf_err err = set_url(h, x);
    if (!err)
        err = set_numbers(h, x);
    if (!err)
        err = set_method(h, x);
    if (!err)
        err = set_way(h, x);
    if (!err)
        err = set_addresses(h, x);
    return err ? err : set_headers(h, x);
}
