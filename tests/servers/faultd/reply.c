/* reply.h: text is gathered in one buffer, so that a plain answer is one send. */
#include "reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNIT_ROOM 16384 /* short units are repeated up to here: fewer sends */

static struct step *add_step(struct reply *r, enum step_kind kind)
{
    if (r->nsteps == MAX_STEPS) {
        fputs("faultd: a scene has too many steps\n", stderr);
        abort();
    }
    struct step *s = &r->steps[r->nsteps++];
    *s = (struct step){.kind = kind, .piece = SIZE_MAX};
    return s;
}

void reply_begin(struct reply *r)
{
    struct bytes text = r->text;
    if (text.cap > UNIT_ROOM)
        bytes_free(&text);
    text.len = 0;
    *r = (struct reply){.text = text};
}

/* The SEND step at the end that plain text can go on in. */
static struct step *open_text(struct reply *r)
{
    struct step *s = r->nsteps ? &r->steps[r->nsteps - 1] : NULL;
    bool open = s && s->kind == SEND && !s->fixed && s->left == s->len &&
                s->piece == SIZE_MAX && s->off + s->len == r->text.len;
    if (open)
        return s;
    s = add_step(r, SEND);
    s->off = r->text.len;
    return s;
}

void say_bytes(struct reply *r, const void *p, size_t n)
{
    struct step *s = open_text(r);
    bytes_add(&r->text, p, n);
    s->len += n;
    s->left += n;
}

void say(struct reply *r, const char *text)
{
    say_bytes(r, text, strlen(text));
}

void sayf(struct reply *r, const char *fmt, ...)
{
    char line[512];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    if (n > 0)
        say_bytes(r, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}

void say_again(struct reply *r, const void *unit, size_t n, uint64_t times)
{
    struct step *s = add_step(r, SEND);
    s->off = r->text.len;
    s->left = times > FOR_EVER / n ? FOR_EVER : times * n;
    do
        bytes_add(&r->text, unit, n);
    while ((s->len += n) + n <= UNIT_ROOM && s->len < s->left);
}

void say_pattern(struct reply *r, uint64_t n)
{
    enum { COPIES = 1771 };
    static char pattern[COPIES * PATTERN_LEN];
    if (!*pattern)
        for (int i = 0; i < COPIES; i++)
            memcpy(pattern + i * PATTERN_LEN, PATTERN, PATTERN_LEN);
    if (n <= 4096) {
        say_bytes(r, pattern, (size_t)n);
        return;
    }
    struct step *s = add_step(r, SEND);
    s->fixed = pattern;
    s->len = sizeof pattern;
    s->left = n;
}

void drip(struct reply *r, const void *p, size_t n, size_t piece, uint64_t ms,
          uint64_t times)
{
    struct step *s = add_step(r, SEND);
    s->off = r->text.len;
    s->len = n;
    s->left = times > FOR_EVER / n ? FOR_EVER : times * n;
    s->piece = piece ? piece : 1;
    s->ms = ms;
    bytes_add(&r->text, p, n);
}

void wait_ms(struct reply *r, uint64_t ms)
{
    add_step(r, WAIT)->ms = ms;
}

void end(struct reply *r, enum ending how)
{
    add_step(r, END)->ending = how;
}

static const struct {
    unsigned status;
    const char *reason;
} reasons[] = {
    {200, "OK"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {407, "Proxy Authentication Required"},
    {413, "Content Too Large"},
    {417, "Expectation Failed"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
};

static const char *reason_of(unsigned status)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Something";
}

void say_status(struct reply *r, unsigned status)
{
    sayf(r, "HTTP/1.1 %03u %s\r\n", status, reason_of(status));
}

bool wants_body(const struct reply *r)
{
    return !slice_is(r->req->method, "HEAD");
}

void finish(struct reply *r)
{
    end(r, r->req->closes ? CLOSE : KEEP);
}

void answer_head(struct reply *r, unsigned status, const char *headers, uint64_t n)
{
    say_status(r, status);
    say(r, headers);
    if (r->req->closes)
        say(r, "Connection: close\r\n");
    if (status == 204 || status == 304)
        say(r, "\r\n");
    else
        sayf(r, "Content-Length: %llu\r\n\r\n", (unsigned long long)n);
}

void answer(struct reply *r, unsigned status, const char *type, const void *p, size_t n)
{
    char header[128];
    snprintf(header, sizeof header, "Content-Type: %s\r\n", type);
    answer_head(r, status, header, n);
    if (wants_body(r) && status != 204 && status != 304)
        say_bytes(r, p, n);
    finish(r);
}

void answer_text(struct reply *r, unsigned status, const char *text)
{
    answer(r, status, "text/plain", text, strlen(text));
}
