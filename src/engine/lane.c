/* libcurl on the loop: the transport of real requests, spread over lanes.
 *
 * A host has a home lane; when that is full its transfers spill into the next ones,
 * always in the same order, so that the connections made there are found again. A lane's
 * share of connections is fixed, so that all together never pass the descriptors we have.
 *
 * Inside libcurl's callbacks only our own memory is touched; libcurl asks for a call
 * without delay by a flag, which lanes_kick honours outside. A finished exchange is
 * copied, removed from the multi, and only then told to its request. */
#include "engine/lane.h"

#include "engine/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KICKS = 8,
    MAX_LANES = 256,
    LANE_ACTIVE = 64, /* transfers in a lane before the next one is taken */
    LANE_CONNS = 80,  /* connections a lane may hold, idle ones included */
    NO_SLOT = MAX_LANES,
    ISOLATED = 8, /* isolated lanes that may rest; each has a share as any other */
    KNOWN = 4096, /* hosts whose protocol is remembered */
};

#define RETIRE_AFTER 60.0 /* seconds without a transfer */

struct known { /* what an https host spoke last time; a later host may take the place */
    uint32_t host;
    bool http1;
};

struct lf_lanes {
    struct lf_transport base;
    struct lf_engine *eng; /* borrowed: outlives us */
    struct lf_shared shared;
    struct lf_lane *slots[MAX_LANES]; /* owned; NULL: not needed yet */
    uint64_t room[MAX_LANES / 64];    /* bit set: that slot takes more transfers */
    unsigned nslots, conns;           /* conns: MAXCONNECTS of a lane */
    struct lf_list isolated;          /* owned lanes for classes of their own */
    struct lf_list kicked;
    struct lf_timer sweep;
    struct known known[KNOWN];
};

struct lf_shared *lf_lane_shared(struct lf_lane *lane)
{
    return &lane->lanes->shared;
}

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

static void ask_kick(struct lf_lane *lane)
{
    if (lane->kick)
        return;
    lane->kick = true;
    lf_list_append(&lane->lanes->kicked, &lane->kick_link);
}

static int on_timer(CURLM *multi, long ms, void *arg)
{
    struct lf_lane *lane = arg;
    (void)multi;
    if (ms == 0)
        ask_kick(lane);
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
    ask_kick(lf_container(t, struct lf_lane, timer));
}

/* ---- the end of an exchange ---- */

static double seconds(CURL *easy, CURLINFO info)
{
    curl_off_t us = 0;
    curl_easy_getinfo(easy, info, &us);
    return (double)us / 1e6;
}

static int info(struct lf_handle *h, CURLINFO what)
{
    long n = 0;
    curl_easy_getinfo(h->easy, what, &n);
    return (int)n;
}

static void learn_protocol(struct lf_handle *h, const struct lf_xfer *x)
{
    long version = 0;
    if (x->url->scheme != LF_URL_HTTPS || !x->head_done)
        return;
    curl_easy_getinfo(h->easy, CURLINFO_HTTP_VERSION, &version);
    h->lane->lanes->known[x->host_hash % KNOWN] =
        (struct known){x->host_hash, version < CURL_HTTP_VERSION_2_0};
}

static void collect(struct lf_handle *h, struct lf_xfer *x)
{
    long n = 0;
    curl_easy_getinfo(h->easy, CURLINFO_NUM_CONNECTS, &n);
    x->reused = n == 0 && x->sent;
    learn_protocol(h, x);
    x->timings.first_byte = seconds(h->easy, CURLINFO_STARTTRANSFER_TIME_T);
    x->timings.total = seconds(h->easy, CURLINFO_TOTAL_TIME_T);
    if (n) {
        x->timings.dns = seconds(h->easy, CURLINFO_NAMELOOKUP_TIME_T);
        x->timings.connect = seconds(h->easy, CURLINFO_CONNECT_TIME_T);
        x->timings.tls = seconds(h->easy, CURLINFO_APPCONNECT_TIME_T);
    }
    if (!x->code)
        return;
    x->os_errno = info(h, CURLINFO_OS_ERRNO);
    x->connect_status = info(h, CURLINFO_HTTP_CONNECTCODE);
    x->proxy_code = info(h, CURLINFO_PROXY_ERROR);
    x->verify_code = info(h, lf_xfer_in_proxy_tls(x) ? CURLINFO_PROXY_SSL_VERIFYRESULT
                                                     : CURLINFO_SSL_VERIFYRESULT);
    snprintf(x->detail, sizeof x->detail, "%.*s", (int)sizeof x->detail - 1, h->error);
}

