/* libcurl on the loop: the transport of real requests.
 *
 * Inside libcurl's callbacks only our own memory is touched; libcurl asks for a call
 * without delay by a flag, which lanes_kick honours outside. A finished exchange is
 * copied, removed from the multi, and only then told to its request. */
#include "engine/lane.h"

#include <stdlib.h>
#include <string.h>

enum { KICKS = 8, KEPT_CONNECTIONS = 1024 };

struct lanes {
    struct lf_transport base;
    struct lf_engine *eng; /* borrowed: outlives us */
    CURLSH *share;         /* owned: TLS sessions, which 7.88 would keep per handle */
    struct lf_lane lane;
};

/* ---- libcurl's callbacks ---- */

static void on_events(void *arg, int fd, int revents);

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *sock)
{
    struct lf_lane *lane = arg;
    struct lf_loop *loop = &lane->eng->loop;
    (void)easy, (void)sock;
    if (what == CURL_POLL_REMOVE) {
        lf_loop_unwant(loop, fd);
        return 0;
    }
    int events =
        ((what & CURL_POLL_IN) ? EV_READ : 0) | ((what & CURL_POLL_OUT) ? EV_WRITE : 0);
    return lf_loop_want(loop, fd, events, on_events, lane) ? -1 : 0;
}

static int on_timer(CURLM *multi, long ms, void *arg)
{
    struct lf_lane *lane = arg;
    (void)multi;
    lane->kick = ms == 0;
    if (ms > 0)
        return lf_timers_add(&lane->eng->timers, &lane->timer,
                             lane->eng->now + (double)ms / 1000)
                   ? 0
                   : -1;
    lf_timers_remove(&lane->eng->timers, &lane->timer);
    return 0;
}

static void on_due(struct lf_timer *t)
{
    lf_container(t, struct lf_lane, timer)->kick = true;
}

/* ---- the end of an exchange ---- */

static double seconds(CURL *easy, CURLINFO info)
{
    curl_off_t us = 0;
    curl_easy_getinfo(easy, info, &us);
    return (double)us / 1e6;
}

static void collect(struct lf_handle *h, struct lf_xfer *x)
{
    long n = 0;
    curl_easy_getinfo(h->easy, CURLINFO_NUM_CONNECTS, &n);
    x->reused = n == 0 && x->sent;
    x->timings.first_byte = seconds(h->easy, CURLINFO_STARTTRANSFER_TIME_T);
    x->timings.total = seconds(h->easy, CURLINFO_TOTAL_TIME_T);
    if (n) {
        x->timings.dns = seconds(h->easy, CURLINFO_NAMELOOKUP_TIME_T);
        x->timings.connect = seconds(h->easy, CURLINFO_CONNECT_TIME_T);
        x->timings.tls = seconds(h->easy, CURLINFO_APPCONNECT_TIME_T);
    }
    if (!x->code)
        return;
    curl_easy_getinfo(h->easy, CURLINFO_OS_ERRNO, &n);
    x->os_errno = (int)n;
    strncpy(x->detail, h->error, sizeof x->detail - 1);
}

/* Only handles that carried nothing secret or unusual serve another request. */
static void give_back(struct lf_handle *h)
{
    struct lf_lane *lane = h->lane;
    curl_multi_remove_handle(lane->multi, h->easy);
    h->x->handle = NULL;
    lf_list_remove(&h->x->link);
    h->x = NULL;
    if (h->plain)
        lf_list_prepend(&lane->idle, &h->link);
    else
        lf_handle_free(h);
}

static bool drain(struct lf_lane *lane)
{
    int left;
    bool any = false;
    for (CURLMsg *m = curl_multi_info_read(lane->multi, &left); m;
         m = curl_multi_info_read(lane->multi, &left)) {
        struct lf_handle *h = NULL;
        int code = m->data.result; /* the message dies with the handle's removal */
        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&h);
        struct lf_xfer *x = h->x;
        x->code = code;
        collect(h, x);
        give_back(h);
        lf_req_on_end(x);
        any = true;
    }
    return any;
}

/* libcurl says that nothing of this multi can go on. */
static void fail_all(struct lf_lane *lane, CURLMcode code)
{
    while (!lf_list_empty(&lane->active)) {
        struct lf_xfer *x = lf_container(lane->active.next, struct lf_xfer, link);
        struct lf_handle *h = x->handle;
        x->code = CURLE_FAILED_INIT;
        strncpy(x->detail, curl_multi_strerror(code), sizeof x->detail - 1);
        give_back(h);
        lf_req_on_end(x);
    }
}

