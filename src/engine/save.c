/* Downloads to disk.
 *
 * Without resume the temporary file has a name of its own beside the final one, so that
 * two runs never write into one file, and it goes when anything fails. With resume it is
 * PATH.part, and PATH.part.info holds the validator (ETag or Last-Modified) that says
 * which version of the document it is a part of; If-Range makes the server send all of it
 * again when that is no longer the one it has (RFC 9110 §13.1.5). */
#include "engine/save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/evp.h>
#include "engine/req.h"
#include "http/date.h"

enum { MAX_VALIDATOR = 1000, BLOCK = 64 << 10 };
static const char unnamed[] = ".XXXXXX"; /* mkostemp fills it in */

struct lf_save {
    struct lf_list link;      /* in eng->saves while the file is open */
    struct lf_req *req;       /* borrowed; NULL: nobody waits any more */
    char *path, *temp, *info; /* owned; info: only with resume */
    char *validator;          /* owned: of what is there; NULL: nothing is */
    int fd;                   /* owned; -1: not open */
    bool resume, active, working, saved;
    bool complete;   /* what was there is all there is: the body is an excuse */
    bool changed;    /* what was there is of another version */
    double opened;   /* when */
    uint64_t offset; /* of what was there before */
    uint64_t size;
    char algorithm[16]; /* "" : no checksum */
    char want[2 * EVP_MAX_MD_SIZE + 1];
    struct lf_job job;
    enum lf_err err; /* how the work in the thread ended … */
    char message[300];
};

/* ---- small things ---- */

static char *joined(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    char *s = malloc(n + m + 1);
    if (!s)
        return NULL;
    memcpy(s, a, n);
    memcpy(s + n, b, m + 1);
    return s;
}

