/* Levelled diagnostics on stderr; a control byte never reaches the terminal as such. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static enum lf_log_level threshold = LF_LOG_WARN;
static void (*hook)(void *arg);
static void *hook_arg; /* borrowed: until the hook is set anew */

static const char *const labels[] = {"debug: ", "info: ", "warning: ", "error: "};

void lf_log_set_level(enum lf_log_level level)
{
    threshold = level;
}

enum lf_log_level lf_log_get_level(void)
{
    return threshold;
}

void lf_log_set_hook(void (*before)(void *arg), void *arg)
{
    hook = before;
    hook_arg = arg;
}

void lf_log_clear_line(void)
{
    if (hook)
        hook(hook_arg);
}

/* Text from the network may hold escape sequences; only line ends and tabs pass. */
static void put_clean(const char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
            fprintf(stderr, "\\x%02x", c);
        else
            putc(c, stderr);
    }
}

void lf_log(enum lf_log_level level, const char *fmt, ...)
{
    if (level < threshold || level >= LF_LOG_NONE)
        return;
    char small[512];
    char *text = small;
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(small, sizeof small, fmt, ap);
    va_end(ap);
    if (n >= (int)sizeof small) {
        text = malloc((size_t)n + 1);
        if (text) {
            va_start(ap, fmt);
            vsnprintf(text, (size_t)n + 1, fmt, ap);
            va_end(ap);
        } else {
            text = small;
        }
    }
    lf_log_clear_line();
    fputs(labels[level], stderr);
    put_clean(text);
    putc('\n', stderr);
    if (text != small)
        free(text);
}
