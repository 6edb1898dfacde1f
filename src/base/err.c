/* Names of the kinds of failure. */
#include "base/err.h"

#define LF_ERR_NAME(id, name) name,
static const char *const names[] = {LF_ERR_KINDS(LF_ERR_NAME)};
#undef LF_ERR_NAME

const char *lf_err_name(enum lf_err err)
{
    unsigned n = (unsigned)err;
    return n < LF_ERR_COUNT ? names[n] : "unknown";
}
