/* How often each path was asked for with each ?key=…: what retry and replay tests ask
 * afterwards through /count. */
#ifndef FAULTD_TALLY_H
#define FAULTD_TALLY_H

#include <stdint.h>
#include "request.h"

/* Counts one more request and gives the new count. */
uint64_t tally_add(struct slice path, const char *key);
/* Calls `each` for every path that was asked for with that key. */
void tally_each(const char *key, void (*each)(void *arg, const char *path, uint64_t n),
                void *arg);
void tally_free(void);

#endif
