/* The engine above the transport: admission, limits of time, redirects, cancelling. The
 * transport is scripted and the clock jumps, so that hours pass in no time. */
#include "engine_kit.h"

#include <math.h>
#include <time.h>

enum { MANY = 40 };

struct page {
    const char *url;
    struct lf_script_answer answer;
};

static char many_folds[280000]; /* "X-A: 0", and a line " 1" again and again */

static const struct page pages[] = {
    {"http://a.test/ok", {.status = 200, .delay = 1, .body = "fine", .body_len = 4}},
    {"http://b.test/ok", {.status = 200, .delay = 1, .body = "fine", .body_len = 4}},
    {"http://slow.test/", {.status = 200, .delay = 3600}},
    {"http://never.test/", {.delay = LF_NEVER}},
    {"http://a.test/down", {.err = LF_ECONNECT}},
    {"http://a.test/empty-location", {.status = 302, .head = "Location: \r\n"}},
    {"http://a.test/loop", {.status = 302, .head = "Location: /loop\r\n"}},
    {"http://a.test/ftp", {.status = 302, .head = "Location: ftp://a.test/x\r\n"}},
    {"http://a.test/bad-location", {.status = 302, .head = "Location: http://[\r\n"}},
    {"http://a.test/two",
     {.status = 302, .head = "Location: /ok\r\nLocation: /empty\r\n"}},
    {"http://a.test/moved", {.status = 301, .head = "Location: ../ok\r\n"}},
    {"http://a.test/away", {.status = 302, .head = "Location: http://b.test/seen\r\n"}},
    {"http://a.test/see-other", {.status = 303, .head = "Location: /seen\r\n"}},
    {"http://a.test/keep", {.status = 307, .head = "Location: /seen\r\n"}},
    {"http://a.test/fold", {.status = 200, .head = "X-A: one\r\n two\r\nX-B: 3\r\n"}},
    {"http://a.test/fold-cr", {.status = 200, .head = "X-A: one\r\n two\rthree\r\n"}},
    {"http://a.test/fold-first", {.status = 200, .head = " one\r\nX-B: 3\r\n"}},
    {"http://a.test/spaced-length", {.status = 200, .head = "Content-Length : 5\r\n"}},
    {"http://a.test/spaced-coding",
     {.status = 200, .head = "Transfer-Encoding\t: chunked\r\n"}},
    {"http://a.test/spaced", {.status = 200, .head = "X-A : 1\r\n"}},
    {"http://a.test/folds", {.status = 200, .head = many_folds}},
};

static char seen[200]; /* method and URL of the last transfer to …/seen */

static void play(void *arg, const char *method, const char *url,
                 struct lf_script_answer *a)
{
    (void)arg;
    if (strstr(url, "/seen")) {
        snprintf(seen, sizeof seen, "%s %s", method, url);
        *a = (struct lf_script_answer){.status = 200};
        return;
    }
    size_t n = strcspn(url, "#");
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        if (strncmp(pages[i].url, url, n) == 0 && !pages[i].url[n])
            *a = pages[i].answer;
}

static void begin(void)
{
    kit_open(true);
    lf_script_set(eng, play, NULL);
}

/* One request: its error kind, its status, the number of redirects. */
static void expect(const char *url, enum lf_err err, int status, unsigned hops)
{
    struct ask a;
    ask(url, &a);
    const struct lf_result *r = wait_for(&a);
    if (!CHECK_INT(r->err, err) || !CHECK_INT(r->status, status))
        printf("  at %s: %s\n", url, r->message ? r->message : "no message");
    CHECK_INT(r->hops, hops);
    CHECK(!r->err == !r->message);
    drop(&a);
}

static void test_answers(void)
{
    begin();
    expect("http://a.test/ok", LF_OK, 200, 0);
    expect("http://a.test/none", LF_OK, 404, 0);
    expect("http://a.test/down", LF_ECONNECT, 0, 0);
    kit_close();
}

