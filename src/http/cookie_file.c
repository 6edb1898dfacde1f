/* Netscape's cookie files: a line a cookie, seven fields between tabs (domain, whether
 * hosts below it count, path, Secure, expiry, name, value), "#HttpOnly_" in front of
 * those that scripts of a page may not see. A line that is none is told, and the rest
 * read. */
#include "http/cookie.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIELDS = 7, LINE_MAX_LEN = 16384, FILE_MAX = 64 << 20 };

static const char http_only[] = "#HttpOnly_";

/* --- reading --- */

struct loading {
    struct lf_jar *jar;
    const char *path;
    int64_t now;
    size_t line; /* number of the line */
    struct lf_jar_report *report;
};

/* Only the first bad line is told; how many there are comes behind it. */
static enum lf_err leave_out(struct loading *l, const char *why)
{
    if (l->report->left_out++)
        return LF_OK;
    return lf_buf_addf(l->report->why, "%s line %zu: %s", l->path, l->line, why);
}

static bool take_number(struct lf_span s, int64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        if (*value < INT64_MAX / 16)
            *value = *value * 10 + (s.p[i] - '0');
    }
    return s.len > 0;
}

static bool take_flag(struct lf_span s, bool *value)
{
    *value = s.len == 4 && strncasecmp(s.p, "TRUE", 4) == 0;
    return *value || (s.len == 5 && strncasecmp(s.p, "FALSE", 5) == 0);
}

static size_t split(struct lf_span line, struct lf_span fields[FIELDS])
{
    const char *at = line.p, *end = line.p + line.len;
    for (size_t n = 0; n < FIELDS; n++) {
        const char *tab = n < FIELDS - 1 ? memchr(at, '\t', (size_t)(end - at)) : NULL;
        fields[n] = (struct lf_span){at, (size_t)((tab ? tab : end) - at)};
        if (!tab)
            return n + 1;
        at = tab + 1;
    }
    return FIELDS;
}

/* Fill c from a line; the reason why it is no cookie, or NULL. */
static const char *flaw_of_line(struct lf_span line, struct lf_cookie *c)
{
    struct lf_span f[FIELDS] = {{0}};
    bool below;
    size_t n = split(line, f);
    /* Some tools cut an empty value off together with its tab. */
    if (n < FIELDS - 1)
        return "there are not seven fields between tabs";
    if (!take_flag(f[1], &below) || !take_flag(f[3], &c->secure))
        return "the second and fourth field are not TRUE or FALSE";
    if (!take_number(f[4], &c->expires))
        return "the fifth field is not a time in seconds";
    if (c->expires == 0)
        c->expires = LF_COOKIE_SESSION;
    c->domain = f[0];
    c->host_only = !below;
    c->path = f[2];
    c->name = f[5];
    c->value = f[6];
    return memchr(line.p, 0, line.len) ? "it contains a NUL" : NULL;
}

static enum lf_err load_line(struct loading *l, struct lf_span line)
{
    struct lf_cookie c = {0};
    const char *why;
    size_t prefix = sizeof http_only - 1;
    while (line.len && (line.p[line.len - 1] == '\n' || line.p[line.len - 1] == '\r'))
        line.len--;
    c.http_only = line.len > prefix && memcmp(line.p, http_only, prefix) == 0;
    if (c.http_only)
        line = (struct lf_span){line.p + prefix, line.len - prefix};
    else if (line.len == 0 || *line.p == '#')
        return LF_OK;
    why = flaw_of_line(line, &c);
    if (why)
        return leave_out(l, why);
    if (c.expires <= l->now)
        return LF_OK;
    enum lf_err err = lf_jar_add(l->jar, &c, l->now, &why);
    if (err == LF_EREQUEST)
        return leave_out(l, why);
    l->report->cookies += !err;
    return err;
}

static enum lf_err load_lines(struct loading *l, FILE *f)
{
    enum lf_err err = LF_OK;
    char *line = NULL;
    size_t room = 0, total = 0;
    ssize_t n;
    errno = 0;
    while (!err && (n = getline(&line, &room, f)) >= 0) {
        l->line++;
        total += (size_t)n;
        if (total > FILE_MAX) {
            err = leave_out(l, "the file is over 64 MB, no more of it is read");
            break;
        }
        err = n > LINE_MAX_LEN ? leave_out(l, "it is over 16 KB long")
                               : load_line(l, (struct lf_span){line, (size_t)n});
    }
    if (!err && ferror(f))
        err = LF_EIO;
    else if (!err && !feof(f) && errno == ENOMEM)
        err = LF_ERESOURCE;
    free(line);
    return err;
}

static enum lf_err cannot(struct lf_jar_report *r, const char *what, const char *path,
                          int why)
{
    lf_buf_reset(r->why);
    enum lf_err err =
        lf_buf_addf(r->why, "cannot %s the cookies of %s: %s", what, path, strerror(why));
    return err ? err : LF_EIO;
}

