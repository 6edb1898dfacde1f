/* A body that goes to a file: under a temporary name while it arrives, under its own when
 * it is whole and on the disk. Never a part of it under the final name. */
#ifndef LF_ENGINE_SAVE_H
#define LF_ENGINE_SAVE_H

#include "engine/engine.h"

struct lf_save;

/* Prepare; with opts.resume look for what is there and add Range and If-Range to the
 * request's headers. LF_EREQUEST for a checksum that is none, LF_ERESOURCE. */
enum lf_err lf_save_new(struct lf_req *req, const struct lf_opts *o, const char **why);
/* Closes; removes the temporary file unless it can be resumed. NULL is fine. */
void lf_save_free(struct lf_save *s);

/* The head is there: open the file if this answer is to be saved. False: failed. */
bool lf_save_begin(struct lf_req *req);
/* The part that was to be continued is of no use to the server: once more from the start.
 */
bool lf_save_restarts(struct lf_req *req);
/* Another attempt: what this one wrote is thrown away, or with opts.resume gone on from.
 */
enum lf_err lf_save_again(struct lf_req *req);
bool lf_save_active(const struct lf_save *s); /* bytes go to the file, not to memory */
bool lf_save_write(struct lf_req *req, const char *p, size_t n);
/* The body is whole: check and sync it in a thread, then rename it. True: lf_req_saved is
 * called later. False: it failed. */
bool lf_save_finish(struct lf_req *req);
uint64_t lf_save_size(const struct lf_save *s);
const char *lf_save_path(const struct lf_save *s);
/* Count in what an earlier try left; plain: the file gets what comes on the wire. */
void lf_save_amounts(const struct lf_save *s, bool plain, struct lf_amounts *a);
/* Whose file it is that stands in eng->saves; fills in all but the amounts. */
const struct lf_req *lf_save_of_link(struct lf_list *link, struct lf_download *d);

void lf_req_saved(struct lf_req *req); /* req.c */

#endif
