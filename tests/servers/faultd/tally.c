/* tally.h: a chained hash table by key; the paths of one key share its chain. */
#include "tally.h"

#include <stdlib.h>
#include <string.h>

#define CHAINS      4096
#define MAX_ENTRIES 1000000

struct entry {
    struct entry *next; /* owned */
    uint64_t count;
    const char *path; /* lies after the key in `key` */
    char key[];
};

static struct entry *chains[CHAINS];
static size_t entries;

static struct entry **chain_of(const char *key)
{
    uint32_t h = 2166136261u;
    for (const char *p = key; *p; p++)
        h = (h ^ (unsigned char)*p) * 16777619u;
    return &chains[h % CHAINS];
}

static bool fits(const struct entry *e, struct slice path, const char *key)
{
    return strcmp(e->key, key) == 0 && strlen(e->path) == path.len &&
           memcmp(e->path, path.p, path.len) == 0;
}

static struct entry *add_entry(struct entry **chain, struct slice path, const char *key)
{
    size_t n = strlen(key) + 1;
    struct entry *e = must_alloc(sizeof *e + n + path.len + 1);
    memcpy(e->key, key, n);
    memcpy(e->key + n, path.p, path.len);
    e->path = e->key + n;
    e->next = *chain;
    *chain = e;
    entries++;
    return e;
}

uint64_t tally_add(struct slice path, const char *key)
{
    struct entry **chain = chain_of(key), *e = *chain;
    while (e && !fits(e, path, key))
        e = e->next;
    if (!e && entries < MAX_ENTRIES)
        e = add_entry(chain, path, key);
    return e ? ++e->count : 0;
}

void tally_each(const char *key, void (*each)(void *arg, const char *path, uint64_t n),
                void *arg)
{
    for (struct entry *e = *chain_of(key); e; e = e->next)
        if (strcmp(e->key, key) == 0)
            each(arg, e->path, e->count);
}

void tally_free(void)
{
    for (size_t i = 0; i < CHAINS; i++)
        while (chains[i]) {
            struct entry *e = chains[i];
            chains[i] = e->next;
            free(e);
        }
}
