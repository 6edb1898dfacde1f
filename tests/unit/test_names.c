/* Names: one lookup however many wait, caching by TTL, silence, families. The name server
 * runs on the engine's own loop. */
#include "clock_kit.h"
#include "engine_kit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MANY = 200, TTL = 30, NEGATIVE = 10 }; /* seconds */

static struct lf_watch *watch;
static int dns, web; /* sockets: the name server, a web server that nobody serves */
static unsigned queries, web_port;

static int bound(int type, unsigned *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) ||
        getsockname(fd, (struct sockaddr *)&a, &len))
        exit(1);
    *port = ntohs(a.sin_port);
    return fd;
}

/* "\4good\4test\0" holds the name; the first letter tells what to answer. */
static void answer(void *arg, int events)
{
    unsigned char q[512];
    struct sockaddr_in from;
    socklen_t flen = sizeof from;
    (void)arg, (void)events;
    ssize_t n = recvfrom(dns, q, sizeof q - 64, 0, (struct sockaddr *)&from, &flen);
    if (n < 17)
        return;
    queries++;
    char kind = (char)q[13];
    size_t end = 12 + strlen((char *)q + 12) + 5;
    int type = q[end - 3];
    if (kind == 's')
        return; /* silent */
    q[2] = 0x81;
    q[3] = kind == 'n' ? 0x83 : 0x80; /* NXDOMAIN */
    q[11] = 0;                        /* no OPT record back */
    n = (ssize_t)end;
    if (type == 1 && kind == 'g') {
        static const unsigned char rr[] = {0xc0, 12,  0, 1, 0,   1, 0, 0,
                                           0,    TTL, 0, 4, 127, 0, 0, 1};
        memcpy(q + end, rr, sizeof rr);
        q[7] = 1;
        n += sizeof rr;
    }
    sendto(dns, q, (size_t)n, 0, (struct sockaddr *)&from, flen);
}

static void begin(void)
{
    unsigned port;
    char servers[40];
    dns = bound(SOCK_DGRAM, &port);
    web = bound(SOCK_STREAM, &web_port);
    snprintf(servers, sizeof servers, "127.0.0.1:%u", port);
    struct lf_engine_conf conf = {.dns_servers = servers};
    if (lf_engine_new(&conf, &eng))
        exit(1);
    lf_opts_init(&opts);
    queries = 0;
    watch = lf_watch_new(eng, dns, LF_READ, answer, NULL);
}

static void end(void)
{
    lf_watch_free(watch);
    kit_close();
    close(dns);
    close(web);
}

static const char *url(const char *host)
{
    static char s[200];
    snprintf(s, sizeof s, "http://%s:%u/", host, web_port);
    return s;
}

/* The web socket does not listen: what resolves is refused. */
static enum lf_err outcome(const char *host, const char **message)
{
    static char text[300];
    struct ask a;
    ask(url(host), &a);
    const struct lf_result *r = wait_for(&a);
    enum lf_err err = r->err;
    snprintf(text, sizeof text, "%s", r->message ? r->message : "");
    if (message)
        *message = text;
    drop(&a);
    return err;
}

static void test_outcomes(void)
{
    const char *m;
    begin();
    CHECK_INT(outcome("good.test", NULL), LF_ECONNECT);
    CHECK_INT(outcome("none.test", &m), LF_EDNS);
    CHECK_STR(m, "cannot resolve none.test: the name does not exist");
    CHECK_INT(outcome("localhost", NULL), LF_ECONNECT);
    CHECK_INT(outcome("[::1]", NULL), LF_ECONNECT);
    unsigned before = queries;
    CHECK_INT(outcome("good.test", NULL), LF_ECONNECT); /* both kept */
    CHECK_INT(outcome("none.test", NULL), LF_EDNS);
    CHECK_INT(queries, before);
    end();
}

