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
static void put_clean(FILE *to, const char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
            fprintf(to, "\\x%02x", c);
        else
            putc(c, to);
    }
}

static void put_line(FILE *to, enum lf_log_level level, const char *text)
{
    fputs(labels[level], to);
    put_clean(to, text);
    putc('\n', to);
}

/* In one write, if there is memory for it: other processes may use the same terminal. */
static void put(enum lf_log_level level, const char *text)
{
    char *line = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&line, &n);
    if (f)
        put_line(f, level, text);
    if (f && fclose(f) == 0)
        fwrite(line, 1, n, stderr);
    else
        put_line(stderr, level, text);
    free(line);
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
    put(level, text);
    if (text != small)
        free(text);
}
