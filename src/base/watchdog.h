/* A watchdog: a thread that calls a function when a time has passed and nobody has
 * stopped it, whatever the rest of the program is doing then. One in a process. */
#ifndef LF_BASE_WATCHDOG_H
#define LF_BASE_WATCHDOG_H

#include <stdbool.h>

/* Call `bite`, in that thread, in so many seconds; set again, the earlier time holds.
 * False: no thread could be made. */
bool lf_watchdog_set(double seconds, void (*bite)(void));
void lf_watchdog_stop(void); /* harmless when there is none */

#endif
