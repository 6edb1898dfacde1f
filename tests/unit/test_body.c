/* Request bodies on the wire, byte by byte: this program is the server too, so that it
 * can stop reading, answer early or change a file in the middle. */
#include "engine_kit.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include "engine/req.h"

static struct {
    int listener, peer, port;
    char seen[1 << 20];
    size_t len;
} srv;

static void serve(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    srv.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    srv.peer = -1;
    if (bind(srv.listener, (void *)&a, n) || listen(srv.listener, 8) ||
        getsockname(srv.listener, (void *)&a, &n))
        exit(1);
    srv.port = ntohs(a.sin_port);
}

static const char *url(void)
{
    static char text[64];
    snprintf(text, sizeof text, "http://127.0.0.1:%d/x", srv.port);
    return text;
}

static void look(void)
{
    if (srv.peer < 0)
        srv.peer = accept4(srv.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    ssize_t n = srv.peer < 0
                    ? 0
                    : read(srv.peer, srv.seen + srv.len, sizeof srv.seen - 1 - srv.len);
    if (n > 0)
        srv.len += (size_t)n;
    srv.seen[srv.len] = '\0';
}

static void answer(const char *text)
{
    CHECK(write(srv.peer, text, strlen(text)) == (ssize_t)strlen(text));
    srv.len = 0;
}

/* Also on whoever was not even noticed. */
static void hang_up(void)
{
    look();
    while (srv.peer >= 0) {
        close(srv.peer);
        srv.peer = accept4(srv.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    }
    srv.len = 0;
}

static bool ends_with(const char *end)
{
    size_t n = strlen(end);
    return srv.len >= n && memcmp(srv.seen + srv.len - n, end, n) == 0;
}

/* Run until the server has seen that end, or the request is over. */
static bool run_until(const struct ask *a, const char *end)
{
    for (int i = 0; i < 20000 && !a->done && !ends_with(end); i++) {
        if (!lf_engine_step(eng, false))
            break;
        look();
        usleep(i > 100 ? 200 : 0);
    }
    return ends_with(end);
}

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static void setup(void)
{
    kit_open(false);
    opts.method = "POST";
    opts.timeout.total = 10;
}

/* ---- pieces ---- */

static char file[] = "/tmp/test_body.XXXXXX";

static void make_file(off_t size)
{
    int fd = open(file, O_WRONLY | O_TRUNC);
    if (fd < 0 || (size == 5 && write(fd, "12345", 5) != 5) || ftruncate(fd, size))
        exit(1);
    close(fd);
}

static void append(void)
{
    int fd = open(file, O_WRONLY | O_APPEND);
    CHECK(fd >= 0 && write(fd, "6", 1) == 1);
    close(fd);
}

static void test_parts(void)
{
    struct lf_part parts[] = {{"ab", 2, NULL},
                              {NULL, 0, file},
                              {"", 0, NULL},
                              {"cd", 2, NULL},
                              {NULL, 0, file}};
    struct ask a;
    setup();
    make_file(5);
    opts.parts = parts;
    opts.nparts = 5;
    ask(url(), &a);
    CHECK(run_until(&a, "\r\n\r\nab12345cd12345"));
    CHECK(strstr(srv.seen, "Content-Length: 14\r\n"));
    /* again, and the file has grown meanwhile: what was promised is sent */
    append();
    answer("HTTP/1.1 307 x\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n");
    CHECK(run_until(&a, "\r\n\r\nab12345cd12345"));
    CHECK(strstr(srv.seen, "POST /y "));
    answer(OK);
    CHECK_INT(wait_for(&a)->status, 200);
    CHECK_INT(lf_engine_stats(eng)->bytes_up, 28);
    drop(&a);
    hang_up();
    kit_close();
}

static void test_shrunk(void)
{
    struct lf_part part = {NULL, 0, file};
    struct ask a;
    setup();
    make_file(300000);
    opts.parts = &part;
    opts.nparts = 1;
    ask(url(), &a);
    make_file(100000);
    run_until(&a, "never");
    const struct lf_result *r = wait_for(&a);
    CHECK_INT(r->err, LF_EIO);
    CHECK(r->message && strstr(r->message, file) && strstr(r->message, "shorter"));
    drop(&a);
    hang_up();
    kit_close();
}

static void test_no_file(void)
{
    static const struct {
        const char *path, *why;
    } rows[] = {{"/nonexistent/file", "No such file"},
                {"/tmp", "directory"},
                {"/dev/null", "regular"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct lf_part part = {NULL, 0, rows[i].path};
        struct ask a;
        setup();
        opts.parts = &part;
        opts.nparts = 1;
        ask(url(), &a);
        const struct lf_result *r = wait_for(&a);
        CHECK_INT(r->err, LF_EIO);
        CHECK(strstr(r->message, rows[i].path) && strstr(r->message, rows[i].why));
        CHECK(!r->sent);
        drop(&a);
        kit_close();
    }
}

/* ---- fed ---- */

static unsigned wanted_calls;

static void on_wanted(struct lf_req *req, void *arg)
{
    (void)req, (void)arg;
    wanted_calls++;
}

static void run_until_wanted(struct ask *a)
{
    lf_req_on_wanted(a->req, on_wanted, NULL);
    for (int i = 0; i < 20000 && !a->done && !lf_req_wants(a->req); i++) {
        lf_engine_step(eng, false);
        look();
    }
}

static void test_chunks(void)
{
    struct ask a;
    setup();
    opts.fed = true;
    ask(url(), &a);
    CHECK(lf_req_fed(a.req) && !lf_req_wants(a.req));
    wanted_calls = 0;
    run_until_wanted(&a);
    CHECK_INT(wanted_calls, 1);
    lf_req_feed(a.req, "abc", 3);
    CHECK(run_until(&a, "\r\n\r\n3\r\nabc\r\n"));
    CHECK(strstr(srv.seen, "Transfer-Encoding: chunked\r\n"));
    lf_req_feed(a.req, "", 0);
    lf_req_feed(a.req, "de", 2);
    CHECK(run_until(&a, "2\r\nde\r\n"));
    lf_req_feed_end(a.req);
    CHECK(run_until(&a, "0\r\n\r\n"));
    CHECK(!lf_req_wants(a.req));
    lf_req_feed(a.req, "late", 4);
    answer(OK);
    CHECK_INT(wait_for(&a)->status, 200);
    CHECK_INT(lf_engine_stats(eng)->bytes_up, 5);
    drop(&a);
    hang_up();
    kit_close();
}

static void fed_of(uint64_t len, const char *bytes, bool end, struct ask *a)
{
    setup();
    opts.fed = true;
    opts.fed_len = len;
    ask(url(), a);
    run_until_wanted(a);
    lf_req_feed(a->req, bytes, strlen(bytes));
    if (end)
        lf_req_feed_end(a->req);
}

static void test_length(void)
{
    struct ask a;
    fed_of(5, "abcde", true, &a);
    CHECK(run_until(&a, "\r\n\r\nabcde"));
    CHECK(strstr(srv.seen, "Content-Length: 5\r\n"));
    answer(OK);
    CHECK_INT(wait_for(&a)->status, 200);
    drop(&a);
    hang_up();
    kit_close();

    fed_of(5, "abc", true, &a);
    run_until(&a, "never");
    const struct lf_result *r = wait_for(&a);
    CHECK_INT(r->err, LF_EREQUEST);
    CHECK(r->message && strstr(r->message, "after 3 of 5 bytes"));
    drop(&a);
    hang_up();
    kit_close();

    fed_of(5, "abcdefg", false, &a);
    run_until(&a, "never");
    CHECK_INT(wait_for(&a)->err, LF_EREQUEST);
    drop(&a);
    hang_up();
    kit_close();
}

/* A server that does not read: no more is asked for than sockets and we hold. */
static void test_pressure(void)
{
    static char chunk[16 << 10];
    struct ask a;
    size_t given = 0;
    setup();
    opts.fed = true;
    opts.timeout.stall = 0.3;
    memset(chunk, 'x', sizeof chunk);
    ask(url(), &a);
    while (!a.done && given < (64 << 20)) {
        lf_engine_step(eng, !lf_req_wants(a.req));
        if (!lf_req_wants(a.req))
            continue;
        lf_req_feed(a.req, chunk, sizeof chunk);
        given += sizeof chunk;
    }
    CHECK(given > 0 && given < (32 << 20));
    CHECK_INT(wait_for(&a)->err, LF_ETIMEOUT);
    drop(&a);
    look();
    hang_up();
    kit_close();
}

/* While nothing is fed, no stall is counted: it is not the server's fault. */
static void test_starved(void)
{
    struct ask a;
    setup();
    opts.fed = true;
    opts.timeout.stall = 0.1;
    ask(url(), &a);
    run_until_wanted(&a);
    for (int i = 0; i < 30; i++) {
        lf_engine_step(eng, false);
        usleep(10000);
    }
    CHECK(!a.done);
    lf_req_feed(a.req, "abc", 3);
    lf_req_feed_end(a.req);
    CHECK(run_until(&a, "0\r\n\r\n"));
    answer(OK);
    CHECK_INT(wait_for(&a)->status, 200);
    drop(&a);
    hang_up();
    kit_close();
}

/* Freed at every point of its life. */
static void test_freed(void)
{
    for (int steps = 0; steps < 12; steps++) {
        struct ask a;
        setup();
        opts.fed = true;
        ask(url(), &a);
        for (int i = 0; i < steps; i++) {
            lf_engine_step(eng, false);
            look();
            if (i == 6)
                lf_req_feed(a.req, "abc", 3);
        }
        drop(&a);
        hang_up();
        kit_close();
    }
}

static void test_head(void)
{
    const char *why;
    struct ask a;
    setup();
    opts.method = "HEAD";
    opts.body = "x";
    opts.body_len = 1;
    CHECK_INT(kit_new(url(), &a, &why), LF_EREQUEST);
    kit_close();
}

/* An answer that is not the last one comes before the first bytes are there: they are
 * kept for the next attempt, whatever comes of the answer's body. */
static void test_kept_for_the_next(void)
{
    struct ask a;
    char bytes[8];
    fed_of(5, "", false, &a);
    drop(&a);
    hang_up();
    opts.fed_len = 5;
    opts.method = "PUT";
    opts.retry.times = 1;
    opts.retry.backoff = 0;
    ask(url(), &a);
    run_until_wanted(&a);
    answer("HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\npart");
    for (int i = 0; i < 100; i++)
        lf_engine_step(eng, false);
    lf_req_feed(a.req, "abc", 3);
    for (int i = 0; i < 100; i++)
        lf_engine_step(eng, false);
    /* over HTTP/2 libcurl goes on asking */
    CHECK_INT(lf_req_on_read(&a.req->x, bytes, sizeof bytes), LF_SEND_ABORT);
    hang_up();
    lf_req_feed(a.req, "de", 2);
    lf_req_feed_end(a.req);
    CHECK(run_until(&a, "\r\n\r\nabcde"));
    answer(OK);
    CHECK_INT(wait_for(&a)->status, 200);
    CHECK_INT(lf_req_result(a.req)->attempts, 2);
    drop(&a);
    hang_up();
    kit_close();
}

int main(void)
{
    close(mkstemp(file));
    serve();
    test_parts();
    test_shrunk();
    test_no_file();
    test_chunks();
    test_length();
    test_pressure();
    test_starved();
    test_freed();
    test_head();
    test_kept_for_the_next();
    close(srv.listener);
    unlink(file);
    return check_done();
}
