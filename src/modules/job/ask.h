/* From what a script says to operations: checked, canonical, encoded. Everything may
 * raise; the operation is in a box on the stack until it is taken out of it. */
#ifndef LF_JOB_ASK_H
#define LF_JOB_ASK_H

#include <lua.h>
#include <stdbool.h>
#include "http/url.h"
#include "modules/job/op.h"
#include "modules/job/engine.h"

struct ask_box {
    struct job_op *op; /* owned; NULL: taken */
};

/* What a claim may have: of a job, or of one claim. µs. */
struct ask_terms {
    int64_t term, per_host, gap;
};

/* [-0, +0, m] Once a state. */
void ask_register(lua_State *L);
/* [-0, +1, m] A box with a new operation. */
struct ask_box *ask_new(lua_State *L, enum job_op_kind kind);
/* [-0, +0, v] Read lease=, per_host= and rate= of the table at `idx`; nil: nothing. */
void ask_terms(lua_State *L, int idx, const char *who, struct ask_terms *t);
/* [-0, +0, v] The field as seconds in µs; `otherwise` when it is nil. */
int64_t ask_seconds(lua_State *L, int idx, const char *who, const char *name,
                    int64_t otherwise);
int64_t ask_count(lua_State *L, int idx, const char *who, const char *name,
                  int64_t otherwise);
/* [-0, +0, v] The number of an item or a page, 0 being before all. */
int64_t ask_number(lua_State *L, int idx, const char *who, const char *name);
bool ask_flag(lua_State *L, int idx, const char *who, const char *name, bool otherwise);
/* [-0, +0, v] Only these fields, ended by NULL, may be in the table at `idx`. */
void ask_only(lua_State *L, int idx, const char *who, const char *const *names);
/* [-0, +0, v] The lease of the page at `idx`. */
struct job_lease ask_lease(lua_State *L, int idx, const char *who);
/* [-0, +(0|2), v] Add the links of the list at `idx`: a string or {url=, depth=,
 * priority=, meta=} each. False: nil, Error is pushed. `url` is scratch. */
bool ask_links(lua_State *L, int idx, const char *who, struct lf_buf *out, int depth,
               const uint8_t secret[static JOB_KEY], struct lf_url *url);
/* [-0, +(0|2), v] Add the host that the text at `idx`, its name or a URL, is about. */
bool ask_host(lua_State *L, int idx, const char *who, struct lf_buf *out,
              struct lf_url *url);
/* [-0, +(0|2), v] Add pages as job:pages() gives them, or items as texts with their page,
 * of the list at `idx`. */
bool ask_pages(lua_State *L, int idx, const char *who, struct job_op *op,
               const uint8_t secret[static JOB_KEY], struct lf_url *url);
bool ask_copies(lua_State *L, int idx, const char *who, struct job_op *op,
                const uint8_t secret[static JOB_KEY], struct lf_url *url);
/* [-0, +0, v] Add the items of the list at `idx`. */
void ask_items(lua_State *L, int idx, const char *who, struct job_op *op);

#endif