static void test_refused(void)
{
    static const struct {
        const char *method, *url, *name, *value;
        enum lf_err err;
    } rows[] = {
        {"GET", "ftp://a.test/", NULL, NULL, LF_EURL},
        {"GET", "http://", NULL, NULL, LF_EURL},
        {"G\r\nET", "http://a.test/", NULL, NULL, LF_EREQUEST},
        {"", "http://a.test/", NULL, NULL, LF_EREQUEST},
        {"CONNECT", "http://a.test/", NULL, NULL, LF_EREQUEST},
        {"GET", "http://a.test/", "X-A", "1\r\nX-B: 2", LF_EREQUEST},
        {"GET", "http://a.test/", "X A", "1", LF_EREQUEST},
        {"GET", "http://a.test/", "", "1", LF_EREQUEST},
        {"GET", "http://a.test/", "Content-Length", "5", LF_EREQUEST},
        {"GET", "http://a.test/", "transfer-encoding", "chunked", LF_EREQUEST},
    };
    begin();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct lf_headers h;
        struct ask a;
        const char *why = NULL;
        lf_headers_init(&h);
        if (rows[i].name)
            lf_headers_add(&h, rows[i].name, strlen(rows[i].name), rows[i].value,
                           strlen(rows[i].value));
        opts.headers = &h;
        opts.method = rows[i].method;
        CHECK_INT(kit_new(rows[i].url, &a, &why), rows[i].err);
        CHECK(why && *why);
        lf_headers_free(&h);
        lf_opts_init(&opts);
    }
    CHECK_INT(lf_engine_stats(eng)->transfers, 0);
    kit_close();
}

static void test_redirects(void)
{
    begin();
    expect("http://a.test/moved", LF_OK, 200, 1);
    expect("http://a.test/empty-location", LF_OK, 302, 0);
    expect("http://a.test/loop", LF_EREDIRECT, 302, 10);
    expect("http://a.test/ftp", LF_EREDIRECT, 302, 0);
    expect("http://a.test/bad-location", LF_EREDIRECT, 302, 0);
    expect("http://a.test/two", LF_EPROTOCOL, 302, 0);
    opts.redirects = 0;
    expect("http://a.test/moved", LF_OK, 301, 0);
    opts.redirects = 1;
    expect("http://a.test/loop", LF_EREDIRECT, 302, 1);
    kit_close();
}

static void test_history(void)
{
    struct ask a;
    struct lf_header f;
    begin();
    ask("http://a.test/moved#part", &a);
    const struct lf_result *r = wait_for(&a);
    CHECK_STR(r->url, "http://a.test/ok#part");
    CHECK(r->history && !r->history->next);
    CHECK_STR(r->history->url, "http://a.test/moved#part");
    CHECK_INT(r->history->status, 301);
    CHECK(lf_headers_get(&r->history->headers, "LOCATION", &f));
    CHECK_STR(f.value, "../ok");
    CHECK_INT(r->body.len, 4);
    drop(&a);
    kit_close();
}

static void one_method(const char *method, const char *url, const char *want)
{
    struct ask a;
    opts.method = method;
    opts.body = strcmp(method, "POST") == 0 ? "x" : NULL;
    opts.body_len = opts.body ? 1 : 0;
    seen[0] = '\0';
    ask(url, &a);
    wait_for(&a);
    CHECK_STR(seen, want);
    drop(&a);
}

static void test_redirect_methods(void)
{
    begin();
    one_method("POST", "http://a.test/away", "GET http://b.test/seen");
    one_method("POST", "http://a.test/see-other", "GET http://a.test/seen");
    one_method("POST", "http://a.test/keep", "POST http://a.test/seen");
    one_method("PUT", "http://a.test/away", "PUT http://b.test/seen");
    one_method("PUT", "http://a.test/see-other", "GET http://a.test/seen");
    one_method("HEAD", "http://a.test/see-other", "HEAD http://a.test/seen");
    kit_close();
}

static void test_folded(void)
{
    struct ask a;
    struct lf_header f;
    begin();
    ask("http://a.test/fold", &a);
    const struct lf_result *r = wait_for(&a);
    CHECK(lf_headers_get(&r->headers, "x-a", &f));
    CHECK_STR(f.value, "one two");
    CHECK(lf_headers_get(&r->headers, "x-b", &f));
    CHECK_INT(r->headers.count, 2);
    drop(&a);
    kit_close();
}

