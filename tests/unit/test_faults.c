/* Every way in which a server can be wrong, against the raw fault server, and cancelling
 * on a real wire. */
#include "fault_kit.h"

enum { GOOD = 20 };

/* ---- what is sound stays sound ---- */

static const struct {
    const char *path;
    int status;
    long long bytes; /* -1: any */
} sound[] = {
    {"/ok", 200, 3},
    {"/bytes/0", 200, 0},
    {"/bytes/1000000", 200, 1000000},
    {"/status/404", 404, -1},
    {"/status/204", 204, 0},
    {"/status/304", 304, 0},
    {"/chunked/10", 200, 370},
    {"/trailers", 200, -1},
    {"/1xx/5", 200, -1},
    {"/headers/200", 200, -1},
    {"/close-after", 200, -1},
    {"/gzip", 200, 24000},
    {"/deflate", 200, 24000},
    {"/deflate-raw", 200, 24000},
    {"/br", 200, 24000},
    {"/zstd", 200, 24000},
    {"/gzip-chunked", 200, 24000},
    {"/gzip-two", 200, 13},
    {"/gzip-empty", 200, 0},
    {"/encoding-layers/5", 200, 3},
    {"/excess", 200, -1},
    {"/until-close", 200, -1},
    {"/same-lengths", 200, -1},
    {"/length-and-chunked", 200, -1},
    {"/chunk-extension", 200, -1},
    {"/http10", 200, -1},
    {"/status-999", 999, -1},
    {"/status-no-reason", 200, -1},
    {"/header-fold", 200, -1},
    {"/header-lf", 200, -1},
    {"/header-latin1", 200, -1},
    {"/redirect/5", 200, 3},
    {"/redirect-relative", 200, 3},
    {"/redirect-empty", 302, -1},
    {"/redirect-nowhere", 302, -1},
};

static void test_sound(void)
{
    kit_open(false);
    for (size_t i = 0; i < sizeof sound / sizeof *sound; i++) {
        struct ask a;
        ask(at(sound[i].path), &a);
        const struct lf_result *r = wait_for(&a);
        if (!CHECK_INT(r->err, LF_OK) || !CHECK_INT(r->status, sound[i].status))
            printf("  at %s: %s\n", sound[i].path, r->message ? r->message : "");
        if (sound[i].bytes >= 0)
            CHECK_INT(r->body.len, sound[i].bytes);
        drop(&a);
    }
    kit_close();
}

/* ---- what is wrong is an error, and disturbs nobody ---- */

static const struct {
    const char *path;
    enum lf_err err;
} faults[] = {
    {"/empty", LF_ECLOSED},
    {"/reset", LF_ECLOSED},
    {"/reset-headers", LF_ECLOSED},
    {"/reset-body", LF_ECLOSED},
    {"/cut-status", LF_ECLOSED},
    {"/cut-headers", LF_ECLOSED},
    {"/cut-header-line", LF_ECLOSED},
    {"/short", LF_ETRUNCATED},
    {"/no-last-chunk", LF_ETRUNCATED},
    {"/cut-chunk", LF_ETRUNCATED},
    {"/two-lengths", LF_EPROTOCOL},
    {"/length-negative", LF_EPROTOCOL},
    {"/length-letters", LF_EPROTOCOL},
    {"/length-mixed", LF_EPROTOCOL},
    {"/length-plus", LF_EPROTOCOL},
    {"/length-list", LF_EPROTOCOL},
    {"/length-overflow", LF_EPROTOCOL},
    {"/length-empty", LF_EPROTOCOL},
    {"/bad-chunk", LF_EPROTOCOL},
    {"/chunk-negative", LF_EPROTOCOL},
    {"/chunk-overflow", LF_EPROTOCOL},
    {"/chunk-no-crlf", LF_EPROTOCOL},
    {"/chunked-twice", LF_EPROTOCOL},
    {"/transfer-order", LF_EPROTOCOL},
    {"/transfer-unknown", LF_EPROTOCOL},
    {"/gzip-truncated", LF_EDECODE},
    {"/gzip?cut=1", LF_EDECODE},
    {"/br?cut=1", LF_EDECODE},
    {"/zstd?cut=1", LF_EDECODE},
    {"/deflate?cut=1", LF_EDECODE},
    {"/gzip-crc", LF_EDECODE},
    {"/gzip-size", LF_EDECODE},
    {"/gzip-junk", LF_EDECODE},
    {"/gzip-plain", LF_EDECODE},
    {"/encoding-unknown", LF_EDECODE},
    {"/encoding-layers/6", LF_EDECODE},
    {"/gzip-bomb", LF_ETOOLARGE},
    {"/deflate-bomb", LF_ETOOLARGE},
    {"/zstd-bomb", LF_ETOOLARGE},
    {"/br-bomb", LF_ETOOLARGE},
    {"/bytes/2000000", LF_ETOOLARGE},
    {"/endless", LF_ETOOLARGE},
    {"/endless-chunks", LF_ETOOLARGE},
    {"/endless-headers", LF_ETOOLARGE},
    {"/endless-header-line", LF_ETOOLARGE},
    {"/endless-1xx", LF_EPROTOCOL},
    {"/endless-trailers", LF_EPROTOCOL},
    {"/101", LF_EPROTOCOL},
    {"/garbage", LF_EPROTOCOL},
    {"/http09", LF_EPROTOCOL},
    {"/version", LF_EPROTOCOL},
    {"/tls", LF_EPROTOCOL},
    {"/status-letters", LF_EPROTOCOL},
    {"/header-nul", LF_EPROTOCOL},
    {"/header-cr", LF_EPROTOCOL},
    {"/header-no-colon", LF_EPROTOCOL},
    {"/redirect-loop", LF_EREDIRECT},
    {"/redirect/11", LF_EREDIRECT},
    {"/redirect-ftp", LF_EREDIRECT},
    {"/redirect-file", LF_EREDIRECT},
    {"/redirect-gopher", LF_EREDIRECT},
    {"/redirect-javascript", LF_EREDIRECT},
    {"/redirect-data", LF_EREDIRECT},
    {"/redirect-bad", LF_EREDIRECT},
    {"/redirect-two", LF_EPROTOCOL},
    {"/hang", LF_ETIMEOUT},
    {"/hang-headers", LF_ETIMEOUT},
    {"/hang-body", LF_ETIMEOUT},
    {"/drip-headers", LF_ETIMEOUT},
    {"/drip?n=1000&ms=50", LF_ETIMEOUT},
    {"/endless-extension", LF_ETIMEOUT},
};

