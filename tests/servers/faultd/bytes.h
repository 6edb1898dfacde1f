/* A growing byte buffer for the test servers. There is no error path: a test server that
 * runs out of memory ends with a message, which is the clearest thing it can do. */
#ifndef FAULTD_BYTES_H
#define FAULTD_BYTES_H

#include <stddef.h>

struct bytes {
    char *p; /* owned; NULL while nothing was added */
    size_t len, cap;
};

void bytes_free(struct bytes *b); /* b is empty and usable afterwards */

/* Make room for `more` bytes; gives the place where they go. */
char *bytes_reserve(struct bytes *b, size_t more);
void bytes_add(struct bytes *b, const void *p, size_t n);
void bytes_addf(struct bytes *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void bytes_drop(struct bytes *b, size_t at, size_t n); /* removes [at, at + n) */

/* Memory or nothing: never returns NULL. */
void *must_alloc(size_t n);

#endif
