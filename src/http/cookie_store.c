/* The jar's memory: buckets by registrable domain, since no cookie crosses it; in a
 * bucket cookies stand in the order in which they are sent. Expired ones go as soon
 * as anybody looks. */
#include "http/cookie_store.h"

#include <stdlib.h>
#include <string.h>
#include "http/cookie_parse.h"
#include "http/psl.h"

struct lf_jar {
    struct lf_bucket **heads; /* owned; NULL: nothing was ever put in */
    size_t nheads;            /* a power of two */
    size_t nbuckets, ncookies, evicted;
    uint64_t seq;
    int64_t soonest;    /* nothing expires before */
    struct lf_list lru; /* borrowed: struct lf_entry */
    unsigned holds;
};

/* --- buckets --- */

static uint32_t hash_of(struct lf_span s)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)s.p[i]) * 16777619u;
    return h;
}

/* The host or domain is followed by a NUL. */
static struct lf_span bucket_key(struct lf_span host)
{
    const char *top = lf_host_is_address(host) ? NULL : lf_psl_registrable(host.p);
    if (!top)
        return host;
    return (struct lf_span){top, host.len - (size_t)(top - host.p)};
}

static struct lf_bucket *find_bucket(const struct lf_jar *jar, struct lf_span key)
{
    uint32_t hash = hash_of(key);
    struct lf_bucket *b = jar->heads ? jar->heads[hash & (jar->nheads - 1)] : NULL;
    while (b && !(b->hash == hash && b->key_len == key.len &&
                  memcmp(b->key, key.p, key.len) == 0))
        b = b->next;
    return b;
}

static enum lf_err grow_heads(struct lf_jar *jar)
{
    size_t n = jar->nheads ? jar->nheads * 4 : 4;
    struct lf_bucket **heads = calloc(n, sizeof *heads);
    if (!heads)
        return LF_ERESOURCE;
    for (size_t i = 0; i < jar->nheads; i++) {
        for (struct lf_bucket *b = jar->heads[i], *next; b; b = next) {
            next = b->next;
            b->next = heads[b->hash & (n - 1)];
            heads[b->hash & (n - 1)] = b;
        }
    }
    free(jar->heads);
    jar->heads = heads;
    jar->nheads = n;
    return LF_OK;
}

static struct lf_bucket *make_bucket(struct lf_jar *jar, struct lf_span key)
{
    if (jar->nbuckets >= jar->nheads && grow_heads(jar) != LF_OK)
        return NULL;
    struct lf_bucket *b = calloc(1, sizeof *b + key.len);
    if (!b)
        return NULL;
    b->hash = hash_of(key);
    b->key_len = key.len;
    memcpy(b->key, key.p, key.len);
    b->next = jar->heads[b->hash & (jar->nheads - 1)];
    jar->heads[b->hash & (jar->nheads - 1)] = b;
    jar->nbuckets++;
    return b;
}

/* Take an empty bucket away. */
static void drop_bucket(struct lf_jar *jar, struct lf_bucket *b)
{
    struct lf_bucket **at = &jar->heads[b->hash & (jar->nheads - 1)];
    while (*at != b)
        at = &(*at)->next;
    *at = b->next;
    jar->nbuckets--;
    free(b->v);
    free(b);
}

/* --- cookies in a bucket --- */

static bool is_before(const struct lf_entry *a, const struct lf_entry *b)
{
    if (a->c.path.len != b->c.path.len)
        return a->c.path.len > b->c.path.len;
    return a->seq < b->seq;
}

static enum lf_err bucket_reserve(struct lf_bucket *b)
{
    if (b->n < b->cap)
        return LF_OK;
    size_t cap = b->cap ? b->cap * 2 : 4;
    struct lf_entry **v = realloc(b->v, cap * sizeof(*v));
    if (!v)
        return LF_ERESOURCE;
    b->v = v;
    b->cap = cap;
    return LF_OK;
}

/* There is room for it. */
static void bucket_insert(struct lf_jar *jar, struct lf_bucket *b, struct lf_entry *e)
{
    size_t i = b->n++;
    for (; i > 0 && is_before(e, b->v[i - 1]); i--)
        b->v[i] = b->v[i - 1];
    b->v[i] = e;
    jar->ncookies++;
}

static void entry_free(struct lf_entry *e)
{
    lf_list_remove(&e->lru);
    free(e);
}

static void bucket_remove(struct lf_jar *jar, struct lf_bucket *b, size_t i)
{
    entry_free(b->v[i]);
    memmove(b->v + i, b->v + i + 1, (--b->n - i) * sizeof(*b->v));
    jar->ncookies--;
}

struct pick { /* all of these; a part whose p is NULL is any */
    struct lf_span domain, path, name;
    int64_t expired; /* by then; INT64_MIN: whatever */
};

