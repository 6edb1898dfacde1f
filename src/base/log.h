/* Diagnostics on stderr, one line each, by level. The progress line, if one stands on the
 * terminal, is erased first through the hook, so that the two never mix. */
#ifndef LF_BASE_LOG_H
#define LF_BASE_LOG_H

enum lf_log_level { LF_LOG_DEBUG, LF_LOG_INFO, LF_LOG_WARN, LF_LOG_ERROR, LF_LOG_NONE };

void lf_log_set_level(enum lf_log_level level); /* default LF_LOG_WARN */
enum lf_log_level lf_log_get_level(void);

/* Called before anything is written; NULL for none. */
void lf_log_set_hook(void (*before)(void *arg), void *arg);

/* Runs the hook; for others who write to the terminal. */
void lf_log_clear_line(void);

void lf_log(enum lf_log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
