/* One line for one download, for a terminal: its name, a bar when the size is known, how
 * much is there, how fast it comes and how long it will take. Plain C: knows no Lua. */
#ifndef LF_BIND_BARS_H
#define LF_BIND_BARS_H

#include <stddef.h>
#include "engine/engine.h"

enum { LF_BAR_ROOM = 512 }; /* bytes that a line may need, the NUL included */

/* Into `out`, at most `columns` wide; returns its bytes. */
size_t lf_bar_format(const struct lf_download *d, double now, size_t columns,
                     char out[static LF_BAR_ROOM]);

#endif
