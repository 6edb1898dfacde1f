/* Certificate stores by file name and time of change. */
#include "engine/tls.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <curl/curl.h>
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