static void refuses_head(const char *url, const char *message)
{
    struct ask a;
    ask(url, &a);
    const struct lf_result *r = wait_for(&a);
    CHECK_INT(r->err, LF_EPROTOCOL);
    CHECK_STR(r->message, message);
    drop(&a);
}

static void test_folded_badly(void)
{
    begin();
    refuses_head("http://a.test/fold-cr", "a header line has a bare CR or a NUL in it");
    refuses_head("http://a.test/fold-first",
                 "the header block begins with a folded line");
    kit_close();
}

static void test_spaced_colon(void)
{
    static const char why[] =
        "white space before the colon of Content-Length or Transfer-Encoding";
    struct ask a;
    struct lf_header f;
    begin();
    refuses_head("http://a.test/spaced-length", why);
    refuses_head("http://a.test/spaced-coding", why);
    ask("http://a.test/spaced", &a);
    CHECK(lf_headers_get(&wait_for(&a)->headers, "x-a", &f));
    CHECK_STR(f.value, "1");
    drop(&a);
    kit_close();
}

/* Each line costs its own length, not that of all before it. */
static void test_many_folds(void)
{
    struct ask a;
    struct lf_header f;
    size_t n = (size_t)snprintf(many_folds, sizeof many_folds, "X-A: 0\r\n"), folds = 0;
    for (; n + 5 < sizeof many_folds; folds++)
        n += (size_t)snprintf(many_folds + n, sizeof many_folds - n, " 1\r\n");
    begin();
    clock_t start = clock();
    ask("http://a.test/folds", &a);
    const struct lf_result *r = wait_for(&a);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    CHECK(getenv("LF_SANITIZED") || seconds < 0.1);
    CHECK(lf_headers_get(&r->headers, "x-a", &f));
    CHECK_INT(f.value_len, 1 + 2 * folds);
    CHECK_INT(strlen(f.value), f.value_len);
    CHECK_INT(r->headers.count, 1);
    drop(&a);
    kit_close();
}

static void test_timeouts(void)
{
    struct ask a;
    begin();
    double start = lf_engine_now(eng);
    ask("http://slow.test/", &a);
    const struct lf_result *r = wait_for(&a);
    CHECK_INT(r->err, LF_ETIMEOUT);
    CHECK_STR(r->message, "timeout after 30 s waiting for headers");
    CHECK(fabs(lf_engine_now(eng) - start - 30) < 0.001);
    CHECK(r->retryable);
    drop(&a);
    opts.timeout = (struct lf_timeouts){LF_NEVER, LF_NEVER, LF_NEVER, LF_NEVER};
    expect("http://slow.test/", LF_OK, 200, 0); /* an hour later */
    opts.deadline = 7;
    expect("http://never.test/", LF_ETIMEOUT, 0, 0);
    kit_close();
}

/* The clock of a request that waits for a slot stands still: none of these times out. */
static void test_limits(void)
{
    struct lf_domain *d;
    struct lf_domain_conf conf = {.limit = 4, .per_host = 2};
    struct ask a[MANY];
    begin();
    lf_domain_new(eng, NULL, &conf, &d);
    opts.domain = d;
    opts.timeout.total = 1.5;
    double start = lf_engine_now(eng);
    for (int i = 0; i < MANY; i++)
        ask(i < MANY / 2 ? "http://a.test/ok" : "http://b.test/ok", &a[i]);
    CHECK_INT(lf_engine_stats(eng)->active, 4);
    CHECK_INT(lf_engine_stats(eng)->queued, MANY - 4);
    for (int i = 0; i < MANY; i++)
        CHECK_INT(wait_for(&a[i])->err, LF_OK);
    CHECK(fabs(lf_engine_now(eng) - start - MANY / 4) < 0.001);
    for (int i = 1; i < MANY / 2; i++) /* first come, first served */
        CHECK(a[i].order > a[i - 1].order);
    CHECK_INT(lf_engine_stats(eng)->peak_active, 4);
    for (int i = 0; i < MANY; i++)
        drop(&a[i]);
    lf_domain_release(d);
    kit_close();
}