static void note_active(struct lf_lane *lane, int change)
{
    struct lf_lanes *l = lane->lanes;
    lane->nactive += (unsigned)change;
    lane->idle_since = l->eng->now;
    if (lane->slot == NO_SLOT)
        return;
    uint64_t bit = UINT64_C(1) << (lane->slot % 64);
    if (lane->nactive < LANE_ACTIVE)
        l->room[lane->slot / 64] |= bit;
    else
        l->room[lane->slot / 64] &= ~bit;
}

/* Only handles that carried nothing secret or unusual serve another request. */
static void give_back(struct lf_handle *h)
{
    struct lf_lane *lane = h->lane;
    curl_multi_remove_handle(lane->multi, h->easy);
    lf_tls_end_drop(h->x->tls_end);
    h->x->tls_end = NULL;
    h->x->handle = NULL;
    lf_list_remove(&h->x->link);
    note_active(lane, -1);
    h->x = NULL;
    if (h->resolve) {
        curl_easy_setopt(h->easy, CURLOPT_RESOLVE, NULL);
        curl_slist_free_all(h->resolve);
        h->resolve = NULL;
    }
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
        if (code) /* 8.14 would still want to rewind the body of the one that failed */
            h->plain = false;
        if (!code && x->tls_end && !lf_tls_end_was_said(x->tls_end))
            x->code = CURLE_PARTIAL_FILE; /* anybody may have cut it */
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
        snprintf(x->detail, sizeof x->detail, "%s", curl_multi_strerror(code));
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

/* ---- lanes ---- */

static void lane_free(struct lf_lane *lane)
{
    if (!lane)
        return;
    for (struct lf_list *n = lf_list_shift(&lane->idle); n;
         n = lf_list_shift(&lane->idle))
        lf_handle_free(lf_container(n, struct lf_handle, link));
    if (lane->multi)
        curl_multi_cleanup(lane->multi);
    curl_share_cleanup(lane->sessions);
    lf_timers_remove(&lane->eng->timers, &lane->timer);
    lf_list_remove(&lane->kick_link);
    lf_list_remove(&lane->link);
    free(lane->isolation);
    free(lane);
}

static long most_conns(const struct lf_lane *lane)
{
    long share = lane->eng->sockets / 4 / ISOLATED;
    if (!lane->isolation || share > lane->lanes->conns)
        return lane->lanes->conns;
    return share > 2 ? share : 2;
}

static bool lane_open(struct lf_lane *lane)
{
    CURLM *m = lane->multi = curl_multi_init();
    /* without MAXCONNECTS the pool shrinks with the number of transfers under way */
    return m && !curl_multi_setopt(m, CURLMOPT_SOCKETFUNCTION, on_socket) &&
           !curl_multi_setopt(m, CURLMOPT_SOCKETDATA, lane) &&
           !curl_multi_setopt(m, CURLMOPT_TIMERFUNCTION, on_timer) &&
           !curl_multi_setopt(m, CURLMOPT_TIMERDATA, lane) &&
           !curl_multi_setopt(m, CURLMOPT_MAXCONNECTS, most_conns(lane));
}

static CURLSH *share_new(void)
{
    CURLSH *share = curl_share_init();
    if (!share || !curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION))
        return share;
    curl_share_cleanup(share);
    return NULL;
}

CURLSH *lf_lane_sessions(struct lf_lane *lane)
{
    return lane->sessions ? lane->sessions : lane->lanes->shared.share;
}

static struct lf_lane *lane_new(struct lf_lanes *l, const char *isolation)
{
    struct lf_lane *lane = calloc(1, sizeof *lane);
    if (!lane)
        return NULL;
    lane->lanes = l;
    lane->eng = l->eng;
    lane->slot = NO_SLOT;
    lane->timer = (struct lf_timer){.weak = true, .fire = on_due};
    lf_list_init(&lane->active);
    lf_list_init(&lane->idle);
    lf_list_init(&lane->link);
    lf_list_init(&lane->kick_link);
    lane->isolation = isolation ? strdup(isolation) : NULL;
    lane->sessions = isolation ? share_new() : NULL;
    if ((isolation && (!lane->isolation || !lane->sessions)) || !lane_open(lane)) {
        lane_free(lane);
        return NULL;
    }
    return lane;
}

