/* Certificate stores, shared by all lanes. libcurl would parse the CA file again for
 * every lane, and, while a CA path is compiled in, for every connection (20 ms and 0.9 MB
 * each). */
#ifndef LF_ENGINE_TLS_H
#define LF_ENGINE_TLS_H

#include <stdbool.h>
#include <openssl/ssl.h>

struct lf_tls; /* stores by file; opened lazily */

struct lf_tls *
lf_tls_new(const char *ca); /* NULL: the system's CA file; NULL on no memory */
void lf_tls_free(struct lf_tls *tls);

/* The store of a CA file (NULL: the default one), read again when the file has changed.
 * NULL when it cannot be read; *why is then a sentence. Borrowed: set1 it at once. */
X509_STORE *lf_tls_store(struct lf_tls *tls, const char *ca, const char **why);

/* Give a client certificate (with its chain) and its key, PEM files, to a context; `key`
 * NULL: it is in `cert`. NULL when it worked, else a sentence and the file it is about.
 */
const char *lf_tls_identify(SSL_CTX *ctx, const char *cert, const char *key,
                            const char **file);

/* Did the other side end TLS in order, with a close_notify? libcurl 7.88 does not tell an
 * end from a cut, which matters where only the end of the connection ends a body. Watch a
 * context before its connection is made; ask for the connection's end while it lives
 * (NULL when it is not watched), and look at it when it is gone. */
struct lf_tls_end;
bool lf_tls_end_watch(SSL_CTX *ctx); /* false: no memory */
struct lf_tls_end *lf_tls_end_hold(SSL *ssl);
bool lf_tls_end_was_said(const struct lf_tls_end *end);
void lf_tls_end_drop(struct lf_tls_end *end); /* NULL is fine */

#endif
