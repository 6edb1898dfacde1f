/* Certificate stores by file name and time of change; client certificates. */
#include "engine/tls.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <curl/curl.h>
#include <openssl/err.h>
#include <openssl/x509err.h>
#include "base/list.h"

struct store {
    struct lf_list link;
    X509_STORE *x509; /* owned */
    struct timespec changed;
    char path[];
};

struct lf_tls {
    struct lf_list stores; /* owned */
    char *ca;              /* owned */
};

/* The environment is asked as curl does it; then what libcurl was built with. */
static const char *default_file(void)
{
    static const char *const names[] = {"CURL_CA_BUNDLE", "SSL_CERT_FILE"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *path = getenv(names[i]);
        if (path && *path)
            return path;
    }
    const char *built = curl_version_info(CURLVERSION_NOW)->cainfo;
    return built ? built : "/etc/ssl/certs/ca-certificates.crt";
}

struct lf_tls *lf_tls_new(const char *ca)
{
    struct lf_tls *tls = calloc(1, sizeof *tls);
    if (!tls)
        return NULL;
    lf_list_init(&tls->stores);
    tls->ca = strdup(ca ? ca : default_file());
    if (!tls->ca) {
        lf_tls_free(tls);
        return NULL;
    }
    return tls;
}

static void drop(struct store *s)
{
    lf_list_remove(&s->link);
    X509_STORE_free(s->x509);
    free(s);
}

void lf_tls_free(struct lf_tls *tls)
{
    if (!tls)
        return;
    while (!lf_list_empty(&tls->stores))
        drop(lf_container(tls->stores.next, struct store, link));
    free(tls->ca);
    free(tls);
}

static struct store *find(struct lf_tls *tls, const char *path, const struct timespec *t)
{
    LF_LIST_EACH_SAFE (&tls->stores, n, next) {
        struct store *s = lf_container(n, struct store, link);
        if (strcmp(s->path, path) != 0)
            continue;
        if (s->changed.tv_sec == t->tv_sec && s->changed.tv_nsec == t->tv_nsec)
            return s;
        drop(s); /* the file is another one now */
    }
    return NULL;
}

static struct store *load(struct lf_tls *tls, const char *path, const struct timespec *t)
{
    struct store *s = calloc(1, sizeof *s + strlen(path) + 1);
    if (!s)
        return NULL;
    lf_list_init(&s->link);
    memcpy(s->path, path, strlen(path));
    s->changed = *t;
    s->x509 = X509_STORE_new();
    if (!s->x509 || !X509_STORE_load_file(s->x509, path)) {
        drop(s);
        return NULL;
    }
    /* what libcurl sets on its own stores */
    X509_STORE_set_flags(s->x509, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
    lf_list_append(&tls->stores, &s->link);
    return s;
}

X509_STORE *lf_tls_store(struct lf_tls *tls, const char *ca, const char **why)
{
    struct stat st;
    const char *path = ca ? ca : tls->ca;
    *why = "the CA file cannot be read";
    if (stat(path, &st))
        return NULL;
    struct store *s = find(tls, path, &st.st_mtim);
    *why = "the CA file holds no certificate in PEM form";
    if (!s)
        s = load(tls, path, &st.st_mtim);
    return s ? s->x509 : NULL;
}

/* ---- client certificates ---- */

/* OpenSSL's own callback would ask on the terminal and hold up everybody. */
static int refuse_password(char *buf, int size, int writing, void *asked)
{
    (void)buf, (void)size, (void)writing;
    if (asked)
        *(bool *)asked = true;
    return -1;
}

/* A pipe would hold up everybody as well. */
static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static const char *identify(SSL_CTX *ctx, const char *cert, const char *key,
                            const char **file, const bool *asked)
{
    *file = cert;
    if (!is_file(cert))
        return "the client certificate cannot be read";
    if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1)
        return "the client certificate's file holds none in PEM form";
    *file = key;
    if (!is_file(key))
        return "the client certificate's key cannot be read";
    if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) == 1)
        return NULL;
    if (*asked)
        return "the client certificate's key has a password, which is not supported "
               "(write"
               " it without one: openssl pkey)";
    if (ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH)
        return "the key does not belong to the client certificate";
    return "the file holds no private key in PEM form";
}

const char *lf_tls_identify(SSL_CTX *ctx, const char *cert, const char *key,
                            const char **file)
{
    bool asked = false;
    ERR_clear_error();
    SSL_CTX_set_default_passwd_cb(ctx, refuse_password);
    SSL_CTX_set_default_passwd_cb_userdata(ctx, &asked);
    const char *why = identify(ctx, cert, key ? key : cert, file, &asked);
    SSL_CTX_set_default_passwd_cb_userdata(ctx, NULL);
    ERR_clear_error();
    return why;
}

/* ---- the end of a connection ---- */

struct lf_tls_end { /* shared by the context and who holds it */
    unsigned refs;
    bool said;
};

void lf_tls_end_drop(struct lf_tls_end *end)
{
    if (end && !--end->refs)
        free(end);
}

static void on_context_free(void *parent, void *end, CRYPTO_EX_DATA *ad, int idx,
                            long argl, void *argp)
{
    (void)parent, (void)ad, (void)idx, (void)argl, (void)argp;
    lf_tls_end_drop(end);
}

static int end_index(void)
{
    static int idx = -1;
    if (idx < 0)
        idx = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, on_context_free);
    return idx;
}

static struct lf_tls_end *end_of(const SSL *ssl)
{
    int idx = end_index();
    return idx < 0 ? NULL : SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), idx);
}

static void on_info(const SSL *ssl, int where, int what)
{
    struct lf_tls_end *end;
    if (where != SSL_CB_READ_ALERT || (what & 0xff) != SSL_AD_CLOSE_NOTIFY)
        return;
    end = end_of(ssl);
    if (end)
        end->said = true;
}

bool lf_tls_end_watch(SSL_CTX *ctx)
{
    int idx = end_index();
    struct lf_tls_end *end = idx < 0 ? NULL : calloc(1, sizeof *end);
    if (!end)
        return false;
    end->refs = 1;
    if (SSL_CTX_set_ex_data(ctx, idx, end) != 1) {
        free(end);
        return false;
    }
    SSL_CTX_set_info_callback(ctx, on_info);
    return true;
}

struct lf_tls_end *lf_tls_end_hold(SSL *ssl)
{
    struct lf_tls_end *end = end_of(ssl);
    if (end)
        end->refs++;
    return end;
}

bool lf_tls_end_was_said(const struct lf_tls_end *end)
{
    return end->said;
}