static void test_faults(void)
{
    enum { N = sizeof faults / sizeof *faults };
    static struct ask bad[N], good[GOOD];
    kit_open(false);
    opts.timeout.total = 1.5;
    opts.max_body = 1000000;
    for (int i = 0; i < N; i++) {
        ask(at(faults[i].path), &bad[i]);
        if (i % (N / GOOD) == 0 && i / (N / GOOD) < GOOD)
            ask(at("/bytes/5000"), &good[i / (N / GOOD)]);
    }
    for (int i = 0; i < N; i++) {
        const struct lf_result *r = wait_for(&bad[i]);
        if (!CHECK_INT(r->err, faults[i].err))
            printf("  at %s: status %d, phase %s, code %d: %s\n", faults[i].path,
                   r->status, lf_phase_name(r->phase), r->code,
                   r->message ? r->message : "");
        CHECK(r->sent);
        if (getenv("LF_SHOW"))
            printf("%-22s %-10s %s%s\n", faults[i].path, lf_err_name(r->err), r->message,
                   r->retryable ? " (retryable)" : "");
        drop(&bad[i]);
    }
    for (int i = 0; i < GOOD; i++) {
        const struct lf_result *r = wait_for(&good[i]);
        CHECK(!r->err && r->body.len == 5000);
        drop(&good[i]);
    }
    kit_close();
}

static void test_refused(void)
{
    struct ask a;
    kit_open(false);
    ask("http://127.0.0.1:1/", &a);
    const struct lf_result *r = wait_for(&a);
    CHECK_INT(r->err, LF_ECONNECT);
    CHECK_STR(r->message, "cannot connect to 127.0.0.1 port 1: Connection refused");
    CHECK(r->retryable && !r->sent);
    drop(&a);
    ask("http://no-such-name.invalid/", &a);
    r = wait_for(&a);
    CHECK_INT(r->err, LF_EDNS);
    drop(&a);
    kit_close();
}

static long long count(const char *key)
{
    struct ask a;
    char path[100];
    long long n = 0, total = 0;
    snprintf(path, sizeof path, "/count?key=%s", key);
    ask(at(path), &a);
    const struct lf_result *r = wait_for(&a);
    for (const char *p = r->body.p; p && (p = strstr(p, "\": ")); p += 3)
        if (sscanf(p + 3, "%lld", &n) == 1)
            total += n;
    drop(&a);
    return total;
}

/* The kept connection dies when the second request arrives: a GET is replayed unseen, a
 * POST is not (row 10 of the score card). */
static void test_stale(void)
{
    struct ask a;
    kit_open(false);
    ask(at("/stale"), &a);
    CHECK_INT(wait_for(&a)->err, LF_OK);
    drop(&a);
    ask(at("/stale"), &a);
    CHECK_INT(wait_for(&a)->err, LF_OK);
    drop(&a);
    opts.method = "POST";
    opts.body = "x";
    opts.body_len = 1;
    ask(at("/stale?key=post"), &a);
    const struct lf_result *r = wait_for(&a);
    CHECK_INT(r->err, LF_ECLOSED);
    CHECK(r->sent && !r->retryable);
    drop(&a);
    opts.method = "GET";
    opts.body = NULL;
    opts.body_len = 0;
    CHECK(count("post") <= 1);
    kit_close();
}

static void test_post(void)
{
    static char body[300000];
    struct ask a;
    kit_open(false);
    memset(body, 'x', sizeof body);
    opts.method = "POST";
    opts.body = body;
    opts.body_len = sizeof body;
    ask(at("/upload"), &a);
    const struct lf_result *r = wait_for(&a);
    CHECK_INT(r->status, 200);
    CHECK(r->body.p && strstr(r->body.p, "300000"));
    CHECK_INT(lf_engine_stats(eng)->bytes_up, 300000);
    drop(&a);
    kit_close();
}

/* Cancelled and freed while connecting, waiting, reading; and the engine shut down. */
static void test_cancel(void)
{
    static const char *const paths[] = {"/hang",    "/hang-headers", "/hang-body",
                                        "/endless", "/drip-headers", "/delay/5000"};
    enum { N = sizeof paths / sizeof *paths };
    struct ask a[N], ok;
    for (int steps = 0; steps < 12; steps++) {
        kit_open(false);
        for (int i = 0; i < N; i++)
            ask(at(paths[i]), &a[i]);
        for (int i = 0; i < steps; i++)
            lf_engine_step(eng, i % 2);
        for (int i = 0; i < N; i++) {
            if (i % 2)
                lf_req_cancel(a[i].req);
            drop(&a[i]);
        }
        ask(at("/ok"), &ok);
        CHECK_INT(wait_for(&ok)->err, LF_OK);
        drop(&ok);
        kit_close();
    }
}

int main(void)
{
    server_start();
    test_sound();
    test_faults();
    test_refused();
    test_stale();
    test_post();
    test_cancel();
    server_stop();
    return check_done();
}
