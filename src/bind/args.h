/* The command line: one table of options serves parsing, --help and the search for the
 * option that was meant. Prints nothing but the help text. */
#ifndef LF_BIND_ARGS_H
#define LF_BIND_ARGS_H

#include <stdbool.h>
#include <stdio.h>
#include "engine/engine.h"
#include "http/headers.h"

enum { LF_WORKERS_MAX = 256 };
enum lf_tri { LF_NO, LF_YES, LF_AUTO };
enum lf_stats_form { LF_STATS_AUTO, LF_STATS_TEXT, LF_STATS_JSON };

struct lf_args {
    unsigned limit, per_host;  /* 0: not given */
    struct lf_rate rate;       /* of each host; none unless given */
    unsigned retry;            /* times */
    double timeout;            /* seconds; LF_NEVER: none; negative: not given */
    struct lf_headers headers; /* owned */
    bool system_resolver;
    const char *dns_servers; /* borrowed from argv; NULL: the system's */
    const char *proxy; /* borrowed from argv; "": none; NULL: as the environment says */
    bool guard;
    const char **spared; /* owned array, ended by NULL: hosts it lets pass; NULL: none */
    struct lf_quota quota;  /* what the run may use */
    const char *user_agent; /* this and all strings below: borrowed from argv */
    const char *output;     /* NULL: standard output */
    const char *columns;    /* NULL: the fields of the first records */
    enum lf_stats_form stats;
    enum lf_tri progress;
    unsigned workers; /* processes on one job; 0: not given */
    bool insecure, verbose, quiet, strict, list, help, version;
    const char *code;   /* -e */
    const char *script; /* name or "-"; NULL with -e */
    int first;          /* index in argv of the script's first argument */
    char why[256];      /* what is wrong, one line */
};

/* False when the command line is wrong; `why` says how. Free in either case. */
bool lf_args_parse(struct lf_args *a, int argc, char **argv);
void lf_args_free(struct lf_args *a);

void lf_args_help(FILE *out);

#endif
