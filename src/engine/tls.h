/* Certificate stores, shared by all lanes. libcurl would parse the CA file again for
 * every lane, and, while a CA path is compiled in, for every connection (20 ms and 0.9 MB
 * each). */
#ifndef LF_ENGINE_TLS_H
#define LF_ENGINE_TLS_H

#include <openssl/x509.h>

struct lf_tls; /* stores by file; opened lazily */

struct lf_tls *
lf_tls_new(const char *ca); /* NULL: the system's CA file; NULL on no memory */
void lf_tls_free(struct lf_tls *tls);

/* The store of a CA file (NULL: the default one), read again when the file has changed.
 * NULL when it cannot be read; *why is then a sentence. Borrowed: set1 it at once. */
X509_STORE *lf_tls_store(struct lf_tls *tls, const char *ca, const char **why);

#endif
