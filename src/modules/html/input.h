/* What a libxml2 parser reads, and how its errors are heard: on whatever thread it runs.
 *
 * A parser gets clean UTF-8 in pieces, whatever the bytes are. Its `_private` is the
 * input. Between lf_input_open and lf_input_close errors of this thread come here. */
#ifndef LF_HTML_INPUT_H
#define LF_HTML_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <libxml/parser.h>
#include "http/charset.h"

struct lf_input_error { /* the first one */
    int code;           /* xmlParserErrors; 0: none so far */
    int line, column;   /* from 1 */
    char message[160];  /* libxml2's, on one line */
};

struct lf_input {
    struct lf_charset_reader reader;
    xmlParserCtxt *ctxt; /* borrowed */
    size_t nodes;        /* about how many were built */
    size_t copied;       /* bytes that errors were about */
    bool strict;         /* the first error that is fatal in XML is the end */
    bool no_memory;
    bool ended;   /* nothing more is read */
    bool refused; /* by lf_input_refuse */
    /* Looks at the parser before each read; may put bytes in front of what comes next.
     * Gives how many. */
    size_t (*intervene)(struct lf_input *in, char *out);
    struct lf_input_error error;
};

/* Takes libxml2's error channels: nothing goes to stderr. Once, before all else. */
void lf_input_init(void);

/* Let `ctxt` read n bytes at p (borrowed) in that character set; false when memory ends.
 * Close it in either case. */
bool lf_input_open(struct lf_input *in, xmlParserCtxt *ctxt,
                   const struct lf_charset *charset, const char *p, size_t n);
void lf_input_close(struct lf_input *in);

/* Let the parser see the end: no memory, or a document that is out of bounds. */
void lf_input_fail_memory(struct lf_input *in);
void lf_input_refuse(struct lf_input *in, const char *why);

static inline struct lf_input *lf_input_of(void *ctxt)
{
    return ((xmlParserCtxt *)ctxt)->_private;
}

#endif
