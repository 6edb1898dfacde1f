/* Admission, rates, parking and retry under random load, on a clock that jumps: nothing
 * starts beyond a limit, a rate or where a host is parked, everything ends, and nothing
 * is left. And what random load does not find: who waits where does not matter. */
#include "engine/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include "engine_kit.h"

enum { HOSTS = 5, DOMAINS = 8, ASKS = 120, ROUNDS = 150, MOST_STEPS = 200000 };

/* ---- random numbers that are the same in every run ---- */

static uint64_t seed;

static unsigned below(unsigned n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % n;
}

static bool chance(unsigned percent)
{
    return below(100) < percent;
}

/* ---- domains, and what they promise ---- */

struct place {      /* a host in a domain */
    double last[4]; /* when the newest began, the newest first */
    double parked, parked_at;
};

struct limits {
    struct lf_domain *d; /* owned while `open`; the kit's requests keep it otherwise */
    struct limits *parent;
    struct lf_domain_conf conf;
    bool open;
    struct place places[HOSTS];
};

static struct limits domains[DOMAINS];
static unsigned ndomains;

static void open_domain(struct limits *parent)
{
    struct limits *l = &domains[ndomains++];
    *l = (struct limits){.parent = parent, .open = true};
    l->conf.limit = chance(60) ? 1 + below(12) : 0;
    l->conf.per_host = chance(60) ? 1 + below(4) : 0;
    l->conf.policy = !parent || chance(20);
    if (chance(40))
        l->conf.rate = (struct lf_rate){.interval = 0.05 * (1 + below(20)),
                                        .burst = 1 + below(3),
                                        .automatic = chance(25)};
    CHECK_INT(lf_domain_new(eng, parent ? parent->d : NULL, &l->conf, &l->d), LF_OK);
    for (int i = 0; i < HOSTS; i++)
        for (int k = 0; k < 4; k++)
            l->places[i].last[k] = -1;
}

static void open_domains(void)
{
    ndomains = 0;
    for (int i = 0; i < 2; i++)
        open_domain(NULL);
    while (ndomains < DOMAINS)
        open_domain(&domains[below(ndomains)]);
}

static void close_domain(struct limits *l)
{
    if (l->open)
        lf_domain_release(l->d);
    l->open = false;
}

/* ---- what is promised holds ---- */

struct look {
    struct limits *l;
    unsigned active;
};

static void look_at_host(void *arg, const struct lf_host_stats *s)
{
    struct look *look = arg;
    long host = strtol(s->name + 1, NULL, 10);
    unsigned most = look->l->conf.per_host;
    struct place *p = &look->l->places[host];
    double now = lf_engine_now(eng);
    look->active += s->active;
    if (most && s->active > most)
        CHECK_INT(s->active, most);
    if (s->parked > 0 && now + s->parked != p->parked) {
        p->parked = now + s->parked;
        p->parked_at = now;
    }
}

static void check_limits(void)
{
    for (unsigned i = 0; i < ndomains; i++) {
        struct look look = {.l = &domains[i]};
        if (!domains[i].open)
            continue;
        lf_domain_each_host(domains[i].d, look_at_host, &look);
        struct lf_domain_stats s = lf_domain_stats(domains[i].d);
        if (look.active != s.active)
            CHECK_INT(look.active, s.active);
        if (domains[i].conf.limit && s.active > domains[i].conf.limit)
            CHECK_INT(s.active, domains[i].conf.limit);
    }
}

static void check_start(struct limits *l, int host)
{
    struct place *p = &l->places[host];
    const struct lf_rate *r = &l->conf.rate;
    double now = lf_engine_now(eng), *last = p->last;
    int burst = (int)r->burst;
    if (r->interval > 0 && !r->automatic && last[burst - 1] >= 0)
        CHECK(now - last[burst - 1] >= r->interval - 0.011);
    if (p->parked_at < now && now < p->parked - 1e-6)
        CHECK_STR("started where it was parked", "");
    memmove(last + 1, last, 3 * sizeof *last);
    last[0] = now;
}

/* ---- requests ---- */

struct load {
    struct ask ask;
    struct limits *l;
};

static struct load loads[ASKS];

static void answer(void *arg, const char *method, const char *url,
                   struct lf_script_answer *a)
{
    static const char *const heads[] = {"Retry-After: 2\r\n", "Retry-After: 0\r\n",
                                        "RateLimit: \"x\";r=0;t=3\r\n",
                                        "Location: http://h1.test/0\r\n", ""};
    static char moved[ASKS][40];
    int host = 0, id = 0;
    (void)arg, (void)method;
    CHECK_INT(sscanf(url, "http://h%d.test/%d", &host, &id), 2);
    for (struct limits *l = loads[id].l; l; l = l->parent)
        check_start(l, host);
    static const int statuses[] = {200, 200, 200, 200, 429, 503, 500, 404};
    *a =
        (struct lf_script_answer){.delay = 0.01 * below(100), .body = "x", .body_len = 1};
    a->status = statuses[below(8)];
    a->head = chance(30) ? heads[below(3)] : heads[4];
    if (chance(8)) {
        snprintf(moved[id], sizeof moved[id], "Location: http://h%u.test/%d\r\n",
                 below(HOSTS), id);
        a->status = 302;
        a->head = moved[id];
    }
    if (chance(8))
        a->err = LF_ECLOSED;
    if (chance(4))
        a->delay = LF_NEVER;
}