/* Few classes are in use at a time; those that rest give their connections back. */
static void make_room(struct lf_lanes *l)
{
    unsigned n = 0;
    LF_LIST_EACH_SAFE (&l->isolated, it, next) {
        struct lf_lane *lane = lf_container(it, struct lf_lane, link);
        if (++n >= ISOLATED && !lane->nactive)
            lane_free(lane);
    }
}

static struct lf_lane *isolated_lane(struct lf_lanes *l, const char *isolation)
{
    for (struct lf_list *n = l->isolated.next; n != &l->isolated; n = n->next) {
        struct lf_lane *lane = lf_container(n, struct lf_lane, link);
        if (strcmp(lane->isolation, isolation) != 0)
            continue;
        lf_list_remove(&lane->link);
        lf_list_prepend(&l->isolated, &lane->link); /* the longest unused comes last */
        return lane;
    }
    make_room(l);
    struct lf_lane *lane = lane_new(l, isolation);
    if (lane)
        lf_list_prepend(&l->isolated, &lane->link);
    return lane;
}

/* The first slot with room from `home` on, round and round; home when all are full. */
static unsigned find_room(const struct lf_lanes *l, unsigned home)
{
    unsigned words = MAX_LANES / 64, w = home / 64;
    uint64_t bits = l->room[w] & (~UINT64_C(0) << (home % 64));
    for (unsigned i = 0; i <= words; i++) {
        if (bits)
            return w * 64 + (unsigned)__builtin_ctzll(bits);
        w = (w + 1) % words;
        bits = l->room[w];
    }
    return home;
}

static bool knows_http1(const struct lf_lanes *l, uint32_t host)
{
    const struct known *k = &l->known[host % KNOWN];
    return k->host == host && k->http1;
}

/* A host that may speak HTTP/2 stays in one lane, where its transfers share a connection.
 */
static struct lf_lane *lane_for(struct lf_lanes *l, struct lf_xfer *x)
{
    unsigned slot = x->host_hash % l->nslots;
    x->one_lane = x->url->scheme == LF_URL_HTTPS && !knows_http1(l, x->host_hash);
    if (x->isolation)
        return isolated_lane(l, x->isolation);
    if (!x->one_lane)
        slot = find_room(l, slot);
    if (!l->slots[slot]) {
        l->slots[slot] = lane_new(l, NULL);
        if (l->slots[slot])
            l->slots[slot]->slot = slot;
    }
    return l->slots[slot];
}

static bool unused(const struct lf_lane *lane)
{
    return lane && !lane->nactive && lane->eng->now - lane->idle_since > RETIRE_AFTER;
}

static void on_sweep(struct lf_timer *t)
{
    struct lf_lanes *l = lf_container(t, struct lf_lanes, sweep);
    for (unsigned i = 0; i < l->nslots; i++) {
        if (unused(l->slots[i])) {
            lane_free(l->slots[i]);
            l->slots[i] = NULL;
        }
    }
    LF_LIST_EACH_SAFE (&l->isolated, n, next) {
        struct lf_lane *lane = lf_container(n, struct lf_lane, link);
        if (unused(lane))
            lane_free(lane);
    }
    lf_timers_add(&l->eng->timers, t, l->eng->now + RETIRE_AFTER);
}

/* ---- the transport ---- */

static bool lanes_kick(struct lf_transport *tp, bool all)
{
    struct lf_lanes *l = lf_container(tp, struct lf_lanes, base);
    bool any = false;
    for (unsigned i = 0; all && i < l->nslots; i++)
        if (l->slots[i] && l->slots[i]->nactive)
            ask_kick(l->slots[i]);
    for (struct lf_list *n = l->isolated.next; all && n != &l->isolated; n = n->next)
        ask_kick(lf_container(n, struct lf_lane, link));
    for (int i = 0; i < KICKS && !lf_list_empty(&l->kicked); i++) {
        struct lf_list batch;
        lf_list_init(&batch);
        lf_list_splice(&batch, &l->kicked);
        for (struct lf_list *n = lf_list_shift(&batch); n; n = lf_list_shift(&batch)) {
            struct lf_lane *lane = lf_container(n, struct lf_lane, kick_link);
            lane->kick = false;
            act(lane, CURL_SOCKET_TIMEOUT, 0);
        }
        any = true;
    }
    return any || !lf_list_empty(&l->kicked);
}

