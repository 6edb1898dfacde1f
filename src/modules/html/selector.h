/* CSS selectors (Selectors Level 3, and of Level 4 :is :where :has, "of S", flags i and
 * s), compiled once and matched over libxml2 trees of HTML or of XML documents. In XML
 * names keep their case, values are never folded, and elements have namespaces.
 *
 * A selector list is alternatives; an alternative is compounds from right to left; a
 * compound is parts that must all hold. #id and .class are attribute parts: [id="…"] and
 * [class~="…"]. A compiled selector is read-only but for the names bound to a document.
 */
#ifndef LF_HTML_SELECTOR_H
#define LF_HTML_SELECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <libxml/tree.h>
#include "modules/html/memo.h"

#define LF_SEL_MAX_LENGTH  65536 /* bytes of a selector */
#define LF_SEL_MAX_NESTING 16    /* :not(:is(…)) */

enum lf_sel_kind {
    LF_SEL_TYPE,
    LF_SEL_NAMESPACE, /* of the element */
    LF_SEL_ATTR,
    LF_SEL_NTH, /* every child-indexed one: :first-child is 0n+1 */
    LF_SEL_ROOT,
    LF_SEL_EMPTY,
    LF_SEL_IS,
    LF_SEL_NOT,
    LF_SEL_HAS,
    LF_SEL_LANG,
    LF_SEL_ENABLED,
    LF_SEL_DISABLED,
    LF_SEL_CHECKED,
    LF_SEL_LINK,
    LF_SEL_TARGET,
    LF_SEL_SCOPE,
    LF_SEL_ANCHOR, /* what a :has() hangs on */
    LF_SEL_NEVER,  /* valid, and without meaning in a document at rest: :hover */
    LF_SEL_KINDS
};

struct lf_sel_text {
    const char *p; /* ends in a NUL that n does not count */
    size_t n;
};

enum lf_sel_ns { LF_SEL_NS_ANY, LF_SEL_NS_NONE, LF_SEL_NS_PREFIX };

struct lf_sel_part {
    struct lf_sel_part *next;  /* of the compound */
    struct lf_sel_part *older; /* of the selector, for binding */
    struct lf_sel_text name;   /* of the element or attribute; empty: none */
    struct lf_sel_text value;  /* attribute value, or language */
    const xmlChar *bound;      /* `name` in the document's dictionary, or NULL */
    struct lf_sel_text prefix; /* of LF_SEL_NS_PREFIX */
    const char *uri;           /* what `prefix` means, while bound */
    struct lf_sel_alt *list;   /* argument of :is :not :has, "of S" */
    int a, b;                  /* an+b */
    unsigned char kind;        /* enum lf_sel_kind */
    unsigned char ns;          /* enum lf_sel_ns; of HTML nothing has one */
    char op;                   /* attribute: 0 = ~ | ^ $ * */
    bool fold;                 /* attribute: ASCII case does not matter */
    bool from_end, of_type;    /* nth */
};

struct lf_sel_compound {
    struct lf_sel_part *parts;
    struct lf_sel_compound *left; /* NULL at the left end */
    char combinator;              /* between left and this: ' ' > + ~ */
};

enum lf_sel_output {
    LF_SEL_NODE,
    LF_SEL_STRING_TEXT,
    LF_SEL_STRING_ATTR,
    LF_SEL_NOTHING
};

struct lf_sel_alt {
    struct lf_sel_alt *next;
    struct lf_sel_compound *last; /* the rightmost: the subject */
    struct lf_sel_text attr;      /* of ::attr(name), lower case */
    unsigned char output;         /* enum lf_sel_output */
    bool bare;                    /* nothing but ::text or ::attr() */
};

struct lf_sel_block;

struct lf_sel {
    struct lf_sel_alt *list;
    struct lf_sel_part *parts;   /* all of them */
    struct lf_sel_block *blocks; /* owned: everything lies in here */
    unsigned long bound_to;      /* the document's serial number, 0 for none */
    bool wants_memo;             /* some part may ask the same of many siblings */
    bool xml;
};

struct lf_sel_error {
    size_t at; /* character, from 1; 0 when memory ended */
    char message[96];
};

/* NULL with *err filled when the selector is not valid. */
struct lf_sel *lf_sel_compile(const char *src, size_t n, bool xml,
                              struct lf_sel_error *err);
void lf_sel_free(struct lf_sel *sel);

/* One walk. Fill the first group, zero the rest, then call lf_sel_next until NULL. */
struct lf_sel_walk {
    struct lf_sel *sel;
    xmlNode *scope;       /* its descendants are searched */
    bool inclusive;       /* and it itself */
    const char *target;   /* fragment of the document's URL, or NULL */
    struct lf_memo *memo; /* NULL: without */

    xmlNode *at;
    struct lf_sel_alt *alt;
    xmlNode *anchor;
    unsigned long steps;
    bool node_done; /* `at` came as a node already */
    bool exhausted; /* gave up after LF_SEL_MAX_STEPS */
};

#define LF_SEL_MAX_STEPS 200000000ul /* two seconds */

/* Look up the names of `sel` in the dictionary of the document with this serial. False:
 * the prefix *unknown means nothing, `uri_of` says NULL. What that returns is borrowed
 * while the selector is bound. */
bool lf_sel_bind(struct lf_sel *sel, xmlDict *dict, unsigned long serial,
                 const char *(*uri_of)(void *arg, const char *prefix), void *arg,
                 const char **unknown);

/* The next element, in document order; *alt is the alternative that matched. An element
 * comes once for each alternative with ::text or ::attr, and once for all the others. */
xmlNode *lf_sel_next(struct lf_sel_walk *w, const struct lf_sel_alt **alt);

#endif
