/* What the server's errors mean. */
#include <stdio.h>
#include <string.h>
#include "modules/job/redis.h"

/* By their beginning. The sentence: `before`, the job, `after`, what stands behind the
 * beginning if `rest` is not NULL, `rest`. */
static const struct {
    const char *begins;
    enum lf_err err; /* LF_OK: it passes by itself */
    const char *before, *after, *rest;
} errors[] = {
    {"LOADING", LF_OK, "", ": the server is still loading its data", NULL},
    {"BUSY ", LF_OK, "", ": the server is busy with somebody's script", NULL},
    {"TRYAGAIN", LF_OK, "", ": the job is being moved to another node", NULL},
    {"MASTERDOWN", LF_OK, "", ": the server has lost its master", NULL},
    {"CLUSTERDOWN", LF_OK, "", ": the server's cluster is down", NULL},
    {"NOSCRIPT", LF_OK, "", ": the server has forgotten the script", NULL},
    {"READONLY", LF_EIO, "cannot write to ", ": the server is a read-only replica", NULL},
    {"OOM", LF_EIO, "cannot write to ",
     ": the server's memory is full (its maxmemory is reached)", NULL},
    {"MISCONF", LF_EIO, "cannot write to ",
     ": the server cannot save its data, and takes no more (MISCONF)", NULL},
    {"NOREPLICAS", LF_EIO, "cannot write to ", ": the server has too few replicas", NULL},
    {"NOAUTH", LF_EIO, "cannot open ", ": the server wants a password", NULL},
    {"WRONGPASS", LF_EIO, "cannot open ", ": the server refuses the password", NULL},
    {"ERR invalid password", LF_EIO, "cannot open ", ": the server refuses the password",
     NULL},
    {"ERR AUTH", LF_EIO, "cannot open ", ": a password is given, but the server has none",
     NULL},
    {"ERR Client sent AUTH", LF_EIO, "cannot open ",
     ": a password is given, but the server has none", NULL},
    {"ERR DB index", LF_EIO, "cannot open ", ": the server has no such database", NULL},
    {"ERR unknown command", LF_EIO, "cannot open ",
     ": the server is too old, or forbids scripts:", ""},
    {"NOPERM", LF_EIO, "cannot use ", ": the server does not permit it:", ""},
    {"MOVED", LF_EIO, "cannot open ", ": it is on another node of the cluster, slot", ""},
    {"WRONGTYPE", LF_ESTATE, "",
     " is not a job: something else is kept under one of its keys", NULL},
    {"LFFOREIGN", LF_ESTATE, "",
     " is not a job: something else is kept under one of its keys", NULL},
    {"LFNEWER", LF_ESTATE, "", " was written by a newer luafetch (job version",
     "; this one knows 1)"},
    {"LFNONE", LF_EIO, "cannot open ", ": there is no such job", NULL},
    {"LFLOST", LF_ESTATE, "",
     " is not the job any more that was opened: its server has lost it, or somebody "
     "deleted or replaced it",
     NULL},
    {"LFUSED", LF_ESTATE, "", " is not empty", NULL},
    {"LFHALF", LF_ESTATE, "", " is half a copy: reset it, and copy the job once more",
     NULL},
    {"LFEVICTS", LF_ESTATE, "",
     " would forget URLs: with its memory full the server throws keys away "
     "(maxmemory-policy",
     "); it must be noeviction"},
};

enum lf_err redis_explain(const struct redis *r, const char *error, char *why, size_t n)
{
    const char *job = r->place.shown;
    if (strncmp(error, "ERR LF", 6) == 0) /* Redis 7 adds that to a word alone */
        error += 4;
    if (strstr(error, "LFDAMAGED")) {
        snprintf(why, n, "%s is damaged: it names URLs that are not there", job);
        return LF_ESTATE;
    }
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        size_t len = strlen(errors[i].begins);
        if (strncmp(error, errors[i].begins, len) != 0)
            continue;
        snprintf(why, n, "%s%s%s%.100s%s", errors[i].before, job, errors[i].after,
                 errors[i].rest ? error + len : "", errors[i].rest ? errors[i].rest : "");
        return errors[i].err;
    }
    snprintf(why, n, "%s: the server says: %.150s", job, error);
    return LF_EIO;
}
