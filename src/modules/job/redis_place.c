/* Reading the URL of a job in Redis. */
#include "modules/job/redis_place.h"

#include <stdlib.h>
#include <string.h>
#include "http/percent.h"

enum { PORT = 6379, DBS = 1000000 };

/* The part without its escapes; NULL: memory has ended. */
static char *decoded(struct lf_span part)
{
    struct lf_buf b;
    lf_buf_init(&b, LF_BUF_MAX);
    if (lf_percent_decode(&b, part.p, part.len) || lf_buf_add(&b, "", 1))
        lf_buf_free(&b);
    return b.p; /* owned by the caller from here */
}

static char *key_of(const char *name)
{
    struct lf_buf b;
    lf_buf_init(&b, LF_BUF_MAX);
    if (lf_buf_addf(&b, "lf:{%s}", name))
        lf_buf_free(&b);
    return b.p;
}

/* "?db=3" and nothing else. */
static bool read_db(struct redis_place *p, struct lf_span query)
{
    long n = 0;
    char *end = NULL;
    if (!query.p || !query.len)
        return true;
    if (query.len > 3 && memcmp(query.p, "db=", 3) == 0)
        n = strtol(query.p + 3, &end, 10);
    p->db = n >= 0 && n < DBS ? (int)n : -1;
    return end == query.p + query.len && p->db >= 0;
}

static enum lf_err read_login(struct redis_place *p, const struct lf_url *u,
                              const char **why)
{
    struct lf_span user = lf_url_username(u), password = lf_url_password(u);
    *why = "it has a user, but no password: redis://:PASSWORD@host, or USER:PASSWORD@";
    if (user.p && !password.p)
        return LF_EURL;
    if (user.p)
        p->user = decoded(user);
    if (password.p)
        p->password = decoded(password);
    return (user.p && !p->user) || (password.p && !p->password) ? LF_ERESOURCE : LF_OK;
}

static enum lf_err read_name(struct redis_place *p, const struct lf_url *u,
                             const char **why)
{
    struct lf_span path = lf_url_path(u);
    *why = "it wants a name behind the server, redis://host:port/name";
    if (path.len < 2)
        return LF_EURL;
    char *name = decoded((struct lf_span){path.p + 1, path.len - 1});
    *why = "the name must not have '{', '}' or '/' in it";
    bool fits = name && !strpbrk(name, "{}/");
    p->key = fits ? key_of(name) : NULL;
    free(name);
    if (!fits && name)
        return LF_EURL;
    return p->key ? LF_OK : LF_ERESOURCE;
}

/* What connections are told, and what sentences show. */
static enum lf_err read_server(struct redis_place *p, const struct lf_url *u,
                               const char **why)
{
    struct lf_span host = lf_url_host(u);
    int port = lf_url_port(u) > 0 ? lf_url_port(u) : PORT;
    struct lf_buf server, shown;
    *why = "it has no host";
    if (!host.p || !host.len)
        return LF_EURL;
    lf_buf_init(&server, LF_BUF_MAX);
    lf_buf_init(&shown, LF_BUF_MAX);
    enum lf_err err =
        lf_buf_addf(&server, "http://%.*s:%d/", (int)host.len, host.p, port);
    if (!err)
        err = lf_url_parse(&p->url, server.p, server.len, NULL, why);
    struct lf_span path = lf_url_path(u);
    if (!err)
        err = lf_buf_addf(&shown, "redis://%.*s:%d%.*s", (int)host.len, host.p, port,
                          (int)path.len, path.p);
    if (!err && p->db)
        err = lf_buf_addf(&shown, "?db=%d", p->db);
    lf_buf_free(&server);
    p->shown = shown.p;
    return err;
}

enum lf_err redis_place_parse(struct redis_place *p, const char *name, const char **why)
{
    struct lf_url u = LF_URL_INIT;
    *p = (struct redis_place){.url = LF_URL_INIT};
    enum lf_err err = lf_url_parse(&u, name, strlen(name), NULL, why);
    if (!err && !read_db(p, lf_url_query(&u))) {
        *why = "behind '?' there may only be db= and the number of a database";
        err = LF_EURL;
    }
    if (!err)
        err = read_login(p, &u, why);
    if (!err)
        err = read_name(p, &u, why);
    if (!err)
        err = read_server(p, &u, why);
    lf_url_free(&u);
    return err;
}

void redis_place_free(struct redis_place *p)
{
    lf_url_free(&p->url);
    free(p->user);
    free(p->password);
    free(p->key);
    free(p->shown);
}
