/* The monotonic clock, in seconds. */
#ifndef LF_BASE_CLOCK_H
#define LF_BASE_CLOCK_H

double lf_clock_now(void);

#endif