/* What was left out, in one sentence. */
static enum lf_err conclude(struct loading *l, size_t evicted)
{
    struct lf_jar_report *r = l->report;
    if (r->left_out) {
        enum lf_err err = lf_buf_addf(r->why, " (%zu cookie%s read, %zu line%s left out)",
                                      r->cookies, r->cookies == 1 ? "" : "s", r->left_out,
                                      r->left_out == 1 ? "" : "s");
        return err ? err : LF_EPARSE;
    }
    if (!evicted)
        return LF_OK;
    enum lf_err err = lf_buf_addf(
        r->why, "%s is more than a jar holds (%d cookies, %d of a domain): %zu had to go",
        l->path, LF_COOKIES_PER_JAR, LF_COOKIES_PER_DOMAIN, evicted);
    return err ? err : LF_ETOOLARGE;
}

enum lf_err lf_jar_load(struct lf_jar *jar, const char *path, int64_t now,
                        struct lf_jar_report *r)
{
    struct loading l = {jar, path, now, 0, r};
    struct stat st;
    r->cookies = r->left_out = 0;
    FILE *f = fopen(path, "re");
    if (!f)
        return cannot(r, "read", path, errno);
    if (fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode)) {
        fclose(f);
        return cannot(r, "read", path, EISDIR);
    }
    size_t evicted = lf_jar_evicted(jar);
    enum lf_err err = load_lines(&l, f);
    int why = errno;
    fclose(f);
    if (err == LF_EIO)
        return cannot(r, "read", path, why);
    return err ? err : conclude(&l, lf_jar_evicted(jar) - evicted);
}

/* --- writing --- */

static bool fits_format(const struct lf_cookie *c)
{
    return c->name.len && *c->domain.p != '.' && !memchr(c->name.p, '\t', c->name.len) &&
           !(c->value.len && memchr(c->value.p, '\t', c->value.len)) &&
           !memchr(c->path.p, '\t', c->path.len);
}

static bool write_cookie(FILE *f, const struct lf_cookie *c)
{
    int64_t expires = c->expires == LF_COOKIE_SESSION ? 0 : c->expires;
    return fprintf(f, "%s%s%s\t%s\t%s\t%s\t%" PRId64 "\t%s\t%s\n",
                   c->http_only ? http_only : "", c->host_only ? "" : ".", c->domain.p,
                   c->host_only ? "FALSE" : "TRUE", c->path.p,
                   c->secure ? "TRUE" : "FALSE", expires, c->name.p, c->value.p) > 0;
}

static bool write_all(FILE *f, const struct lf_cookie *list, size_t n,
                      struct lf_jar_report *r)
{
    bool ok = fputs("# Netscape HTTP Cookie File\n"
                    "# https://curl.se/docs/http-cookies.html\n"
                    "# Written by luafetch. Edit at your own risk.\n\n",
                    f) >= 0;
    for (size_t i = 0; ok && i < n; i++) {
        if (!fits_format(&list[i])) {
            r->left_out++;
            continue;
        }
        ok = write_cookie(f, &list[i]);
        r->cookies++;
    }
    return ok && fflush(f) == 0;
}

/* A file that is there keeps who may read it; a new one is its owner's alone. Anything
 * that is no file (a terminal, a pipe) is not replaced by one. */
static bool keep_mode(int fd, const char *path, bool *is_file)
{
    struct stat st;
    *is_file = true;
    if (stat(path, &st) != 0)
        return true;
    *is_file = S_ISREG(st.st_mode);
    return *is_file && fchmod(fd, st.st_mode & 0777) == 0;
}

/* Write beside `path` and rename; an errno. Without fsync: what a crash of the machine
 * takes is the last run's cookies, not worth stopping the loop for. */
static int replace(const char *path, const char *temp, int fd,
                   const struct lf_cookie *list, size_t n, struct lf_jar_report *r)
{
    bool is_file;
    FILE *f = fdopen(fd, "w");
    if (!f) {
        int why = errno;
        close(fd);
        return why;
    }
    errno = 0;
    bool ok = keep_mode(fd, path, &is_file);
    ok = ok && write_all(f, list, n, r);
    int why = !is_file ? EINVAL : errno;
    if (fclose(f) != 0 && ok) {
        why = errno;
        ok = false;
    }
    if (ok && rename(temp, path) != 0) {
        why = errno;
        ok = false;
    }
    return ok ? 0 : why ? why : EIO;
}

static enum lf_err save_list(const char *path, const struct lf_cookie *list, size_t n,
                             struct lf_jar_report *r)
{
    struct lf_buf temp;
    lf_buf_init(&temp, LF_BUF_MAX);
    enum lf_err err = lf_buf_addf(&temp, "%s.XXXXXX", path);
    if (!err) {
        int fd = mkostemp(temp.p, O_CLOEXEC);
        int why = fd < 0 ? errno : replace(path, temp.p, fd, list, n, r);
        if (fd >= 0 && why)
            unlink(temp.p);
        if (why)
            err = cannot(r, "save", path, why);
    }
    lf_buf_free(&temp);
    return err;
}

enum lf_err lf_jar_save(struct lf_jar *jar, const char *path, int64_t now,
                        struct lf_jar_report *r)
{
    const struct lf_cookie *list = NULL;
    struct lf_buf copies;
    size_t n;
    r->cookies = r->left_out = 0;
    lf_buf_init(&copies, LF_BUF_MAX);
    enum lf_err err = lf_jar_list(jar, now, &copies, &list, &n);
    /* A link stays one: the file it names is replaced. */
    char *real = err ? NULL : realpath(path, NULL);
    if (!err)
        err = save_list(real ? real : path, list, n, r);
    free(real);
    lf_buf_free(&copies);
    return err;
}
