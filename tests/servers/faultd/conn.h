/* One client connection: reads requests one after the other, has a scene write a reply
 * for each, and plays it. A connection frees itself; nobody else holds one. */
#ifndef FAULTD_CONN_H
#define FAULTD_CONN_H

#include <stdint.h>

struct totals {
    uint64_t accepted, open, peak_open, requests, bytes_in, bytes_out;
};

extern struct totals totals;

void conn_open(int fd); /* takes the descriptor, which must be non-blocking */
void conn_close_all(void);

#endif
