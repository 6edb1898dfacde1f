/* Public suffixes ("com", "co.uk"): domains under which anybody may register, so that no
 * cookie may be set for them. Over libpsl and the list it brings, or the system's newer
 * one. Domains are ASCII (IDNA done) and in lower case; a dot at the end is none of it.
 */
#ifndef LF_HTTP_PSL_H
#define LF_HTTP_PSL_H

#include <stdbool.h>

/* Is it a public suffix? One label that no rule names ("localhost") is one too. */
bool lf_psl_is_suffix(const char *domain);

/* The part of `domain` that somebody registered, "example.co.uk" of "www.example.co.uk":
 * points into it. NULL for a public suffix. Addresses are none of ours: ask before. */
const char *lf_psl_registrable(const char *domain);

#endif
