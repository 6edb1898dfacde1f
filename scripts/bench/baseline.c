/* The yardstick: what a plain C program on libcurl's multi interface and libev costs.
 *
 *   baseline URL CONCURRENCY TOTAL [--ca FILE] [--http2] ["Name: value" …]
 *
 * It fetches the URL TOTAL times, CONCURRENCY at once, as libcurl's evhiperfifo example
 * does it: socket callback, timer callback, curl_multi_socket_action. Easy handles are
 * reused, connections kept, each body collected in a buffer that is reused too. The
 * header lines are those that luafetch sends: the server then reads equal bytes, and both
 * clients build them from a list. Prints one JSON line; us_per_request is CPU time, user
 * and system. */
#include <curl/curl.h>
#include <ev.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct transfer {
    CURL *easy; /* owned */
    char *body; /* owned */
    size_t len, cap;
};

struct watcher {
    ev_io io;
    bool active;
};

static struct ev_loop *loop;
static CURLM *multi;
static ev_timer timeout;
static const char *url, *ca; /* borrowed from argv */
static bool http2;
static struct curl_slist *fields; /* owned */
static long total, started, finished, ok;
static unsigned long long bytes;

static void die(const char *what)
{
    fprintf(stderr, "baseline: %s\n", what);
    exit(1);
}

static void *must(void *p)
{
    if (!p)
        die("out of memory");
    return p;
}

static void easy_check(CURLcode code)
{
    if (code != CURLE_OK)
        die(curl_easy_strerror(code));
}

static void multi_check(CURLMcode code)
{
    if (code != CURLM_OK)
        die(curl_multi_strerror(code));
}

/* ---- transfers ---- */

static size_t on_write(char *data, size_t size, size_t count, void *arg)
{
    struct transfer *t = arg;
    size_t n = size * count;
    if (t->len + n > t->cap) {
        t->cap = 2 * (t->len + n);
        t->body = must(realloc(t->body, t->cap));
    }
    memcpy(t->body + t->len, data, n);
    t->len += n;
    return n;
}

static void prepare(struct transfer *t)
{
    t->easy = must(curl_easy_init());
    easy_check(curl_easy_setopt(t->easy, CURLOPT_URL, url));
    easy_check(curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t));
    easy_check(curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_write));
    easy_check(curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t));
    easy_check(curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L));
    easy_check(curl_easy_setopt(t->easy, CURLOPT_TCP_KEEPALIVE, 1L));
    easy_check(curl_easy_setopt(t->easy, CURLOPT_HTTP_VERSION,
                                http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
    easy_check(curl_easy_setopt(t->easy, CURLOPT_PIPEWAIT, http2 ? 1L : 0L));
    easy_check(curl_easy_setopt(t->easy, CURLOPT_PROXY, ""));
    if (fields)
        easy_check(curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, fields));
    /* with a CA path libcurl would build its certificate store anew each time */
    easy_check(curl_easy_setopt(t->easy, CURLOPT_CAPATH, NULL));
    if (ca)
        easy_check(curl_easy_setopt(t->easy, CURLOPT_CAINFO, ca));
}

static void submit(struct transfer *t)
{
    t->len = 0;
    started++;
    multi_check(curl_multi_add_handle(multi, t->easy));
}

static void complete(CURLMsg *message)
{
    CURL *easy = message->easy_handle;
    CURLcode result = message->data.result; /* the message dies with remove_handle */
    struct transfer *t;
    long status = 0;
    easy_check(curl_easy_getinfo(easy, CURLINFO_PRIVATE, &t));
    easy_check(curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status));
    finished++;
    bytes += t->len;
    ok += result == CURLE_OK && status == 200;
    multi_check(curl_multi_remove_handle(multi, easy));
    if (started < total)
        submit(t);
}

static void collect(void)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(multi, &left)))
        if (message->msg == CURLMSG_DONE)
            complete(message);
    if (finished == total)
        ev_break(loop, EVBREAK_ALL);
}

/* ---- libcurl and libev ---- */

static void act(curl_socket_t fd, int events)
{
    int running;
    multi_check(curl_multi_socket_action(multi, fd, events, &running));
    collect();
}

static void on_io(struct ev_loop *l, ev_io *w, int revents)
{
    (void)l;
    act(w->fd, (revents & EV_READ ? CURL_CSELECT_IN : 0) |
                   (revents & EV_WRITE ? CURL_CSELECT_OUT : 0));
}