static void set_error(struct lf_save *s, enum lf_err err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void set_error(struct lf_save *s, enum lf_err err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(s->message, sizeof s->message, fmt, ap);
    va_end(ap);
    s->err = err;
}

static bool io_failed(struct lf_req *req, const char *what)
{
    lf_req_fail(req, LF_EIO, "cannot %s %s: %s", what, req->save->path, strerror(errno));
    return false;
}

/* ---- what is there already ---- */

/* The validator in the info file; "" when there is none that can be used. */
static void read_validator(const struct lf_save *s, char out[static MAX_VALIDATOR])
{
    int fd = open(s->info, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, out, MAX_VALIDATOR - 1);
    if (fd >= 0)
        close(fd);
    out[n > 0 ? n : 0] = '\0';
    char *end = strchr(out, '\n');
    if (!end || !lf_value_valid(out, (size_t)(end - out)))
        out[0] = '\0';
    else
        *end = '\0';
}

static enum lf_err ask_for_rest(struct lf_req *req)
{
    struct lf_save *s = req->save;
    struct stat st;
    char validator[MAX_VALIDATOR], range[40];
    if (stat(s->temp, &st) || !st.st_size)
        return LF_OK;
    read_validator(s, validator);
    if (!*validator)
        return LF_OK;
    free(s->validator);
    s->validator = strdup(validator);
    if (!s->validator)
        return LF_ERESOURCE;
    s->offset = (uint64_t)st.st_size;
    int n = snprintf(range, sizeof range, "bytes=%llu-", (unsigned long long)s->offset);
    enum lf_err err = lf_headers_add(&req->headers, "Range", 5, range, (size_t)n);
    return err ? err
               : lf_headers_add(&req->headers, "If-Range", 8, validator,
                                strlen(validator));
}

/* ---- making one ---- */

static bool read_checksum(struct lf_save *s, const char *text)
{
    const char *colon = strchr(text, ':');
    size_t n = colon ? (size_t)(colon - text) : 0;
    if (!n || n >= sizeof s->algorithm)
        return false;
    memcpy(s->algorithm, text, n);
    s->algorithm[n] = '\0';
    const EVP_MD *md = EVP_get_digestbyname(s->algorithm);
    size_t hex = strlen(colon + 1);
    if (!md || hex != 2 * (size_t)EVP_MD_get_size(md) ||
        strspn(colon + 1, "0123456789abcdefABCDEF") != hex)
        return false;
    memcpy(s->want, colon + 1, hex + 1);
    return true;
}

/* Part of a coded body could not be continued: what is saved is asked for uncoded. */
static enum lf_err ask_plain(struct lf_req *req)
{
    lf_headers_remove(&req->headers, "accept-encoding", 15);
    return lf_headers_add(&req->headers, "Accept-Encoding", 15, "identity", 8);
}

enum lf_err lf_save_new(struct lf_req *req, const struct lf_opts *o, const char **why)
{
    struct lf_save *s = calloc(1, sizeof *s);
    if (!s)
        return LF_ERESOURCE;
    req->save = s;
    s->req = req;
    lf_list_init(&s->link);
    s->fd = -1;
    s->resume = o->resume;
    s->path = strdup(o->save);
    s->temp = joined(o->save, o->resume ? ".part" : unnamed);
    s->info = o->resume ? joined(o->save, ".part.info") : NULL;
    if (!s->path || !s->temp || (o->resume && !s->info))
        return LF_ERESOURCE;
    *why = "a checksum is written ALGORITHM:HEX, such as sha256:9f86d0…";
    if (o->checksum && !read_checksum(s, o->checksum))
        return LF_EREQUEST;
    enum lf_err err = ask_plain(req);
    return err || !o->resume ? err : ask_for_rest(req);
}

static void close_file(struct lf_save *s)
{
    lf_list_remove(&s->link);
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    if (s->active && !s->resume && !s->saved)
        unlink(s->temp);
    s->active = false;
}

static void discard(struct lf_save *s)
{
    close_file(s);
    free(s->path);
    free(s->temp);
    free(s->info);
    free(s->validator);
    free(s);
}

void lf_save_free(struct lf_save *s)
{
    if (!s)
        return;
    lf_list_remove(&s->link);
    if (s->working && !lf_offload_cancel(s->req->eng, &s->job)) {
        s->req = NULL; /* the thread goes on; on_done frees */
        return;
    }
    discard(s);
}

static void ask_for_all(struct lf_req *req)
{
    req->save->offset = 0;
    req->save->changed = false;
    lf_headers_remove(&req->headers, "range", 5);
    lf_headers_remove(&req->headers, "if-range", 8);
}

enum lf_err lf_save_again(struct lf_req *req)
{
    struct lf_save *s = req->save;
    close_file(s);
    s->complete = false;
    s->size = 0;
    if (!s->resume) {
        memcpy(s->temp + strlen(s->temp) - strlen(unnamed), unnamed, strlen(unnamed));
        return LF_OK;
    }
    ask_for_all(req);
    return ask_for_rest(req);
}

/* ---- the head ---- */

/* "bytes 100-199/200" must begin where the file ends. */
static bool fits(const struct lf_req *req)
{
    struct lf_header f;
    unsigned long long from;
    return lf_headers_get(&req->res.headers, "content-range", &f) &&
           sscanf(f.value, "bytes %llu-", &from) == 1 && from == req->save->offset;
}

/* Does the answer belong to another version than what is there? A server that does not
 * know If-Range sends a part of whatever it has by now; but every 206 names its ETag (RFC
 * 9110 §15.3.7). */
static bool other_version(const struct lf_req *req)
{
    const char *had = req->save->validator;
    struct lf_header f;
    bool tag = *had == '"';
    if (lf_headers_get(&req->res.headers, tag ? "etag" : "last-modified", &f))
        return strcmp(f.value, had) != 0;
    return tag && req->res.status == 206;
}

/* A date is a strong validator only when a second change would have got another one (RFC
 * 9110 §8.8.2.2). */
static bool strong_date(const struct lf_req *req, struct lf_header *f)
{
    struct lf_header date;
    int64_t now, then;
    return lf_headers_get(&req->res.headers, "date", &date) &&
           lf_headers_get(&req->res.headers, "last-modified", f) &&
           lf_date_parse(date.value, date.value_len, &now) &&
           lf_date_parse(f->value, f->value_len, &then) && now > then;
}

/* Only a strong validator can promise that two parts belong together. */
static void keep_validator(struct lf_req *req)
{
    struct lf_save *s = req->save;
    struct lf_header f;
    bool strong = lf_headers_get(&req->res.headers, "etag", &f) && f.value_len > 1 &&
                  f.value[0] == '"';
    if (!strong && !strong_date(req, &f)) {
        unlink(s->info);
        return;
    }
    int fd = open(s->info, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return; /* it cannot be resumed then, nothing worse */
    bool whole = dprintf(fd, "%s\n", f.value) == (int)f.value_len + 1;
    close(fd);
    if (!whole)
        unlink(s->info);
}

static bool open_file(struct lf_req *req, bool go_on)
{
    struct lf_save *s = req->save;
    if (s->resume) {
        s->fd = open(s->temp, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    } else {
        mode_t mask = umask(0);
        umask(mask);
        s->fd = mkostemp(s->temp, O_CLOEXEC);
        if (s->fd >= 0)
            fchmod(s->fd, 0666 & ~mask);
    }
    if (s->fd < 0)
        return io_failed(req, "create");
    s->active = true;
    s->opened = req->eng->now;
    lf_list_append(&req->eng->saves, &s->link);
    if (!go_on)
        s->offset = 0;
    s->size = s->offset;
    if (s->resume && !go_on)
        keep_validator(req);
    if (ftruncate(s->fd, (off_t)s->offset) || lseek(s->fd, 0, SEEK_END) < 0)
        return io_failed(req, "write to");
    return true;
}

/* 416 with the length of what is there: nothing was missing. */
static bool is_complete(const struct lf_req *req)
{
    struct lf_header f;
    unsigned long long all;
    return req->res.status == 416 && req->save->offset && !other_version(req) &&
           lf_headers_get(&req->res.headers, "content-range", &f) &&
           sscanf(f.value, "bytes */%llu", &all) == 1 && all == req->save->offset;
}

bool lf_save_restarts(struct lf_req *req)
{
    struct lf_save *s = req->save;
    if (!s->offset || s->active || (req->res.status != 416 && !s->changed))
        return false;
    ask_for_all(req);
    return true;
}

bool lf_save_begin(struct lf_req *req)
{
    struct lf_save *s = req->save;
    struct lf_header f;
    int status = req->res.status;
    if (is_complete(req)) {
        s->complete = true;
        req->res.status = 206;
        return open_file(req, true);
    }
    if (status >= 400 || status == 204 || status == 304 || s->active)
        return true; /* an answer to be read, not a document to be kept */
    if (status == 206 && !lf_headers_get(&req->headers, "range", &f)) {
        lf_req_fail(req, LF_EPROTOCOL, "the server sent a part, and was asked for all");
        return false;
    }
    if (status != 206 || !s->offset)
        return open_file(req, false);
    if (other_version(req)) {
        s->changed = req->head.redirect = true; /* its body is of no interest */
        return true;
    }
    if (!fits(req)) {
        lf_req_fail(req, LF_EPROTOCOL, "the server sent another part than was asked for");
        return false;
    }
    return open_file(req, true);
}

bool lf_save_active(const struct lf_save *s)
{
    return s && s->active;
}

bool lf_save_write(struct lf_req *req, const char *p, size_t n)
{
    struct lf_save *s = req->save;
    while (n && !s->complete) {
        ssize_t done = write(s->fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return io_failed(req, "write to");
        s->size += (uint64_t)done;
        p += done;
        n -= (size_t)done;
    }
    return true;
}

uint64_t lf_save_size(const struct lf_save *s)
{
    return s->size;
}

const char *lf_save_path(const struct lf_save *s)
{
    return s->path;
}

void lf_save_amounts(const struct lf_save *s, bool plain, struct lf_amounts *a)
{
    if (s->complete)
        a->down_total = 0;
    if (a->down_total != LF_BODY_UNKNOWN)
        a->down_total += s->offset;
    a->down = plain ? s->size : s->offset + a->down;
}

const struct lf_req *lf_save_of_link(struct lf_list *link, struct lf_download *d)
{
    const struct lf_save *s = lf_container(link, struct lf_save, link);
    *d = (struct lf_download){.path = s->path, .before = s->offset, .started = s->opened};
    return s->req;
}

/* ---- the end, in a thread ---- */

static bool digest(struct lf_save *s, char out[static 2 * EVP_MAX_MD_SIZE + 1])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    char *block = malloc(BLOCK);
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    ssize_t n = -1;
    bool ok = ctx && block && lseek(s->fd, 0, SEEK_SET) == 0 &&
              EVP_DigestInit_ex(ctx, EVP_get_digestbyname(s->algorithm), NULL);
    while (ok && (n = read(s->fd, block, BLOCK)) > 0)
        ok = EVP_DigestUpdate(ctx, block, (size_t)n);
    ok = ok && n == 0 && EVP_DigestFinal_ex(ctx, raw, &len);
    for (unsigned i = 0; ok && i < len; i++)
        snprintf(out + 2 * i, 3, "%02x", raw[i]);
    EVP_MD_CTX_free(ctx);
    free(block);
    return ok;
}

static bool checked(struct lf_save *s)
{
    char got[2 * EVP_MAX_MD_SIZE + 1] = "";
    if (!*s->algorithm)
        return true;
    if (!digest(s, got)) {
        set_error(s, LF_EIO, "cannot read %s again for its checksum", s->path);
        return false;
    }
    if (strcasecmp(got, s->want) == 0)
        return true;
    set_error(s, LF_EDECODE, "the checksum of %s is %s:%s", s->path, s->algorithm, got);
    if (s->resume) /* what is there is no part of what is wanted */
        unlink(s->temp), unlink(s->info);
    return false;
}

/* The rename must not reach the disk before the bytes, nor get lost after them. */
static void sync_folder(const char *path)
{
    char *copy = strdup(path);
    char *slash = copy ? strrchr(copy, '/') : NULL;
    if (slash)
        slash[slash == copy] = '\0';
    int fd = open(slash ? copy : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(copy);
}

static void work(struct lf_job *job)
{
    struct lf_save *s = lf_container(job, struct lf_save, job);
    if (!checked(s))
        return;
    if (fsync(s->fd) && errno != EINVAL && errno != EROFS) {
        set_error(s, LF_EIO, "cannot write to %s: %s", s->path, strerror(errno));
        return;
    }
    if (rename(s->temp, s->path)) {
        set_error(s, LF_EIO, "cannot create %s: %s", s->path, strerror(errno));
        return;
    }
    s->saved = true; /* the temporary name is gone */
    if (s->info)
        unlink(s->info);
    sync_folder(s->path);
}

static void on_done(struct lf_job *job)
{
    struct lf_save *s = lf_container(job, struct lf_save, job);
    s->working = false;
    if (!s->req) {
        discard(s);
        return;
    }
    if (s->err)
        lf_req_fail(s->req, s->err, "%s", s->message);
    lf_req_saved(s->req);
}

static void on_drop(struct lf_job *job)
{
    discard(lf_container(job, struct lf_save, job));
}

bool lf_save_finish(struct lf_req *req)
{
    struct lf_save *s = req->save;
    s->job = (struct lf_job){.work = work, .done = on_done, .drop = on_drop};
    lf_list_init(&s->job.link);
    if (lf_offload(req->eng, &s->job)) {
        lf_req_fail(req, LF_ERESOURCE, "no thread to finish the download");
        return false;
    }
    s->working = true;
    return true;
}