static bool is_picked(const struct lf_entry *e, const struct pick *p)
{
    return (!p->domain.p || lf_span_eq(e->c.domain, p->domain)) &&
           (!p->path.p || lf_span_eq(e->c.path, p->path)) &&
           (!p->name.p || lf_span_eq(e->c.name, p->name)) &&
           (p->expired == INT64_MIN || e->c.expires <= p->expired);
}

/* Remove the picked ones; the bucket may be empty then. */
static size_t bucket_purge(struct lf_jar *jar, struct lf_bucket *b, const struct pick *p)
{
    size_t kept = 0, n = b->n;
    for (size_t i = 0; i < n; i++) {
        if (is_picked(b->v[i], p))
            entry_free(b->v[i]);
        else
            b->v[kept++] = b->v[i];
    }
    b->n = kept;
    jar->ncookies -= n - kept;
    return n - kept;
}

static size_t jar_purge(struct lf_jar *jar, const struct pick *p)
{
    size_t n = 0;
    for (size_t i = 0; i < jar->nheads; i++) {
        for (struct lf_bucket *b = jar->heads[i], *next; b; b = next) {
            next = b->next;
            n += bucket_purge(jar, b, p);
            if (!b->n)
                drop_bucket(jar, b);
        }
    }
    return n;
}

static void purge_expired(struct lf_jar *jar, int64_t now)
{
    if (now < jar->soonest)
        return;
    jar_purge(jar, &(struct pick){.expired = now});
    jar->soonest = INT64_MAX;
    LF_LIST_EACH_SAFE (&jar->lru, it, tmp) {
        const struct lf_cookie *c = &lf_container(it, struct lf_entry, lru)->c;
        if (c->expires < jar->soonest)
            jar->soonest = c->expires;
    }
}

/* --- eviction --- */

/* Is a to go before b? Insecure ones first, then the least recently used (§5.7). */
static bool goes_first(const struct lf_entry *a, const struct lf_entry *b)
{
    if (a->c.secure != b->c.secure)
        return !a->c.secure;
    if (a->c.used != b->c.used)
        return a->c.used < b->c.used;
    return a->seq < b->seq;
}

/* Keeps the cookies of one domain within their number; the bucket stays non-empty. */
static void evict_of_domain(struct lf_jar *jar, struct lf_bucket *b,
                            struct lf_span domain)
{
    size_t count = 0, victim = 0;
    for (size_t i = 0; i < b->n; i++) {
        if (!lf_span_eq(b->v[i]->c.domain, domain))
            continue;
        if (count++ == 0 || goes_first(b->v[i], b->v[victim]))
            victim = i;
    }
    if (count <= LF_COOKIES_PER_DOMAIN)
        return;
    bucket_remove(jar, b, victim);
    jar->evicted++;
}

/* Expired ones are gone already: the least recently used goes. */
static void evict_of_jar(struct lf_jar *jar)
{
    if (jar->ncookies <= LF_COOKIES_PER_JAR)
        return;
    const struct lf_entry *victim = lf_container(jar->lru.next, struct lf_entry, lru);
    struct lf_bucket *b = find_bucket(jar, bucket_key(victim->c.domain));
    size_t i = 0;
    while (b->v[i] != victim)
        i++;
    bucket_remove(jar, b, i);
    jar->evicted++;
    if (!b->n)
        drop_bucket(jar, b);
}

void lf_jar_touch(struct lf_jar *jar, struct lf_entry *e, int64_t now)
{
    e->c.used = now;
    lf_list_remove(&e->lru);
    lf_list_append(&jar->lru, &e->lru);
}

struct lf_bucket *lf_jar_find(struct lf_jar *jar, struct lf_span host, int64_t now)
{
    purge_expired(jar, now);
    return jar->ncookies ? find_bucket(jar, bucket_key(host)) : NULL;
}

/* --- storing --- */

static struct lf_span put_span(char **w, struct lf_span s)
{
    struct lf_span copy = {*w, s.len};
    if (s.len)
        memcpy(*w, s.p, s.len);
    (*w)[s.len] = '\0';
    *w += s.len + 1;
    return copy;
}

static size_t text_size(const struct lf_cookie *c)
{
    return c->name.len + c->value.len + c->domain.len + c->path.len + 4;
}

static void put_texts(char **w, struct lf_cookie *c)
{
    c->name = put_span(w, c->name);
    c->value = put_span(w, c->value);
    c->domain = put_span(w, c->domain);
    c->path = put_span(w, c->path);
}

static struct lf_entry *entry_new(const struct lf_cookie *c)
{
    struct lf_entry *e = malloc(sizeof *e + text_size(c));
    if (!e)
        return NULL;
    char *w = e->text;
    e->c = *c;
    put_texts(&w, &e->c);
    return e;
}

static bool is_same(const struct lf_cookie *a, const struct lf_cookie *b)
{
    return a->host_only == b->host_only && lf_span_eq(a->name, b->name) &&
           lf_span_eq(a->domain, b->domain) && lf_span_eq(a->path, b->path);
}

