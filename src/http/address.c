/* IP addresses: parsing, networks, and what is not public. */
#include "http/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

bool lf_address_parse(struct lf_address *a, const char *s, size_t n)
{
    char text[INET6_ADDRSTRLEN];
    bool brackets = n > 2 && s[0] == '[' && s[n - 1] == ']';
    if (brackets)
        s++, n -= 2;
    if (!n || n >= sizeof text || memchr(s, '\0', n))
        return false;
    memcpy(text, s, n);
    text[n] = '\0';
    a->family = strchr(text, ':') ? AF_INET6 : AF_INET;
    return (!brackets || a->family == AF_INET6) &&
           inet_pton(a->family, text, a->raw) == 1;
}

bool lf_address_in(const struct lf_address *a, const struct lf_address *net,
                   unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    if (a->family != net->family || bits > (a->family == AF_INET ? 32 : 128))
        return false;
    if (memcmp(a->raw, net->raw, whole) != 0)
        return false;
    unsigned char mask = (unsigned char)(0xff00u >> rest);
    return !rest || (a->raw[whole] & mask) == (net->raw[whole] & mask);
}

struct block {
    unsigned char net[16];
    unsigned bits;
};

static const struct block closed4[] = {
    {{0}, 8},            /* this network */
    {{10}, 8},           /* private */
    {{100, 64}, 10},     /* behind a provider's NAT */
    {{127}, 8},          /* loopback */
    {{169, 254}, 16},    /* link-local, cloud metadata */
    {{172, 16}, 12},     /* private */
    {{192, 0, 0}, 24},   /* protocol assignments */
    {{192, 0, 2}, 24},   /* documentation */
    {{192, 88, 99}, 24}, /* 6to4 relays */
    {{192, 168}, 16},    /* private */
    {{198, 18}, 15},     /* benchmarks */
    {{198, 51, 100}, 24},
    {{203, 0, 113}, 24},
    {{224}, 4}, /* multicast */
    {{240}, 4}, /* reserved, broadcast */
};

/* Global unicast is 2000::/3; these are the parts of it that lead elsewhere. */
static const struct block closed6[] = {
    {{0x20, 0x01}, 23},             /* protocol assignments, Teredo */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
    {{0x3f, 0xff}, 20},             /* documentation */
};

static bool in_any(const struct lf_address *a, const struct block *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct lf_address net = {.family = a->family};
        memcpy(net.raw, list[i].net, sizeof net.raw);
        if (lf_address_in(a, &net, list[i].bits))
            return true;
    }
    return false;
}

#define IN(a, list) in_any(a, list, sizeof(list) / sizeof *(list))

/* Where an IPv4 address sits inside of an IPv6 one. */
static const struct {
    struct block prefix;
    unsigned at;
} wrapped[] = {
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96}, 12}, /* mapped */
    {{{0x00, 0x64, 0xff, 0x9b}, 96}, 12},                   /* NAT64 */
    {{{0x20, 0x02}, 16}, 2},                                /* 6to4 */
};

static bool unwrap(const struct lf_address *a, struct lf_address *inner)
{
    for (size_t i = 0; i < sizeof wrapped / sizeof *wrapped; i++) {
        if (!in_any(a, &wrapped[i].prefix, 1))
            continue;
        inner->family = AF_INET;
        memcpy(inner->raw, a->raw + wrapped[i].at, 4);
        return true;
    }
    return false;
}

bool lf_address_public(const struct lf_address *a)
{
    static const struct lf_address unicast = {AF_INET6, {0x20}};
    struct lf_address inner;
    if (a->family == AF_INET)
        return !IN(a, closed4);
    if (a->family != AF_INET6)
        return false;
    if (unwrap(a, &inner))
        return lf_address_public(&inner);
    return lf_address_in(a, &unicast, 3) && !IN(a, closed6);
}

bool lf_address_refuse(const struct sockaddr *sa, char text[LF_ADDRESS_TEXT])
{
    struct lf_address a = {.family = sa->sa_family};
    if (a.family == AF_INET)
        memcpy(a.raw, &((const struct sockaddr_in *)sa)->sin_addr, 4);
    else if (a.family == AF_INET6)
        memcpy(a.raw, &((const struct sockaddr_in6 *)sa)->sin6_addr, 16);
    if (lf_address_public(&a))
        return false;
    if (!inet_ntop(a.family, a.raw, text, LF_ADDRESS_TEXT))
        snprintf(text, LF_ADDRESS_TEXT, "an address of family %d", a.family);
    return true;
}
