/* Where a job in Redis is: redis://[[user]:password@]host[:port]/name[?db=n]. */
#ifndef LF_JOB_REDIS_PLACE_H
#define LF_JOB_REDIS_PLACE_H

#include "base/err.h"
#include "http/url.h"

struct redis_place {
    struct lf_url url;     /* owned: http://host:port, as connections want it */
    char *user, *password; /* owned; NULL: none is given */
    char *key;   /* owned: the job's hash; its tag keeps the job in one cluster slot */
    char *shown; /* owned: the URL without user and password */
    int db;
};

/* LF_OK; LF_EURL with *why a static phrase; LF_ERESOURCE. Free it in any case. */
enum lf_err redis_place_parse(struct redis_place *p, const char *name, const char **why);
void redis_place_free(struct redis_place *p);

#endif
