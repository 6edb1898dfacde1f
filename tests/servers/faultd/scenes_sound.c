/* Answers that are correct HTTP, some of them slow or unusual: what a client must simply
 * get right. */
#include "scene.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "conn.h"
#include "tally.h"

static uint64_t arg_number(const struct reply *r, uint64_t fallback)
{
    return slice_number(r->arg, fallback);
}

void play_ok(struct reply *r)
{
    answer_text(r, 200, "ok\n");
}

void play_bytes(struct reply *r)
{
    uint64_t n = arg_number(r, 0);
    answer_head(r, 200, "Content-Type: text/plain\r\n", n);
    if (wants_body(r))
        say_pattern(r, n);
    finish(r);
}

void play_delay(struct reply *r)
{
    wait_ms(r, arg_number(r, 100));
    play_ok(r);
}

void play_delay_headers(struct reply *r)
{
    say(r, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n");
    wait_ms(r, arg_number(r, 100));
    say(r, "Content-Length: 3\r\n\r\nok\n");
}

void play_delay_body(struct reply *r)
{
    say(r, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\n");
    wait_ms(r, arg_number(r, 100));
    say(r, "ok\n");
}

void play_status(struct reply *r)
{
    char text[32];
    unsigned status = (unsigned)arg_number(r, 200) % 1000;
    snprintf(text, sizeof text, "status %u\n", status);
    answer_text(r, status, text);
}

/* Line breaks must not get into a header through the query. */
static void say_header(struct reply *r, const char *prefix, struct bytes *value)
{
    for (size_t i = 0; i < value->len; i++)
        if (value->p[i] == '\r' || value->p[i] == '\n')
            value->p[i] = ' ';
    say(r, prefix);
    say_bytes(r, value->p, value->len);
    say(r, "\r\n");
}

void play_respond(struct reply *r)
{
    struct bytes value = {0}, body = {0};
    say_status(r, (unsigned)query_number(r->req->query, "status", 200) % 1000);
    for (size_t i = 0; query_value(r->req->query, "h", i, &value); i++, value.len = 0)
        say_header(r, "", &value);
    query_value(r->req->query, "body", 0, &body);
    sayf(r, "Content-Length: %zu\r\n\r\n", body.len);
    if (wants_body(r))
        say_bytes(r, body.p, body.len);
    bytes_free(&value);
    bytes_free(&body);
}

static enum ending ending_named(struct slice query)
{
    static const struct {
        const char *name;
        enum ending ending;
    } names[] = {{"keep", KEEP}, {"close", CLOSE}, {"reset", RESET}, {"hang", HANG}};
    struct bytes how = {0};
    enum ending ending = CLOSE;
    query_value(query, "end", 0, &how);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (slice_is((struct slice){how.p ? how.p : "", how.len}, names[i].name))
            ending = names[i].ending;
    bytes_free(&how);
    return ending;
}

void play_raw_query(struct reply *r)
{
    struct bytes raw = {0};
    query_value(r->req->query, "data", 0, &raw);
    say_bytes(r, raw.p, raw.len);
    bytes_free(&raw);
    end(r, ending_named(r->req->query));
}

void play_echo(struct reply *r)
{
    uint64_t n = r->req->head.len + r->body->len;
    answer_head(r, 200, "Content-Type: text/plain\r\n", n);
    if (wants_body(r)) {
        say_bytes(r, r->req->head.p, r->req->head.len);
        say_bytes(r, r->body->p, r->body->len);
    }
    finish(r);
}

void play_upload(struct reply *r)
{
    char text[64];
    uint64_t n = r->req->framing == NO_BODY ? 0 : r->req->length;
    snprintf(text, sizeof text, "{\"bytes\":%llu,\"chunked\":%s}\n",
             (unsigned long long)n, r->req->framing == BY_CHUNKS ? "true" : "false");
    answer(r, 200, "application/json", text, strlen(text));
}

void play_early(struct reply *r)
{
    say_status(r, (unsigned)arg_number(r, 413) % 1000);
    say(r, "Content-Length: 6\r\nConnection: close\r\n\r\nearly\n");
    end(r, CLOSE);
}

void play_chunked(struct reply *r)
{
    uint64_t n = arg_number(r, 3);
    say(r, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
           "Transfer-Encoding: chunked\r\n\r\n");
    if (n)
        say_again(r, "25\r\n" PATTERN "\r\n", 4 + PATTERN_LEN + 2, n);
    say(r, "0\r\n\r\n");
    finish(r);
}

void play_headers(struct reply *r)
{
    uint64_t n = arg_number(r, 100);
    say_status(r, 200);
    for (uint64_t i = 0; i < n && i < 100000; i++)
        sayf(r, "X-Header-%llu: %llu\r\n", (unsigned long long)i, (unsigned long long)i);
    say(r, "Content-Length: 3\r\n\r\nok\n");
}

void play_trailers(struct reply *r)
{
    say(r,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, X-Late\r\n\r\n"
        "3\r\nok\n\r\n0\r\nX-Sum: 42\r\nX-Late: yes\r\n\r\n");
}

void play_interim(struct reply *r)
{
    char block[128];
    uint64_t n = arg_number(r, 1);
    int len = snprintf(block, sizeof block,
                       "HTTP/1.1 %03u Early Hints\r\nLink: </style.css>\r\n\r\n",
                       (unsigned)query_number(r->req->query, "status", 103) % 1000);
    if (n)
        say_again(r, block, (size_t)len, n);
    play_ok(r);
}

void play_set_cookies(struct reply *r)
{
    struct bytes value = {0};
    say_status(r, 200);
    for (size_t i = 0; query_value(r->req->query, NULL, i, &value); i++, value.len = 0)
        say_header(r, "Set-Cookie: ", &value);
    say(r, "Content-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n");
    bytes_free(&value);
}

void play_cookies(struct reply *r)
{
    struct slice cookie = {"", 0};
    if (!request_header(r->req, "cookie", &cookie))
        cookie.len = 0;
    answer(r, 200, "text/plain", cookie.p, cookie.len);
}

void play_close_after(struct reply *r)
{
    say(r, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n");
    end(r, CLOSE);
}

void play_stale(struct reply *r)
{
    r->stale = true;
    play_ok(r);
}

/* Fails the first N requests with this ?key=, then works. */
void play_fail(struct reply *r)
{
    if (r->seen > arg_number(r, 1)) {
        play_ok(r);
        return;
    }
    uint64_t status = query_number(r->req->query, "status", 503);
    if (!status) {
        end(r, CLOSE);
        return;
    }
    uint64_t after = query_number(r->req->query, "after", FOR_EVER);
    say_status(r, (unsigned)status % 1000);
    if (after != FOR_EVER)
        sayf(r, "Retry-After: %llu\r\n", (unsigned long long)after);
    say(r, "Content-Length: 7\r\n\r\nfailed\n");
}

enum { MOST_SERVED = 4096 };

/* All paths share the second: N may be another one in the next request. */
void play_quota(struct reply *r)
{
    static double served[MOST_SERVED];
    static unsigned long n;
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    double now = (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
    uint64_t recent = 0;
    for (unsigned long i = 1; i <= n && i <= MOST_SERVED; i++, recent++)
        if (served[(n - i) % MOST_SERVED] <= now - 1)
            break;
    if (recent < arg_number(r, 50)) {
        served[n++ % MOST_SERVED] = now;
        play_ok(r);
        return;
    }
    uint64_t after = query_number(r->req->query, "after", FOR_EVER);
    say_status(r, 429);
    if (after != FOR_EVER)
        sayf(r, "Retry-After: %llu\r\n", (unsigned long long)after);
    say(r, "Content-Length: 9\r\n\r\ntoo fast\n");
}

struct count_list {
    struct bytes text;
    uint64_t total;
};

static void count_path(void *arg, const char *path, uint64_t n)
{
    struct count_list *list = arg;
    list->total += n;
    bytes_addf(&list->text, "%s\"", list->text.len ? "," : "");
    for (; *path; path++)
        bytes_addf(&list->text, strchr("\"\\", *path) ? "\\%c" : "%c", *path);
    bytes_addf(&list->text, "\":%llu", (unsigned long long)n);
}

void play_count(struct reply *r)
{
    struct bytes key = {0};
    struct count_list list = {0};
    query_value(r->req->query, "key", 0, &key);
    bytes_add(&key, "", 1);
    tally_each(key.p, count_path, &list);
    struct bytes text = {0};
    bytes_addf(&text, "{\"count\":%llu,\"paths\":{", (unsigned long long)list.total);
    bytes_add(&text, list.text.p, list.text.len);
    bytes_add(&text, "}}\n", 3);
    answer(r, 200, "application/json", text.p, text.len);
    bytes_free(&key);
    bytes_free(&list.text);
    bytes_free(&text);
}

void play_stats(struct reply *r)
{
    char text[256];
    snprintf(text, sizeof text,
             "{\"accepted\":%llu,\"open\":%llu,\"peak_open\":%llu,\"requests\":%llu,"
             "\"bytes_in\":%llu,\"bytes_out\":%llu}\n",
             (unsigned long long)totals.accepted, (unsigned long long)totals.open,
             (unsigned long long)totals.peak_open, (unsigned long long)totals.requests,
             (unsigned long long)totals.bytes_in, (unsigned long long)totals.bytes_out);
    answer(r, 200, "application/json", text, strlen(text));
}

static void redirect(struct reply *r, unsigned status, const char *to)
{
    say_status(r, status);
    say(r, "Location: ");
    say(r, to);
    say(r, "\r\n");
    say(r, "Content-Length: 12\r\n\r\n");
    if (wants_body(r))
        say(r, "redirecting\n");
    finish(r);
}

static unsigned redirect_status(const struct reply *r)
{
    return (unsigned)query_number(r->req->query, "status", 302) % 1000;
}

void play_redirect(struct reply *r)
{
    char to[64] = "/ok";
    uint64_t n = arg_number(r, 1);
    unsigned status = redirect_status(r);
    if (n > 1)
        snprintf(to, sizeof to, "/redirect/%llu?status=%u", (unsigned long long)n - 1,
                 status);
    redirect(r, status, to);
}

void play_redirect_to(struct reply *r)
{
    struct bytes to = {0};
    query_value(r->req->query, "url", 0, &to);
    bytes_add(&to, "", 1);
    redirect(r, redirect_status(r), to.p);
    bytes_free(&to);
}

void play_redirect_loop(struct reply *r)
{
    redirect(r, redirect_status(r), "/redirect-loop");
}