static size_t find_same(const struct lf_bucket *b, const struct lf_cookie *c)
{
    size_t i = 0;
    while (i < b->n && !is_same(&b->v[i]->c, c))
        i++;
    return i;
}

/* In the place of the one it replaces, if there is one: that keeps its age. */
static void place(struct lf_jar *jar, struct lf_bucket *b, struct lf_entry *e,
                  size_t same)
{
    e->seq = jar->seq++;
    lf_list_append(&jar->lru, &e->lru);
    if (e->c.expires < jar->soonest)
        jar->soonest = e->c.expires;
    if (same == b->n) {
        bucket_insert(jar, b, e);
        return;
    }
    e->seq = b->v[same]->seq;
    e->c.created = b->v[same]->c.created;
    entry_free(b->v[same]);
    b->v[same] = e;
}

static void remove_same(struct lf_jar *jar, struct lf_bucket *b,
                        const struct lf_cookie *c)
{
    size_t same = find_same(b, c);
    if (same < b->n)
        bucket_remove(jar, b, same);
    if (!b->n)
        drop_bucket(jar, b);
}

enum lf_err lf_jar_put(struct lf_jar *jar, const struct lf_cookie *c, int64_t now)
{
    struct lf_span key = bucket_key(c->domain);
    purge_expired(jar, now);
    struct lf_bucket *b = find_bucket(jar, key);
    if (c->expires <= now) {
        if (b)
            remove_same(jar, b, c);
        return LF_OK;
    }
    if (!b)
        b = make_bucket(jar, key);
    struct lf_entry *e = b && bucket_reserve(b) == LF_OK ? entry_new(c) : NULL;
    if (!e) {
        if (b && !b->n)
            drop_bucket(jar, b);
        return LF_ERESOURCE;
    }
    place(jar, b, e, find_same(b, c));
    evict_of_domain(jar, b, e->c.domain);
    evict_of_jar(jar);
    return LF_OK;
}

/* --- the jar --- */

struct lf_jar *lf_jar_new(void)
{
    struct lf_jar *jar = calloc(1, sizeof *jar);
    if (!jar)
        return NULL;
    jar->holds = 1;
    jar->soonest = INT64_MAX;
    lf_list_init(&jar->lru);
    return jar;
}

struct lf_jar *lf_jar_hold(struct lf_jar *jar)
{
    jar->holds++;
    return jar;
}

void lf_jar_free(struct lf_jar *jar)
{
    if (!jar || --jar->holds)
        return;
    lf_jar_clear(jar);
    free(jar->heads);
    free(jar);
}

void lf_jar_clear(struct lf_jar *jar)
{
    jar_purge(jar, &(struct pick){.expired = INT64_MIN});
}

size_t lf_jar_count(const struct lf_jar *jar)
{
    return jar->ncookies;
}

size_t lf_jar_evicted(const struct lf_jar *jar)
{
    return jar->evicted;
}

size_t lf_jar_delete(struct lf_jar *jar, struct lf_span domain, struct lf_span path,
                     struct lf_span name)
{
    return jar_purge(jar, &(struct pick){domain, path, name, INT64_MIN});
}

static int by_age(const void *a, const void *b)
{
    uint64_t x = (*(struct lf_entry *const *)a)->seq;
    uint64_t y = (*(struct lf_entry *const *)b)->seq;
    return x < y ? -1 : x > y;
}

/* `out` has room for all. */
static void copy_cookies(struct lf_entry **v, size_t n, struct lf_buf *out)
{
    struct lf_cookie *to = (struct lf_cookie *)out->p;
    char *w = out->p + n * sizeof *to;
    for (size_t i = 0; i < n; i++) {
        to[i] = v[i]->c;
        put_texts(&w, &to[i]);
    }
}

static size_t gather(const struct lf_jar *jar, struct lf_entry **v)
{
    size_t n = 0, bytes = 0;
    for (struct lf_list *it = jar->lru.next; it != &jar->lru; it = it->next) {
        v[n] = lf_container(it, struct lf_entry, lru);
        bytes += sizeof(struct lf_cookie) + text_size(&v[n++]->c);
    }
    qsort(v, n, sizeof(*v), by_age);
    return bytes;
}

enum lf_err lf_jar_list(struct lf_jar *jar, int64_t now, struct lf_buf *out,
                        const struct lf_cookie **list, size_t *n)
{
    *n = 0;
    purge_expired(jar, now);
    if (!jar->ncookies)
        return LF_OK;
    struct lf_entry **v = malloc(jar->ncookies * sizeof(*v));
    if (!v)
        return LF_ERESOURCE;
    enum lf_err err = lf_buf_reserve(out, gather(jar, v));
    if (!err) {
        copy_cookies(v, jar->ncookies, out);
        *list = (const struct lf_cookie *)out->p;
        *n = jar->ncookies;
    }
    free(v);
    return err;
}
