/* Public suffixes by libpsl. The list is opened at the first question, and only then:
 * most scripts set no cookie. It stays open until the program ends. One thread only.
 *
 * libpsl takes some 10 microseconds for a name, nearly as long as all the rest of a
 * request, and every request of a session with cookies asks: so the last answers are
 * kept. */
#include "http/psl.h"

#include <libpsl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    NAME_MAX_LEN = 254, /* no name that DNS knows is longer */
    KEPT = 256,         /* answers, a power of two */
    KEPT_NAME = 62,     /* bytes of a name, so that an answer has 64 */
    NO_ANSWER = 255,
};

struct answer {
    unsigned char at;         /* where the registrable part begins; NO_ANSWER: none */
    char name[KEPT_NAME + 1]; /* with its NUL; "": nothing is kept here */
};

static const psl_ctx_t *open_list(void)
{
    static const psl_ctx_t *list; /* owned until the end */
    if (!list)
        list = psl_latest(NULL);
    return list ? list : psl_builtin();
}

/* Where the registrable part of `domain` begins, or NO_ANSWER. */
static unsigned char ask(const char *domain, size_t n)
{
    char copy[NAME_MAX_LEN + 1];
    /* libpsl does not take the dot of an absolute name for what it is, and says
     * "a.example" of ".a.example", which is no name. */
    if (n > 1 && domain[n - 1] == '.')
        n--;
    if (n == 0 || n > NAME_MAX_LEN || *domain == '.')
        return NO_ANSWER;
    memcpy(copy, domain, n);
    copy[n] = '\0';
    const char *found = psl_registrable_domain(open_list(), copy);
    return found ? (unsigned char)(found - copy) : NO_ANSWER;
}

static struct answer *place_of(const char *domain, size_t n)
{
    static struct answer kept[KEPT];
    uint32_t h = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)domain[i]) * 16777619u;
    return &kept[(h ^ h >> 16) & (KEPT - 1)];
}

const char *lf_psl_registrable(const char *domain)
{
    size_t n = strlen(domain);
    unsigned char at;
    if (n == 0 || n > KEPT_NAME) {
        at = ask(domain, n);
    } else {
        struct answer *a = place_of(domain, n);
        if (memcmp(a->name, domain, n + 1) != 0) {
            memcpy(a->name, domain, n + 1);
            a->at = ask(domain, n);
        }
        at = a->at;
    }
    return at == NO_ANSWER ? NULL : domain + at;
}

bool lf_psl_is_suffix(const char *domain)
{
    return !lf_psl_registrable(domain);
}
