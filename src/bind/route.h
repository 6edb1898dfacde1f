/* Options of the way to the server. Rows of the table in options.c. */
#ifndef LF_BIND_ROUTE_H
#define LF_BIND_ROUTE_H

#include "bind/reader.h"

lf_option_fn lf_read_way; /* a text of struct lf_way, or false: checked by the engine */
lf_option_fn lf_read_proxy;
lf_option_fn lf_read_guard; /* "public" or false: a bool */
lf_option_fn lf_read_tls;
lf_option_fn lf_read_ip;      /* 4, 6 or false: an int */
lf_option_fn lf_read_resolve; /* draft.c.resolve */
lf_option_fn lf_read_http_version;

#endif
