/* The text of a selector as its compiler reads it (CSS Syntax §4). Functions that take
 * something from the text move the cursor and return false, with the error noted, when it
 * is not there. The first error stays. */
#ifndef LF_HTML_TOKEN_H
#define LF_HTML_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include "modules/html/selector.h"

struct lf_css_parser {
    const char *src, *at, *end; /* borrowed */
    struct lf_sel *sel;         /* borrowed: being made */
    struct lf_sel_error *err;   /* borrowed */
    bool failed;
    bool in_has;
    int nesting; /* of :not(), :is() … */
};

/* Note an error at `at`; NULL, so that any caller can return it. */
void *lf_css_fail(struct lf_css_parser *p, const char *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void *lf_css_fail_memory(struct lf_css_parser *p);
#define LF_CSS_FAIL(p, ...) lf_css_fail(p, (p)->at, __VA_ARGS__)

/* Zeroed memory that lives as long as the selector; NULL with the error noted. */
void *lf_css_alloc(struct lf_css_parser *p, size_t n, size_t align);
#define LF_CSS_NEW(p, type) ((type *)lf_css_alloc(p, sizeof(type), _Alignof(type)))

bool lf_css_is_name(char c);
bool lf_css_is_digit(char c);
bool lf_css_is_word(struct lf_sel_text t, const char *word);

char lf_css_peek(const struct lf_css_parser *p, size_t ahead); /* NUL behind the end */
bool lf_css_at_end(const struct lf_css_parser *p);
bool lf_css_is_ident_start(const struct lf_css_parser *p);
size_t lf_css_name_length(const struct lf_css_parser *p); /* at most: escapes shrink */

bool lf_css_accept(struct lf_css_parser *p, char c);
bool lf_css_skip_space(struct lf_css_parser *p); /* and comments; was there space? */
void lf_css_skip_comments(struct lf_css_parser *p);
bool lf_css_expect(struct lf_css_parser *p, char c, const char *where);
bool lf_css_take_word(struct lf_css_parser *p, const char *word); /* notes no error */
bool lf_css_take_ident(struct lf_css_parser *p, struct lf_sel_text *out, bool lower,
                       const char *what);
bool lf_css_take_string(struct lf_css_parser *p, struct lf_sel_text *out);
int lf_css_take_int(struct lf_css_parser *p); /* digits; stays at INT_MAX */

/* What stands at the cursor, for a message. */
const char *lf_css_here(const struct lf_css_parser *p, char out[16]);

#endif
