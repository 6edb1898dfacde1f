/* What the engine's unit tests share: a request in one line, and waiting for it. */
#ifndef LF_TEST_ENGINE_KIT_H
#define LF_TEST_ENGINE_KIT_H

#include <stdlib.h>
#include "check.h"
#include "engine/engine.h"

struct ask { /* one request and what came of it */
    struct lf_req *req;
    int done;       /* how often done() was called */
    unsigned order; /* the how-manieth of all to end */
};

static struct lf_engine *eng;
static struct lf_opts opts; /* what the next ask() sends */
static unsigned ended;

static void on_done(struct lf_req *req, void *arg)
{
    struct ask *a = arg;
    (void)req;
    a->done++;
    a->order = ++ended;
}

static inline void kit_open(bool scripted)
{
    struct lf_engine_conf conf = {.scripted = scripted};
    if (lf_engine_new(&conf, &eng)) {
        printf("cannot make an engine\n");
        exit(1);
    }
    lf_opts_init(&opts);
    ended = 0;
}

/* Everything must be gone: then the engine goes too. */
static inline void kit_close(void)
{
    struct lf_leftovers l = lf_engine_leftovers(eng);
    CHECK_INT(l.requests, 0);
    CHECK_INT(l.watchers, 0);
    CHECK_INT(l.timers, 0);
    CHECK_INT(l.domains, 0);
    lf_engine_free(eng);
    eng = NULL;
}

static inline enum lf_err kit_new(const char *url, struct ask *a, const char **why)
{
    struct lf_url u = LF_URL_INIT;
    enum lf_err err = lf_url_parse(&u, url, strlen(url), NULL, why);
    *a = (struct ask){0};
    opts.url = &u;
    if (!err)
        err = lf_req_new(eng, &opts, &a->req, why);
    lf_url_free(&u);
    return err;
}

static inline void ask(const char *url, struct ask *a)
{
    const char *why;
    if (kit_new(url, a, &why)) {
        printf("%s: %s\n", url, why);
        exit(1);
    }
    lf_req_submit(a->req, on_done, a);
}

static inline const struct lf_result *wait_for(struct ask *a)
{
    while (!a->done && lf_engine_step(eng, true))
        ;
    CHECK_INT(a->done, 1);
    return lf_req_result(a->req);
}

static inline void drop(struct ask *a)
{
    lf_req_free(a->req);
    a->req = NULL;
}

#endif
