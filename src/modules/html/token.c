/* Reading the text of a selector: white space, names, strings, numbers and escapes as CSS
 * Syntax has them, and the memory that what was read is kept in. */
#include "modules/html/token.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct lf_sel_block {
    struct lf_sel_block *next;
    size_t used, cap;
    _Alignas(max_align_t) char bytes[];
};

void *lf_css_fail(struct lf_css_parser *p, const char *at, const char *fmt, ...)
{
    if (p->failed)
        return NULL; /* the first one tells the most */
    p->failed = true;
    p->err->at = 1;
    for (const char *c = p->src; c < at; c++)
        p->err->at += ((unsigned char)*c & 0xc0) != 0x80;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(p->err->message, sizeof p->err->message, fmt, ap);
    va_end(ap);
    return NULL;
}

void *lf_css_fail_memory(struct lf_css_parser *p)
{
    LF_CSS_FAIL(p, "not enough memory");
    p->err->at = 0;
    return NULL;
}

void *lf_css_alloc(struct lf_css_parser *p, size_t n, size_t align)
{
    struct lf_sel_block *b = p->sel->blocks;
    size_t at = b ? (b->used + align - 1) & ~(align - 1) : 0;
    if (!b || at + n > b->cap) {
        size_t cap = n > 960 ? n : 960;
        b = malloc(sizeof *b + cap);
        if (!b)
            return lf_css_fail_memory(p);
        b->next = p->sel->blocks;
        b->cap = cap;
        p->sel->blocks = b;
        at = 0;
    }
    b->used = at + n;
    return memset(b->bytes + at, 0, n);
}

/* --- tokens (CSS Syntax §4) --- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

bool lf_css_is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '_' || (unsigned char)c >= 0x80;
}

bool lf_css_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int hex_value(char c)
{
    if (lf_css_is_digit(c))
        return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char lf_css_peek(const struct lf_css_parser *p, size_t ahead)
{
    return (size_t)(p->end - p->at) > ahead ? p->at[ahead] : '\0';
}

bool lf_css_at_end(const struct lf_css_parser *p)
{
    return p->at == p->end;
}

bool lf_css_accept(struct lf_css_parser *p, char c)
{
    if (lf_css_at_end(p) || *p->at != c)
        return false;
    p->at++;
    return true;
}

static bool skip_comment(struct lf_css_parser *p)
{
    if (lf_css_peek(p, 0) != '/' || lf_css_peek(p, 1) != '*')
        return false;
    const char *close = memmem(p->at + 2, (size_t)(p->end - p->at - 2), "*/", 2);
    p->at = close ? close + 2 : p->end;
    return true;
}

void lf_css_skip_comments(struct lf_css_parser *p)
{
    while (skip_comment(p))
        ;
}

bool lf_css_skip_space(struct lf_css_parser *p)
{
    bool space = false;
    for (;;) {
        if (!lf_css_at_end(p) && is_space(*p->at))
            space = true, p->at++;
        else if (!skip_comment(p))
            return space;
    }
}

bool lf_css_expect(struct lf_css_parser *p, char c, const char *where)
{
    lf_css_skip_space(p);
    if (lf_css_accept(p, c))
        return true;
    LF_CSS_FAIL(
        p, lf_css_at_end(p) ? "'%c' missing at the end of %s" : "'%c' expected in %s", c,
        where);
    return false;
}

/* How the thing at the cursor is called in a message. */
const char *lf_css_here(const struct lf_css_parser *p, char out[16])
{
    if (lf_css_at_end(p)) {
        snprintf(out, 16, "the end");
        return out;
    }
    size_t n = 1;
    while (n < 4 && p->at + n < p->end && ((unsigned char)p->at[n] & 0xc0) == 0x80)
        n++;
    snprintf(out, 16, "'%.*s'", (int)n, p->at);
    return out;
}

static bool is_escape(const struct lf_css_parser *p, size_t ahead)
{
    char next = lf_css_peek(p, ahead + 1);
    return lf_css_peek(p, ahead) == '\\' && (size_t)(p->end - p->at) > ahead + 1 &&
           next != '\n' && next != '\r' && next != '\f';
}

static bool is_name_start(const struct lf_css_parser *p, size_t ahead)
{
    char c = lf_css_peek(p, ahead);
    return is_escape(p, ahead) || (lf_css_is_name(c) && !lf_css_is_digit(c) && c != '-');
}

bool lf_css_is_ident_start(const struct lf_css_parser *p)
{
    if (lf_css_peek(p, 0) == '-')
        return lf_css_peek(p, 1) == '-' || is_name_start(p, 1);
    return is_name_start(p, 0);
}

static size_t put_utf8(char *out, unsigned c)
{
    if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        c = 0xfffd;
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(lead[n] | c);
    return n;
}

