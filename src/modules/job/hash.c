/* SipHash-2-4 with a result of 128 bits; the names are the paper's. */
#include "modules/job/hash.h"

#include <string.h>

struct state {
    uint64_t v[4];
};

static uint64_t rotate(uint64_t x, int n)
{
    return x << n | x >> (64 - n);
}

static uint64_t load(const uint8_t *p, size_t n)
{
    uint64_t x = 0;
    for (size_t i = 0; i < n; i++)
        x |= (uint64_t)p[i] << (8 * i);
    return x;
}

static void store(uint8_t *p, uint64_t x)
{
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(x >> (8 * i));
}

static void rounds(struct state *s, int n)
{
    uint64_t *v = s->v;
    while (n-- > 0) {
        v[0] += v[1], v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0], v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1], v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2], v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

static void mix(struct state *s, uint64_t word)
{
    s->v[3] ^= word;
    rounds(s, 2);
    s->v[0] ^= word;
}

static uint64_t half(struct state *s, int at, uint64_t mark)
{
    s->v[at] ^= mark;
    rounds(s, 4);
    return s->v[0] ^ s->v[1] ^ s->v[2] ^ s->v[3];
}

void job_hash(const uint8_t secret[static JOB_KEY], const char *p, size_t n,
              uint8_t out[static JOB_KEY])
{
    const uint8_t *bytes = (const uint8_t *)p;
    uint64_t k0 = load(secret, 8), k1 = load(secret + 8, 8);
    struct state s = {{k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d ^ 0xee,
                       k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573}};
    size_t whole = n & ~(size_t)7;
    for (size_t i = 0; i < whole; i += 8)
        mix(&s, load(bytes + i, 8));
    mix(&s, load(bytes + whole, n - whole) | (uint64_t)n << 56);
    store(out, half(&s, 2, 0xee));
    store(out + 8, half(&s, 1, 0xdd));
}
