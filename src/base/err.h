/* The kinds of failure, by the names scripts see. One list serves C and Lua.
 *
 * Functions return LF_OK or a kind; the sentence that goes with it is made where the
 * failure happens and travels separately. LF_ERESOURCE is also what memory's end gives.
 */
#ifndef LF_BASE_ERR_H
#define LF_BASE_ERR_H

#define LF_ERR_KINDS(X)                                                                  \
    X(OK, "ok")                                                                          \
    X(EURL, "url")             /* the URL cannot be parsed, or its scheme is not http */ \
    X(EREQUEST, "request")     /* what the script asked for is not a valid request */    \
    X(EDNS, "dns")             /* the name has no address */                             \
    X(ECONNECT, "connect")     /* no connection: refused, unreachable */                 \
    X(ETLS, "tls")             /* handshake or certificate */                            \
    X(EPROXY, "proxy")         /* the proxy, not the server */                           \
    X(ETIMEOUT, "timeout")     /* a limit of time passed */                              \
    X(ECLOSED, "closed")       /* the peer went away before its answer was whole */      \
    X(ETRUNCATED, "truncated") /* fewer bytes than promised */                           \
    X(EPROTOCOL, "protocol")   /* what the peer says is not HTTP */                      \
    X(ETOOLARGE, "too_large")  /* over a limit of size */                                \
    X(EDECODE, "decode")       /* Content-Encoding is broken or unknown */               \
    X(EREDIRECT, "redirect")   /* too many, or to where we do not go */                  \
    X(EBLOCKED, "blocked")     /* the guard refuses the address */                       \
    X(EROBOTS, "robots")       /* robots.txt forbids it */                               \
    X(ECANCELLED, "cancelled") /* nobody waits for it any more */                        \
    X(EHTTP, "http")           /* a status from 400 */                                   \
    X(EPARSE, "parse")         /* a document is not what it claims to be */              \
    X(EIO, "io")               /* a local file */                                        \
    X(ESTATE, "state")         /* something saved earlier does not fit */                \
    X(ERESOURCE, "resource")   /* memory, descriptors */

#define LF_ERR_ENUM(id, name) LF_##id,
enum lf_err { LF_ERR_KINDS(LF_ERR_ENUM) LF_ERR_COUNT };
#undef LF_ERR_ENUM

/* The name of a kind as scripts see it, "timeout"; never NULL. */
const char *lf_err_name(enum lf_err err);

#endif
