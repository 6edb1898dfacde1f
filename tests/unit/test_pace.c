/* Rates, given and looked for, against servers that are simulated millisecond by
 * millisecond. */
#include "engine/pace.h"

#include <string.h>
#include "check.h"

enum { WORKERS = 8, KEPT = 4096, MS = 1000 };

/* A server that serves so many requests in any second and refuses the rest. */
struct server {
    int serves;
    double latency, rest; /* seconds: of an answer; what Retry-After says */
    double times[KEPT];   /* when it served */
    unsigned n;
    unsigned served, refused; /* since they were last set to 0 */
};

static bool serve(struct server *s, double now)
{
    unsigned last = s->n < KEPT ? s->n : KEPT, in_window = 0;
    for (unsigned i = 1; i <= last && s->times[(s->n - i) % KEPT] > now - 1; i++)
        in_window++;
    if (in_window >= (unsigned)s->serves) {
        s->refused++;
        return false;
    }
    s->times[s->n++ % KEPT] = now;
    s->served++;
    return true;
}

/* Workers that ask as fast as they may. */
struct client {
    struct lf_pace pace;
    double now, parked;
    struct {
        bool busy, well;
        double started;
    } workers[WORKERS];
};

static void begin(struct client *c, const struct lf_rate *rate)
{
    memset(c, 0, sizeof *c);
    c->now = 1000;
    lf_pace_init(&c->pace, rate, c->now);
}

static void work(struct client *c, struct server *s, int i)
{
    if (c->workers[i].busy && c->now >= c->workers[i].started + s->latency) {
        bool well = c->workers[i].well;
        c->workers[i].busy = false;
        lf_pace_answer(&c->pace, c->now, well ? LF_SIGN_WELL : LF_SIGN_REFUSED,
                       c->workers[i].started, well ? 0 : s->rest);
        if (!well)
            c->parked = c->now + s->rest;
    }
    if (c->workers[i].busy || c->now < c->parked)
        return;
    if (lf_pace_due(&c->pace) > c->now) {
        lf_pace_wait(&c->pace);
        return;
    }
    lf_pace_take(&c->pace, c->now);
    c->workers[i].busy = true;
    c->workers[i].started = c->now;
    c->workers[i].well = serve(s, c->now);
}

static void run(struct client *c, struct server *s, double seconds)
{
    s->served = s->refused = 0;
    for (int ms = 0; ms < seconds * MS; ms++) {
        c->now += 1.0 / MS;
        for (int i = 0; i < WORKERS; i++)
            work(c, s, i);
    }
}

static const struct lf_rate automatic = {.burst = 1, .automatic = true};

static void test_given(void)
{
    struct server s = {.serves = 1000, .latency = 0.001};
    struct client c;
    begin(&c, &(struct lf_rate){.interval = 0.1, .burst = 1});
    run(&c, &s, 10);
    CHECK(s.served >= 99 && s.served <= 101);
    begin(&c, &(struct lf_rate){.interval = 0.1, .burst = 5});
    run(&c, &s, 0.01);
    CHECK(s.served == 5);
    run(&c, &s, 10);
    CHECK(s.served >= 99 && s.served <= 101);
}

/* At least nine tenths of what it serves, and less than 2 % refused. */
static void check_level(struct server *s, double seconds)
{
    double could = s->serves * seconds;
    CHECK(s->served >= 0.9 * could);
    CHECK(s->refused < 0.02 * (s->served + s->refused));
    if (s->served < 0.9 * could || s->refused >= 0.02 * (s->served + s->refused))
        fprintf(stderr, "serves %d: %u served, %u refused in %g s\n", s->serves,
                s->served, s->refused, seconds);
}

/* Two processes that know nothing of each other are together no faster than one at first.
 */
static void test_shared(void)
{
    struct lf_pace one, two;
    lf_pace_init(&one, &automatic, 1000);
    lf_pace_init(&two, &automatic, 1000);
    lf_pace_share(&two, 2);
    CHECK(lf_pace_rate(&two) == lf_pace_rate(&one) / 2);
    lf_pace_init(&two, &(struct lf_rate){.interval = 0.1, .burst = 1}, 1000);
    lf_pace_share(&two, 2);
    CHECK(lf_pace_rate(&two) == 10);
}

static void test_found(void)
{
    static const double rests[] = {0, 1};
    static const double latencies[] = {0.002, 0.02, 0.1};
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 3; k++) {
            struct server s = {.serves = 50, .latency = latencies[k], .rest = rests[i]};
            struct client c;
            begin(&c, &automatic);
            run(&c, &s, 10);
            run(&c, &s, 60);
            check_level(&s, 60);
        }
}

static void test_moves(void)
{
    static const int levels[] = {25, 50, 100, 50};
    struct server s = {.serves = 50, .latency = 0.02};
    struct client c;
    begin(&c, &automatic);
    run(&c, &s, 20);
    for (int i = 0; i < 4; i++) {
        s.serves = levels[i];
        run(&c, &s, 10);
        run(&c, &s, 20);
        check_level(&s, 20);
    }
}

/* One that answers more and more slowly is not asked faster and faster. */
static void test_slows_down(void)
{
    struct server s = {.serves = 1000, .latency = 0.01};
    struct client c;
    begin(&c, &automatic);
    run(&c, &s, 5);
    double before = lf_pace_rate(&c.pace);
    for (int i = 0; i < 200; i++) {
        c.now += 0.1;
        lf_pace_wait(&c.pace);
        lf_pace_answer(&c.pace, c.now, LF_SIGN_WELL, c.now - 0.5, 0);
    }
    CHECK(lf_pace_rate(&c.pace) < before / 2);
}

static void test_breaks(void)
{
    struct client c;
    begin(&c, &automatic);
    double before = lf_pace_rate(&c.pace);
    for (int i = 0; i < 100; i++) { /* one in twenty is bad luck */
        c.now += 0.01;
        lf_pace_answer(&c.pace, c.now, i % 20 ? LF_SIGN_WELL : LF_SIGN_BROKEN, c.now, 0);
    }
    CHECK(lf_pace_rate(&c.pace) >= before);
    for (int i = 0; i < 100; i++) {
        c.now += 0.05;
        lf_pace_answer(&c.pace, c.now, LF_SIGN_BROKEN, c.now, 0);
    }
    CHECK(lf_pace_rate(&c.pace) < before / 4);
    CHECK(lf_pace_rate(&c.pace) >= 0.05);
}

int main(void)
{
    test_given();
    test_shared();
    test_found();
    test_moves();
    test_slows_down();
    test_breaks();
    return check_done();
}