/* An answer is kept as long as its TTL says, a missing name for ten seconds. */
static void test_ages(void)
{
    begin();
    outcome("good.test", NULL);
    outcome("none.test", NULL);
    unsigned before = queries;
    ahead += NEGATIVE - 1;
    outcome("good.test", NULL);
    outcome("none.test", NULL);
    CHECK_INT(queries, before);
    ahead += 2;
    CHECK_INT(outcome("none.test", NULL), LF_EDNS);
    CHECK(queries > before);
    before = queries;
    ahead += TTL;
    CHECK_INT(outcome("good.test", NULL), LF_ECONNECT);
    CHECK_INT(queries, before + 2); /* A and AAAA */
    end();
}

static void test_one_lookup(void)
{
    struct ask a[MANY];
    begin();
    for (int i = 0; i < MANY; i++)
        ask(url("good.test"), &a[i]);
    CHECK_INT(lf_engine_stats(eng)->active, 0);
    for (int i = 0; i < MANY; i++)
        CHECK_INT(wait_for(&a[i])->err, LF_ECONNECT);
    CHECK_INT(queries, 2); /* A and AAAA */
    for (int i = 0; i < MANY; i++)
        drop(&a[i]);
    end();
}

/* Silence delays its own name only, ends with the connect limit, and cancelling it never
 * blocks. */
static void test_silence(void)
{
    struct ask silent, cancelled, good;
    begin();
    opts.timeout.connect = 0.3;
    double start = lf_engine_now(eng);
    ask(url("silent.test"), &silent);
    ask(url("silent.other.test"), &cancelled);
    ask(url("good.test"), &good);
    CHECK_INT(wait_for(&good)->err, LF_ECONNECT);
    double before = lf_engine_now(eng);
    CHECK(before - start < 0.2);
    drop(&cancelled);
    CHECK(lf_engine_now(eng) - before < 0.02);
    const struct lf_result *r = wait_for(&silent);
    CHECK_INT(r->err, LF_ETIMEOUT);
    CHECK_STR(r->message, "timeout after 0.3 s resolving the name");
    CHECK_INT(r->phase, LF_PHASE_DNS);
    CHECK(r->retryable && !r->sent);
    drop(&silent);
    drop(&good);
    end();
}

static void test_choices(void)
{
    struct lf_headers chosen;
    const char *m;
    begin();
    opts.ip = 6;
    CHECK_INT(outcome("good.test", &m), LF_EDNS);
    CHECK_STR(m, "cannot resolve good.test: it has no IPv6 address");
    opts.ip = 4;
    CHECK_INT(outcome("good.test", NULL), LF_ECONNECT);
    opts.ip = 0;
    lf_headers_init(&chosen);
    lf_headers_add(&chosen, "none.test", 9, "127.0.0.1", 9);
    opts.resolve = &chosen;
    unsigned before = queries;
    CHECK_INT(outcome("none.test", NULL), LF_ECONNECT);
    CHECK_INT(queries, before);
    lf_headers_free(&chosen);
    end();
}

static void test_shut_down(void)
{
    struct ask a;
    begin();
    ask(url("silent.test"), &a);
    lf_engine_step(eng, false);
    drop(&a);
    end();
}

/* The system's resolver, in a thread. */
static void test_system(void)
{
    struct lf_engine_conf conf = {.system_resolver = true};
    struct ask a, b;
    web = bound(SOCK_STREAM, &web_port);
    if (lf_engine_new(&conf, &eng))
        exit(1);
    lf_opts_init(&opts);
    ask(url("no-such-name.invalid"), &a);
    ask(url("ip6-localhost.invalid"), &b);
    CHECK_INT(wait_for(&a)->err, LF_EDNS);
    drop(&a);
    drop(&b);
    while (lf_engine_step(eng, true))
        ;
    kit_close();
    close(web);
}

int main(void)
{
    test_outcomes();
    test_ages();
    test_one_lookup();
    test_silence();
    test_choices();
    test_shut_down();
    test_system();
    return check_done();
}
