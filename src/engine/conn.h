/* Connections for modules (io.h), as their two files see them: conn.c decides, and
 * conn_curl.c lets libcurl connect. One curl_multi serves all of them, apart from the
 * lanes of requests, since libcurl leaves such a connection to us once it stands. */
#ifndef LF_ENGINE_CONN_H
#define LF_ENGINE_CONN_H

#include <curl/curl.h>
#include "engine/internal.h"
#include "http/address.h"
#include "http/upgrade.h"

struct lf_conns;

/* The steps of opening. */
enum lf_conn_step {
    LF_CONN_STEP_RESOLVE,
    LF_CONN_STEP_CONNECT,
    LF_CONN_STEP_UPGRADE,
    LF_CONN_STEP_DONE
};

struct lf_conn {
    struct lf_engine *eng; /* borrowed: outlives us */
    struct lf_conn_info info;
    enum lf_conn_step step;
    lf_conn_fn *news;
    void *arg; /* borrowed: the caller's */

    struct lf_url url;
    char *ca, *upgrade, *cert, *key; /* owned; NULL: none */
    struct lf_proxy *own_proxy;      /* owned; NULL: none, or the environment's */
    const struct lf_proxy *proxy;    /* borrowed; NULL: none */
    bool guard, by_path;             /* by_path: a unix socket */
    bool verify;
    int ip;
    double connect, total, started;
    struct lf_buf chosen; /* addresses that the script gave; empty: none */

    struct lf_lookup lookup;
    bool looked_up;        /* its answer has come and was not yet looked at */
    struct lf_timer timer; /* the next limit of time; at once to tell a failure */
    CURL *easy;            /* owned; in the multi when `added` */
    bool added;
    struct curl_slist *resolve; /* owned */
    int fd;                     /* borrowed from libcurl; -1 */

    struct lf_buf out; /* the rest of the request */
    size_t out_at;
    struct lf_buf in; /* the answer, and what came behind it */
    size_t in_at;
    struct lf_upgrade answer;

    unsigned handshakes;           /* TLS handshakes begun */
    int no_socket;                 /* errno, when the system gave none */
    char blocked[LF_ADDRESS_TEXT]; /* the last address that the guard refused */
    char error[CURL_ERROR_SIZE];
    char message[CURL_ERROR_SIZE + 100];
};

/* ---- conn.c ---- */

void lf_conn_fail(struct lf_conn *c, enum lf_err err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void lf_conn_fail_timeout(struct lf_conn *c, double seconds);
void lf_conn_connected(struct lf_conn *c); /* libcurl is done with it: c->fd is set */

/* ---- conn_curl.c ---- */

void lf_conns_free(struct lf_conns *all); /* after the last connection; NULL is fine */
/* Make the handle and tell it all but the addresses. False: no memory. */
bool lf_conn_curl_init(struct lf_conn *c, const struct lf_way *way);
/* Start to connect, to the addresses in c->resolve if there are any. */
bool lf_conn_curl_start(struct lf_conn *c);
void lf_conn_curl_free(struct lf_conn *c); /* closes the connection */

#endif
