/* Paths and patterns of robots.txt: the forms in which they are compared, and comparing.
 *
 * RFC 9309 §2.2.2 wants escapes of unreserved characters undone before comparing; the
 * parser that most sites were tried with compares as written. Both forms are kept, so
 * that robots.c can ask for both answers. */
#ifndef LF_HTTP_ROBOTS_PATH_H
#define LF_HTTP_ROBOTS_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"

/* Append a pattern as written: escapes in upper case, bytes from 0x80 escaped. */
enum lf_err lf_robots_written(const char *s, size_t n, struct lf_buf *out);

/* Append a path, or with `pattern` one that has '*' and a '$' at its end as operators, in
 * the form of RFC 9309: unreserved characters unescaped, all that may not stand in a URL
 * escaped, and what a pattern could take for an operator too. */
enum lf_err lf_robots_plain(const char *s, size_t n, bool pattern, struct lf_buf *out);

/* Whether the pattern fits the path, in time linear in both. Without `whole` the path was
 * cut, and no '$' fits. */
bool lf_robots_match(const char *pattern, size_t pattern_len, const char *path,
                     size_t path_len, bool whole);

#endif
