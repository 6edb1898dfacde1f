/* Faults that need time, a reset or no end. Those that are fixed bytes stand in the table
 * of scenes.c and come through play_raw. */
#include "scene.h"

#include <string.h>

void play_raw(struct reply *r)
{
    say_bytes(r, r->raw, r->raw_len);
}

void play_drip(struct reply *r)
{
    uint64_t ms = query_number(r->req->query, "ms", 1000);
    uint64_t n = query_number(r->req->query, "n", 10);
    answer_head(r, 200, "Content-Type: text/plain\r\n", n);
    if (n)
        drip(r, "*", 1, 1, ms, n);
    finish(r);
}

void play_drip_headers(struct reply *r)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                               "X-Patience: a virtue\r\nContent-Length: 3\r\n\r\nok\n";
    drip(r, head, sizeof head - 1, 1, query_number(r->req->query, "ms", 1000), 1);
}

/* A reset can overtake the bytes before it: they get a moment to arrive. */
static void reset_soon(struct reply *r)
{
    wait_ms(r, 20);
    end(r, RESET);
}

void play_reset_headers(struct reply *r)
{
    say(r, "HTTP/1.1 200 OK\r\nContent-Type: text/pl");
    reset_soon(r);
}

void play_reset_body(struct reply *r)
{
    say(r, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly part of it\n");
    reset_soon(r);
}

void play_endless(struct reply *r)
{
    say(r, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n");
    say_pattern(r, FOR_EVER);
}

void play_endless_chunks(struct reply *r)
{
    say(r, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    say_again(r, "25\r\n" PATTERN "\r\n", 4 + PATTERN_LEN + 2, FOR_EVER);
}

void play_endless_headers(struct reply *r)
{
    static const char line[] = "X-Again: and again\r\n";
    say(r, "HTTP/1.1 200 OK\r\n");
    say_again(r, line, sizeof line - 1, FOR_EVER);
}

void play_endless_header_line(struct reply *r)
{
    say(r, "HTTP/1.1 200 OK\r\nX-Long: ");
    say_again(r, "long", 4, FOR_EVER);
}

void play_endless_interim(struct reply *r)
{
    static const char block[] = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n";
    say_again(r, block, sizeof block - 1, FOR_EVER);
}

void play_endless_trailers(struct reply *r)
{
    static const char line[] = "X-Again: and again\r\n";
    say(r, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nok\n\r\n0\r\n");
    say_again(r, line, sizeof line - 1, FOR_EVER);
}

void play_endless_extension(struct reply *r)
{
    say(r, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=");
    say_again(r, "long", 4, FOR_EVER);
}