static void test_nested_domains(void)
{
    struct lf_domain *outer, *inner;
    struct lf_domain_conf wide = {.limit = 3}, narrow = {.limit = 2};
    struct ask in[6], out[6];
    begin();
    lf_domain_new(eng, NULL, &wide, &outer);
    lf_domain_new(eng, outer, &narrow, &inner);
    for (int i = 0; i < 6; i++) {
        opts.domain = inner;
        ask("http://a.test/ok", &in[i]);
        opts.domain = outer;
        ask("http://a.test/ok", &out[i]);
    }
    lf_domain_release(outer);
    CHECK_INT(lf_engine_stats(eng)->active, 3);
    for (int i = 0; i < 6; i++) {
        CHECK_INT(wait_for(&in[i])->err, LF_OK);
        CHECK_INT(wait_for(&out[i])->err, LF_OK);
        drop(&in[i]);
        drop(&out[i]);
    }
    CHECK_INT(lf_engine_stats(eng)->peak_active, 3);
    lf_domain_release(inner);
    kit_close();
}

/* In every state; what waits behind the cancelled one goes on. */
static void test_cancel(void)
{
    struct lf_domain *d;
    struct lf_domain_conf conf = {.limit = 1};
    struct ask fresh, active, queued, next, over;
    const char *why;
    begin();
    lf_domain_new(eng, NULL, &conf, &d);
    opts.domain = d;
    CHECK_INT(kit_new("http://a.test/ok", &fresh, &why), LF_OK);
    drop(&fresh);
    ask("http://never.test/", &active);
    ask("http://a.test/ok", &queued);
    ask("http://a.test/ok", &next);
    lf_req_cancel(queued.req);
    lf_req_cancel(queued.req);
    lf_engine_step(eng, false);
    lf_req_cancel(active.req);
    wait_for(&next);
    CHECK_INT(active.done, 0);
    CHECK_INT(queued.done, 0);
    ask("http://a.test/ok", &over);
    wait_for(&over);
    lf_req_cancel(over.req);
    drop(&active);
    drop(&queued);
    drop(&next);
    drop(&over);
    lf_domain_release(d);
    kit_close();
}

/* Freed while the engine still has it: no callback follows. */
static void test_free_in_flight(void)
{
    struct ask a[MANY];
    begin();
    for (int i = 0; i < MANY; i++)
        ask("http://a.test/ok", &a[i]);
    lf_engine_step(eng, false);
    for (int i = 0; i < MANY; i++)
        drop(&a[i]);
    CHECK(!lf_engine_step(eng, true));
    CHECK_INT(ended, 0);
    kit_close();
}

struct tick {
    struct lf_timer t;
    int order;
};
static int ticks;

static void on_tick(struct lf_timer *t)
{
    lf_container(t, struct tick, t)->order = ++ticks;
}

static void test_timers(void)
{
    enum { N = 1000 };
    static struct tick t[N];
    begin();
    for (int i = 0; i < N; i++) {
        t[i].t = (struct lf_timer){.fire = on_tick};
        lf_timer_start(eng, &t[i].t, (i * 7919) % N);
    }
    for (int i = 0; i < N; i += 3)
        lf_timer_stop(eng, &t[i].t);
    while (lf_engine_step(eng, true))
        ;
    CHECK_INT(ticks, N - (N + 2) / 3);
    int before = 0;
    for (int due = 0; due < N; due++)
        for (int i = 0; i < N; i++)
            if ((i * 7919) % N == due && i % 3 != 0) {
                CHECK(t[i].order > before);
                before = t[i].order;
            }
    kit_close();
}

int main(void)
{
    test_answers();
    test_refused();
    test_redirects();
    test_history();
    test_redirect_methods();
    test_folded();
    test_folded_badly();
    test_many_folds();
    test_spaced_colon();
    test_timeouts();
    test_limits();
    test_nested_domains();
    test_cancel();
    test_free_in_flight();
    test_timers();
    return check_done();
}
