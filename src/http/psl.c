/* Public suffixes by libpsl. The list is opened at the first question, and only then: most
 * scripts set no cookie. It stays open until the program ends. */
#include "http/psl.h"

#include <libpsl.h>
#include <pthread.h>

static const psl_ctx_t *list; /* owned; NULL: no list, then every single label is one */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void close_list(void)
{
    psl_free((psl_ctx_t *)list);
    list = NULL;
}
