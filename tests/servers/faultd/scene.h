/* The one table of what the server can do: a path, the function that writes the reply,
 * and a line that says what it shows. Files of scenes export their handlers here. */
#ifndef FAULTD_SCENE_H
#define FAULTD_SCENE_H

#include <stddef.h>
#include "reply.h"

enum scene_flags {
    KEEPS_BODY = 1, /* the handler wants the request's body */
    EARLY = 2,      /* answers before the request's body is read */
};

struct scene {
    const char *path; /* exact, or a prefix when it ends in "/" */
    void (*play)(struct reply *r);
    const char *what;
    const char *raw; /* for play_raw: the bytes of the answer … */
    size_t raw_len;
    enum ending ending; /* … and how the connection ends after them */
    int flags;
};

/* The scene for a request; never NULL. */
const struct scene *scene_find(const struct request *req);
void scene_play(const struct scene *s, struct reply *r);

/* Sound answers: scenes_sound.c */
void play_ok(struct reply *r);
void play_bytes(struct reply *r);
void play_delay(struct reply *r);
void play_delay_headers(struct reply *r);
void play_delay_body(struct reply *r);
void play_status(struct reply *r);
void play_respond(struct reply *r);
void play_raw_query(struct reply *r);
void play_echo(struct reply *r);
void play_upload(struct reply *r);
void play_early(struct reply *r);
void play_chunked(struct reply *r);
void play_headers(struct reply *r);
void play_trailers(struct reply *r);
void play_interim(struct reply *r);
void play_set_cookies(struct reply *r);
void play_cookies(struct reply *r);
void play_close_after(struct reply *r);
void play_stale(struct reply *r);
void play_fail(struct reply *r);
void play_quota(struct reply *r);
void play_count(struct reply *r);
void play_stats(struct reply *r);
void play_redirect(struct reply *r);
void play_redirect_to(struct reply *r);
void play_redirect_loop(struct reply *r);

/* Content codings, sound and broken: scenes_coded.c */
void play_gzip(struct reply *r);
void play_deflate(struct reply *r);
void play_deflate_raw(struct reply *r);
void play_br(struct reply *r);
void play_zstd(struct reply *r);
void play_gzip_truncated(struct reply *r);
void play_gzip_crc(struct reply *r);
void play_gzip_size(struct reply *r);
void play_gzip_junk(struct reply *r);
void play_gzip_two(struct reply *r);
void play_gzip_plain(struct reply *r);
void play_gzip_empty(struct reply *r);
void play_gzip_chunked(struct reply *r);
void play_layers(struct reply *r);
void play_unknown_coding(struct reply *r);
void play_gzip_bomb(struct reply *r);
void play_deflate_bomb(struct reply *r);
void play_br_bomb(struct reply *r);
void play_zstd_bomb(struct reply *r);

/* Faults that are more than fixed bytes: scenes_fault.c */
void play_raw(struct reply *r);
void play_drip(struct reply *r);
void play_drip_headers(struct reply *r);
void play_reset_headers(struct reply *r);
void play_reset_body(struct reply *r);
void play_endless(struct reply *r);
void play_endless_chunks(struct reply *r);
void play_endless_headers(struct reply *r);
void play_endless_header_line(struct reply *r);
void play_endless_interim(struct reply *r);
void play_endless_trailers(struct reply *r);
void play_endless_extension(struct reply *r);

#endif
