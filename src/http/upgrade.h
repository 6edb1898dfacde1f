/* Leaving HTTP/1.1 for another protocol (RFC 9110 §7.8): the GET that asks for it and the
 * answer, read strictly, for behind it the bytes mean something else. */
#ifndef LF_HTTP_UPGRADE_H
#define LF_HTTP_UPGRADE_H

#include "base/buf.h"
#include "http/headers.h"
#include "http/url.h"

/* Append the request. `headers` may hold a Host, which is then sent instead of the URL's;
 * Connection and Upgrade are made here. */
enum lf_err lf_upgrade_ask(struct lf_buf *out, const struct lf_url *u,
                           const char *protocol, const struct lf_headers *headers);

enum { LF_UPGRADE_MAX_HEAD = 64 << 10 };

struct lf_upgrade {
    int status;                /* of the final answer; 0: not there yet */
    size_t used;               /* bytes of the input that belong to the answer */
    struct lf_headers headers; /* owned: of the final answer */
    unsigned informational;    /* 1xx answers that were passed over */
};

/* Look at the n bytes that have come so far. LF_OK: see `status`. LF_EPROTOCOL,
 * LF_ETOOLARGE, LF_ERESOURCE with *why a static sentence: what came is no such answer.
 * Statuses but 101 are not judged. */
enum lf_err lf_upgrade_read(struct lf_upgrade *up, const char *p, size_t n,
                            const char *protocol, const char **why);

#endif