static void act(struct lf_lane *lane, curl_socket_t fd, int bits)
{
    int running;
    CURLMcode code = curl_multi_socket_action(lane->multi, fd, bits, &running);
    drain(lane);
    if (code)
        fail_all(lane, code);
}

static void on_events(void *arg, int fd, int revents)
{
    act(arg, fd,
        ((revents & EV_READ) ? CURL_CSELECT_IN : 0) |
            ((revents & EV_WRITE) ? CURL_CSELECT_OUT : 0));
}

/* ---- the transport ---- */

static bool lanes_kick(struct lf_transport *tp, bool all)
{
    struct lf_lane *lane = &lf_container(tp, struct lanes, base)->lane;
    bool any = false;
    lane->kick |= all;
    for (int i = 0; lane->kick && i < KICKS; i++) {
        lane->kick = false;
        act(lane, CURL_SOCKET_TIMEOUT, 0);
        any = true;
    }
    return any || lane->kick;
}

static struct lf_handle *take_handle(struct lf_lane *lane)
{
    struct lf_list *n = lf_list_shift(&lane->idle);
    return n ? lf_container(n, struct lf_handle, link) : lf_handle_new(lane);
}

static enum lf_err lanes_start(struct lf_transport *tp, struct lf_xfer *x)
{
    struct lf_lane *lane = &lf_container(tp, struct lanes, base)->lane;
    struct lf_handle *h = take_handle(lane);
    if (!h)
        return LF_ERESOURCE;
    if (lf_handle_set(h, x) || curl_multi_add_handle(lane->multi, h->easy)) {
        lf_handle_free(h);
        return LF_ERESOURCE;
    }
    x->handle = h;
    lf_list_append(&lane->active, &x->link);
    return LF_OK;
}

static void lanes_cancel(struct lf_transport *tp, struct lf_xfer *x)
{
    struct lf_handle *h = x->handle;
    (void)tp;
    if (!h)
        return;
    collect(h, x);
    give_back(h);
}

static void lane_deinit(struct lf_lane *lane)
{
    for (struct lf_list *n = lf_list_shift(&lane->idle); n;
         n = lf_list_shift(&lane->idle))
        lf_handle_free(lf_container(n, struct lf_handle, link));
    if (lane->multi)
        curl_multi_cleanup(lane->multi);
    lf_timers_remove(&lane->eng->timers, &lane->timer);
}

static void lanes_free(struct lf_transport *tp)
{
    struct lanes *l = lf_container(tp, struct lanes, base);
    lane_deinit(&l->lane);
    curl_share_cleanup(l->share);
    free(l);
    curl_global_cleanup();
}

static bool lane_init(struct lf_lane *lane, struct lf_engine *eng, CURLSH *share)
{
    *lane = (struct lf_lane){.eng = eng, .share = share};
    lane->timer = (struct lf_timer){.weak = true, .fire = on_due};
    lf_list_init(&lane->active);
    lf_list_init(&lane->idle);
    lane->multi = curl_multi_init();
    CURLM *m = lane->multi;
    /* without MAXCONNECTS the pool shrinks with the number of transfers under way */
    return m && !curl_multi_setopt(m, CURLMOPT_SOCKETFUNCTION, on_socket) &&
           !curl_multi_setopt(m, CURLMOPT_SOCKETDATA, lane) &&
           !curl_multi_setopt(m, CURLMOPT_TIMERFUNCTION, on_timer) &&
           !curl_multi_setopt(m, CURLMOPT_TIMERDATA, lane) &&
           !curl_multi_setopt(m, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
}

struct lf_transport *lf_lanes_new(struct lf_engine *eng)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT))
        return NULL;
    struct lanes *l = calloc(1, sizeof *l);
    if (!l) {
        curl_global_cleanup();
        return NULL;
    }
    l->base = (struct lf_transport){lanes_start, lanes_cancel, lanes_kick, lanes_free};
    l->eng = eng;
    l->share = curl_share_init();
    if (!lane_init(&l->lane, eng, l->share) || !l->share ||
        curl_share_setopt(l->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION)) {
        lanes_free(&l->base);
        return NULL;
    }
    return &l->base;
}