static void submit(unsigned i)
{
    char url[60];
    struct limits *l = &domains[below(ndomains)];
    while (!l->open)
        l = &domains[below(ndomains)];
    lf_opts_init(&opts);
    loads[i].l = l;
    opts.domain = l->d;
    opts.timeout.total = 1 + below(5);
    opts.retry.times = below(4);
    opts.retry.backoff = 0.1 * below(10);
    opts.stream = chance(10);
    if (chance(20))
        opts.deadline = 1 + below(20);
    snprintf(url, sizeof url, "http://h%u.test/%u", below(HOSTS), i);
    ask(url, &loads[i].ask);
}

static void read_stream(struct ask *a)
{
    const char *p;
    if (a->req && a->done && lf_req_streams(a->req))
        lf_req_consume(a->req, lf_req_peek(a->req, &p));
}

static bool step(unsigned *steps)
{
    bool more = lf_engine_step(eng, true);
    check_limits();
    for (unsigned i = 0; i < ASKS; i++)
        read_stream(&loads[i].ask);
    return more && ++*steps < MOST_STEPS;
}

static void play(uint64_t number)
{
    unsigned steps = 0, cancelled = 0;
    int before = check_failed;
    seed = number * 7919 + 1;
    kit_open(true);
    lf_script_set(eng, answer, NULL);
    open_domains();
    memset(loads, 0, sizeof loads);
    for (unsigned i = 0; i < ASKS; i++) {
        submit(i);
        for (unsigned n = below(4); n; n--)
            step(&steps);
        unsigned victim = below(i + 1);
        if (chance(15) && loads[victim].ask.req) {
            cancelled += !loads[victim].ask.done;
            drop(&loads[victim].ask);
        }
        if (chance(2) && i > ASKS / 2)
            close_domain(&domains[1 + below(ndomains - 1)]);
    }
    while (step(&steps))
        ;
    CHECK(steps < MOST_STEPS);
    unsigned done = 0;
    for (unsigned i = 0; i < ASKS; i++) {
        struct ask *a = &loads[i].ask;
        done += (unsigned)a->done;
        if (a->req && (a->done != 1 || !lf_req_body_over(a->req)))
            CHECK_STR(lf_req_url(a->req), "to be over");
        drop(a);
    }
    CHECK_INT(done + cancelled, ASKS);
    CHECK_INT(lf_engine_stats(eng)->active, 0);
    CHECK_INT(lf_engine_stats(eng)->queued, 0);
    CHECK_INT(lf_engine_stats(eng)->waiting, 0);
    for (unsigned i = 0; i < ndomains; i++)
        close_domain(&domains[i]);
    kit_close();
    if (check_failed > before)
        printf("in round %u\n", (unsigned)number);
}

/* ---- chosen cases ---- */

static struct lf_domain *domain(struct lf_domain *parent, struct lf_domain_conf conf)
{
    struct lf_domain *d = NULL;
    CHECK_INT(lf_domain_new(eng, parent, &conf, &d), LF_OK);
    return d;
}

static void answer_late(void *arg, const char *method, const char *url,
                        struct lf_script_answer *a)
{
    double *starts = arg;
    (void)method;
    starts[strtol(strrchr(url, '/') + 1, NULL, 10)] = lf_engine_now(eng);
    *a = (struct lf_script_answer){.delay = 10, .status = 200};
}

/* A full domain outside does not let a rate's turns pile up. */
static void test_rate_under_a_ceiling(void)
{
    enum { N = 4 };
    struct ask asks[2 * N];
    double starts[2 * N];
    char url[60];
    kit_open(true);
    lf_script_set(eng, answer_late, starts);
    struct lf_domain *ceiling = domain(NULL, (struct lf_domain_conf){.limit = N});
    struct lf_domain *inside =
        domain(ceiling, (struct lf_domain_conf){.rate = {.interval = 1, .burst = 1}});
    for (int i = 0; i < 2 * N; i++) {
        opts.domain = i < N ? ceiling : inside;
        snprintf(url, sizeof url, "http://a.test/%d", i);
        ask(url, &asks[i]);
    }
    for (int i = 0; i < 2 * N; i++)
        wait_for(&asks[i]);
    for (int i = N + 1; i < 2 * N; i++)
        CHECK(starts[i] - starts[i - 1] > 0.99);
    for (int i = 0; i < 2 * N; i++)
        drop(&asks[i]);
    lf_domain_release(inside);
    lf_domain_release(ceiling);
    kit_close();
}

int main(void)
{
    test_rate_under_a_ceiling();
    for (uint64_t i = 1; i <= ROUNDS; i++)
        play(i);
    return check_done();
}
