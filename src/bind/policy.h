/* Options of policy: retry, rate, hosts. Rows of the table in options.c. */
#ifndef LF_BIND_POLICY_H
#define LF_BIND_POLICY_H

#include "bind/reader.h"

lf_option_fn lf_read_retry; /* false, a number of times, or a table: struct lf_retry */
lf_option_fn lf_read_rate;  /* false, a number, "auto" or a table: struct lf_rate */
lf_option_fn lf_read_hosts; /* pattern → {per_host=, rate=}: draft.rules */

#endif
