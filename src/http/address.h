/* IP addresses as texts and as bytes: networks, and which addresses are on the public
 * internet. Source of the list: the IANA special-purpose registries (RFC 6890). */
#ifndef LF_HTTP_ADDRESS_H
#define LF_HTTP_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct lf_address {
    int family; /* AF_INET or AF_INET6 */
    unsigned char raw[16];
};

/* "127.0.0.1", "::1" or "[::1]"; false when it is none. */
bool lf_address_parse(struct lf_address *a, const char *s, size_t n);

/* Are the first `bits` bits those of `net`? False for another family. */
bool lf_address_in(const struct lf_address *a, const struct lf_address *net,
                   unsigned bits);

/* False for private, loopback, link-local, multicast, reserved and test addresses, also
 * when they are wrapped into an IPv6 address. */
bool lf_address_public(const struct lf_address *a);

enum { LF_ADDRESS_TEXT = 46 }; /* the longest text of an address, and its NUL */

/* Must a guard that lets public addresses pass refuse this one? Then `text` says what it
 * is. What is no IP address is refused. */
bool lf_address_refuse(const struct sockaddr *sa, char text[LF_ADDRESS_TEXT]);

#endif