/* The cursor stands on a backslash. Writes at most as many bytes as 1.5 times what it
 * reads ("\0" is three bytes). */
static size_t take_escape(struct lf_css_parser *p, char *out)
{
    p->at++;
    if (hex_value(*p->at) < 0) {
        *out = *p->at++;
        return 1; /* the rest of a multi-byte character follows as itself */
    }
    unsigned c = 0;
    for (int i = 0; i < 6 && !lf_css_at_end(p) && hex_value(*p->at) >= 0; i++)
        c = c * 16 + (unsigned)hex_value(*p->at++);
    if (lf_css_peek(p, 0) == '\r' && lf_css_peek(p, 1) == '\n')
        p->at++;
    if (!lf_css_at_end(p) && is_space(*p->at))
        p->at++;
    return put_utf8(out, c);
}

/* Room for whatever the text from the cursor up to `n` bytes on may decode to. */
static char *text_room(struct lf_css_parser *p, size_t n)
{
    return lf_css_alloc(p, n + n / 2 + 4, 1);
}

size_t lf_css_name_length(const struct lf_css_parser *p)
{
    size_t n = 0;
    for (;;) {
        if (is_escape(p, n)) {
            n += 2;
            for (int i = 0; i < 7 && (hex_value(lf_css_peek(p, n)) >= 0 ||
                                      is_space(lf_css_peek(p, n)));
                 i++)
                n++;
        } else if (lf_css_is_name(lf_css_peek(p, n))) {
            n++;
        } else {
            return n;
        }
    }
}

static void lower_ascii(struct lf_sel_text *t, char *p)
{
    for (size_t i = 0; i < t->n; i++)
        if (p[i] >= 'A' && p[i] <= 'Z')
            p[i] = (char)(p[i] + 32);
}

static bool take_name(struct lf_css_parser *p, struct lf_sel_text *out, bool lower)
{
    char *room = text_room(p, lf_css_name_length(p)), *to = room;
    if (!room)
        return false;
    for (;;) {
        if (is_escape(p, 0))
            to += take_escape(p, to);
        else if (lf_css_is_name(lf_css_peek(p, 0)))
            *to++ = *p->at++;
        else
            break;
    }
    *out = (struct lf_sel_text){room, (size_t)(to - room)};
    if (lower)
        lower_ascii(out, room);
    return true;
}

bool lf_css_take_ident(struct lf_css_parser *p, struct lf_sel_text *out, bool lower,
                       const char *what)
{
    char here[16];
    if (!lf_css_is_ident_start(p))
        return LF_CSS_FAIL(p, "%s expected, found %s", what, lf_css_here(p, here));
    return take_name(p, out, lower);
}

bool lf_css_take_string(struct lf_css_parser *p, struct lf_sel_text *out)
{
    const char *open = p->at;
    char quote = *p->at++;
    const char *close = p->at;
    while (close < p->end && *close != quote)
        close += *close == '\\' && close + 1 < p->end ? 2 : 1;
    char *room = text_room(p, (size_t)(close - p->at)), *to = room;
    if (!room)
        return false;
    while (!lf_css_at_end(p) && *p->at != quote) {
        if (is_escape(p, 0)) {
            to += take_escape(p, to);
        } else if (*p->at == '\\') { /* an escaped line break is nothing */
            p->at += lf_css_peek(p, 1) == '\r' && lf_css_peek(p, 2) == '\n' ? 3
                     : lf_css_at_end(p)                                     ? 1
                                                                            : 2;
            if (p->at > p->end)
                p->at = p->end;
        } else if (*p->at == '\n' || *p->at == '\r' || *p->at == '\f') {
            return LF_CSS_FAIL(p, "a string must not contain a line break");
        } else {
            *to++ = *p->at++;
        }
    }
    if (!lf_css_accept(p, quote))
        return lf_css_fail(p, open, "the string is not closed");
    *out = (struct lf_sel_text){room, (size_t)(to - room)};
    return true;
}

bool lf_css_is_word(struct lf_sel_text t, const char *word)
{
    return t.n == strlen(word) && memcmp(t.p, word, t.n) == 0;
}

int lf_css_take_int(struct lf_css_parser *p)
{
    int n = 0;
    while (lf_css_is_digit(lf_css_peek(p, 0))) {
        int digit = *p->at++ - '0';
        n = n > (INT_MAX - digit) / 10 ? INT_MAX : n * 10 + digit;
    }
    return n;
}

bool lf_css_take_word(struct lf_css_parser *p, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(p->end - p->at) < n || strncasecmp(p->at, word, n) != 0 ||
        lf_css_is_name(lf_css_peek(p, n)))
        return false;
    p->at += n;
    return true;
}

void lf_sel_free(struct lf_sel *sel)
{
    if (!sel)
        return;
    for (struct lf_sel_block *b = sel->blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(sel);
}