static void on_timeout(struct ev_loop *l, ev_timer *w, int revents)
{
    (void)l;
    (void)w;
    (void)revents;
    act(CURL_SOCKET_TIMEOUT, 0);
}

static int on_timer(CURLM *m, long ms, void *arg)
{
    (void)m;
    (void)arg;
    ev_timer_stop(loop, &timeout);
    if (ms >= 0) {
        ev_timer_set(&timeout, (double)ms / 1000.0, 0.0);
        ev_timer_start(loop, &timeout);
    }
    return 0;
}

static void forget(struct watcher *w)
{
    if (!w)
        return;
    if (w->active)
        ev_io_stop(loop, &w->io);
    free(w);
}

static struct watcher *remember(curl_socket_t fd)
{
    struct watcher *w = must(calloc(1, sizeof *w));
    ev_init(&w->io, on_io);
    multi_check(curl_multi_assign(multi, fd, w));
    return w;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
    (void)easy;
    (void)arg;
    struct watcher *w = known;
    if (what == CURL_POLL_REMOVE) {
        forget(w);
        return 0;
    }
    if (!w)
        w = remember(fd);
    if (w->active)
        ev_io_stop(loop, &w->io);
    ev_io_set(&w->io, fd,
              (what & CURL_POLL_IN ? EV_READ : 0) |
                  (what & CURL_POLL_OUT ? EV_WRITE : 0));
    ev_io_start(loop, &w->io);
    w->active = true;
    return 0;
}

static void open_multi(long concurrency)
{
    multi = must(curl_multi_init());
    multi_check(curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket));
    multi_check(curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer));
    multi_check(curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, concurrency));
}

/* ---- the run ---- */

static void raise_fd_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void report(double wall)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double user = seconds(usage.ru_utime), sys = seconds(usage.ru_stime);
    printf(
        "{\"requests\":%ld,\"ok\":%ld,\"bytes\":%llu,\"wall_s\":%.3f,\"cpu_user_s\":%.3f,"
        "\"cpu_sys_s\":%.3f,\"us_per_request\":%.2f,\"peak_kb\":%ld}\n",
        finished, ok, bytes, wall, user, sys, (user + sys) * 1e6 / (double)finished,
        usage.ru_maxrss);
}

static double run(struct transfer *transfers, long concurrency)
{
    ev_now_update(loop);
    double start = ev_now(loop);
    for (long i = 0; i < concurrency; i++) {
        prepare(&transfers[i]);
        submit(&transfers[i]);
    }
    ev_run(loop, 0);
    return ev_time() - start;
}

static void close_all(struct transfer *transfers, long concurrency)
{
    for (long i = 0; i < concurrency; i++) {
        curl_easy_cleanup(transfers[i].easy);
        free(transfers[i].body);
    }
    curl_multi_cleanup(multi);
    free(transfers);
    curl_slist_free_all(fields);
    curl_global_cleanup();
}

static void read_extras(int argc, char **argv)
{
    for (int i = 4; i < argc; i++) {
        if (strcmp(argv[i], "--ca") == 0 && i + 1 < argc)
            ca = argv[++i];
        else if (strcmp(argv[i], "--http2") == 0)
            http2 = true;
        else
            fields = must(curl_slist_append(fields, argv[i]));
    }
}

int main(int argc, char **argv)
{
    long concurrency = argc >= 4 ? strtol(argv[2], NULL, 10) : 0;
    total = argc >= 4 ? strtol(argv[3], NULL, 10) : 0;
    if (concurrency < 1 || total < 1) {
        fputs("usage: baseline URL CONCURRENCY TOTAL [--ca FILE] [--http2] "
              "[HEADER-LINE...]\n",
              stderr);
        return 2;
    }
    if (concurrency > total)
        concurrency = total;
    url = argv[1];
    raise_fd_limit();
    easy_check(curl_global_init(CURL_GLOBAL_ALL));
    read_extras(argc, argv);
    loop = must(ev_default_loop(0));
    ev_init(&timeout, on_timeout);
    open_multi(concurrency);
    struct transfer *transfers = must(calloc((size_t)concurrency, sizeof *transfers));
    double wall = run(transfers, concurrency);
    report(wall);
    close_all(transfers, concurrency);
    return ok == total ? 0 : 1;
}