static struct lf_handle *take_handle(struct lf_lane *lane)
{
    struct lf_list *n = lf_list_shift(&lane->idle);
    return n ? lf_container(n, struct lf_handle, link) : lf_handle_new(lane);
}

static enum lf_err lanes_start(struct lf_transport *tp, struct lf_xfer *x)
{
    struct lf_lane *lane = lane_for(lf_container(tp, struct lf_lanes, base), x);
    struct lf_handle *h = lane ? take_handle(lane) : NULL;
    if (!h)
        return LF_ERESOURCE;
    if (lf_handle_set(h, x) || curl_multi_add_handle(lane->multi, h->easy)) {
        lf_handle_free(h);
        return LF_ERESOURCE;
    }
    x->handle = h;
    lf_list_append(&lane->active, &x->link);
    note_active(lane, 1);
    return LF_OK;
}

static void lanes_cancel(struct lf_transport *tp, struct lf_xfer *x, bool keep)
{
    struct lf_handle *h = x->handle;
    (void)tp;
    if (!h)
        return;
    if (keep)
        collect(h, x);
    give_back(h);
}

/* The pieces that come at once go through our callbacks as ever. */
static void lanes_resume(struct lf_transport *tp, struct lf_xfer *x)
{
    struct lf_handle *h = x->handle;
    (void)tp;
    if (!h)
        return;
    struct lf_lane *lane = h->lane;
    curl_easy_pause(h->easy, CURLPAUSE_CONT); /* 43: it has ended meanwhile */
    ask_kick(lane);
}

static void lanes_free(struct lf_transport *tp)
{
    struct lf_lanes *l = lf_container(tp, struct lf_lanes, base);
    for (unsigned i = 0; i < l->nslots; i++)
        lane_free(l->slots[i]);
    while (!lf_list_empty(&l->isolated))
        lane_free(lf_container(l->isolated.next, struct lf_lane, link));
    lf_timers_remove(&l->eng->timers, &l->sweep);
    curl_share_cleanup(l->shared.share);
    lf_tls_free(l->shared.tls);
    free(l);
    lf_alloc_global_cleanup();
}

/* As many lanes as the descriptors feed, each with its fixed share of connections. */
static void divide(struct lf_lanes *l, unsigned sockets)
{
    sockets -= sockets / 4; /* for the isolated ones */
    l->nslots = sockets / LANE_CONNS;
    if (l->nslots > MAX_LANES)
        l->nslots = MAX_LANES;
    if (!l->nslots)
        l->nslots = 1;
    l->conns = sockets / l->nslots;
    for (unsigned i = 0; i < l->nslots; i++)
        l->room[i / 64] |= UINT64_C(1) << (i % 64);
}

static bool init(struct lf_lanes *l)
{
    l->shared.share = share_new();
    l->shared.tls = lf_tls_new(l->eng->ca);
    l->sweep = (struct lf_timer){.weak = true, .fire = on_sweep};
    return l->shared.share && l->shared.tls &&
           lf_timers_add(&l->eng->timers, &l->sweep, l->eng->now + RETIRE_AFTER);
}

struct lf_transport *lf_lanes_new(struct lf_engine *eng)
{
    if (!lf_alloc_global_init())
        return NULL;
    struct lf_lanes *l = calloc(1, sizeof *l);
    if (!l) {
        lf_alloc_global_cleanup();
        return NULL;
    }
    l->base = (struct lf_transport){lanes_start, lanes_cancel, lanes_resume, lanes_kick,
                                    lanes_free};
    l->eng = eng;
    lf_list_init(&l->isolated);
    lf_list_init(&l->kicked);
    divide(l, eng->sockets);
    if (!init(l)) {
        lanes_free(&l->base);
        return NULL;
    }
    return &l->base;
}
