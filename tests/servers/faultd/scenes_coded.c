/* Content-Encoding: sound bodies in every coding, and the ways they break. The sound ones
 * all decode to what /bytes/24000 sends. ?cut=N drops the last N bytes of the body while
 * Content-Length stays true to what is sent. */
#include "scene.h"

#include <string.h>

#include "coding.h"

#define MAX_BOMB_MB 256

static void answer_coded(struct reply *r, const char *coding, struct bytes *body)
{
    uint64_t cut = query_number(r->req->query, "cut", 0);
    size_t n = cut < body->len ? body->len - (size_t)cut : 0;
    say_status(r, 200);
    say(r, "Content-Type: text/plain\r\nContent-Encoding: ");
    sayf(r, "%s\r\nContent-Length: %zu\r\n\r\n", coding, n);
    if (wants_body(r))
        say_bytes(r, body->p, n);
    finish(r);
    bytes_free(body);
}

void play_gzip(struct reply *r)
{
    struct bytes body = {0};
    gzip_pattern(&body);
    answer_coded(r, "gzip", &body);
}

void play_deflate(struct reply *r)
{
    struct bytes body = {0};
    zlib_pattern(&body);
    answer_coded(r, "deflate", &body);
}

static void answer_array(struct reply *r, const char *coding, struct coded coded)
{
    struct bytes body = {0};
    bytes_add(&body, coded.p, coded.len);
    answer_coded(r, coding, &body);
}

void play_deflate_raw(struct reply *r)
{
    answer_array(r, "deflate", pattern_deflated);
}

void play_br(struct reply *r)
{
    answer_array(r, "br", pattern_br);
}

void play_zstd(struct reply *r)
{
    answer_array(r, "zstd", pattern_zstd);
}

void play_br_bomb(struct reply *r)
{
    answer_array(r, "br", zeros_br);
}

/* Half of it, with a Content-Length that fits: only the decoder can tell. */
void play_gzip_truncated(struct reply *r)
{
    struct bytes body = {0};
    gzip_pattern(&body);
    body.len /= 2;
    answer_coded(r, "gzip", &body);
}

void play_gzip_crc(struct reply *r)
{
    struct bytes body = {0};
    gzip_pattern(&body);
    body.p[body.len - 8] ^= 0x55;
    answer_coded(r, "gzip", &body);
}

void play_gzip_size(struct reply *r)
{
    struct bytes body = {0};
    gzip_pattern(&body);
    body.p[body.len - 4] ^= 0x55;
    answer_coded(r, "gzip", &body);
}

void play_gzip_junk(struct reply *r)
{
    struct bytes body = {0};
    gzip_pattern(&body);
    bytes_addf(&body, "this is not gzip any more\n");
    answer_coded(r, "gzip", &body);
}

void play_gzip_two(struct reply *r)
{
    struct bytes body = {0};
    gzip_store(&body, "first\n", 6);
    gzip_store(&body, "second\n", 7);
    answer_coded(r, "gzip", &body);
}

void play_gzip_plain(struct reply *r)
{
    struct bytes body = {0};
    bytes_addf(&body, "plain text marked as gzip\n");
    answer_coded(r, "gzip", &body);
}

void play_gzip_empty(struct reply *r)
{
    struct bytes body = {0};
    answer_coded(r, "gzip", &body);
}

void play_gzip_chunked(struct reply *r)
{
    struct bytes body = {0};
    gzip_pattern(&body);
    say(r, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: "
           "chunked\r\n\r\n");
    for (size_t at = 0; at < body.len; at += 16) {
        size_t n = body.len - at < 16 ? body.len - at : 16;
        sayf(r, "%zx\r\n", n);
        say_bytes(r, body.p + at, n);
        say(r, "\r\n");
    }
    say(r, "0\r\n\r\n");
    bytes_free(&body);
}

/* "ok\n" in N layers, deflate and gzip by turns, the header in the order of coding. */
void play_layers(struct reply *r)
{
    struct bytes body = {0}, names = {0};
    uint64_t n = slice_number(r->arg, 2);
    bytes_addf(&body, "ok\n");
    for (uint64_t i = 0; i < n && i < 16; i++) {
        struct bytes outer = {0};
        (i % 2 ? gzip_store : zlib_store)(&outer, body.p, body.len);
        bytes_free(&body);
        body = outer;
        bytes_addf(&names, "%s%s", i ? ", " : "", i % 2 ? "gzip" : "deflate");
    }
    bytes_add(&names, "", 1);
    answer_coded(r, n ? names.p : "identity", &body);
    bytes_free(&names);
}

void play_unknown_coding(struct reply *r)
{
    struct bytes body = {0};
    bytes_addf(&body, "who knows how this is coded\n");
    answer_coded(r, "x-mystery", &body);
}

static void answer_bomb(struct reply *r, const char *coding,
                        void (*make)(struct bytes *, unsigned))
{
    struct bytes body = {0};
    uint64_t mb = query_number(r->req->query, "mb", 10);
    make(&body, mb > MAX_BOMB_MB ? MAX_BOMB_MB : mb ? (unsigned)mb : 1);
    answer_coded(r, coding, &body);
}

void play_gzip_bomb(struct reply *r)
{
    answer_bomb(r, "gzip", gzip_bomb);
}

void play_deflate_bomb(struct reply *r)
{
    answer_bomb(r, "deflate", zlib_bomb);
}

void play_zstd_bomb(struct reply *r)
{
    answer_bomb(r, "zstd", zstd_bomb);
}
