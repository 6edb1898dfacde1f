/* CSV (RFC 4180), both ways.
 *
 * Reading: bytes go in by pieces of any size, records come out one by one. A record ends
 * at LF, CRLF or CR outside of quotes; an empty line is none; a byte order mark at the
 * beginning is passed over. Without `strict` what the RFC does not allow is read as most
 * programs do: a quote inside of a field that did not begin with one stands for itself,
 * and so does what follows a closing quote. A quote that is never closed is an error. */
#ifndef LF_HTTP_CSV_H
#define LF_HTTP_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"
#include "http/url.h"

enum { LF_CSV_FIELDS = 100000, LF_CSV_WHY = 120 };

struct lf_csv_conf {
    char delimiter; /* any byte but '"', CR and LF */
    bool strict;
    size_t max_record; /* bytes of the fields of one record */
};

struct lf_csv_reader {
    struct lf_csv_conf conf;
    const char *p, *end; /* borrowed: the bytes not yet read */
    struct lf_buf text;  /* owned: the fields of the record, one behind the other */
    struct lf_buf ends;  /* owned: size_t, where each ends in text */
    int state;
    bool quoted;   /* the field, or the record's only one so far, began with a quote */
    bool after_cr; /* an LF belongs to it */
    unsigned bom;  /* bytes of a mark seen; 3: no more */
    bool done;     /* the record is whole; the next call begins another */
    bool ended;    /* by finish */
    size_t line;   /* where we are, from 1 */
    size_t began;  /* where the record began */
    size_t opened; /* where the quote was opened */
    enum lf_err failed;
    char why[LF_CSV_WHY]; /* one sentence that names the line */
};

void lf_csv_reader_init(struct lf_csv_reader *r, const struct lf_csv_conf *conf);
void lf_csv_reader_deinit(struct lf_csv_reader *r);

/* Give the next bytes, which live until lf_csv_next wants more. */
void lf_csv_feed(struct lf_csv_reader *r, const char *p, size_t n);
void lf_csv_finish(struct lf_csv_reader *r); /* there are no more */

/* Read on. LF_OK: *count fields are there until the next call; 0: more bytes are needed,
 * or it is the end. LF_EPARSE, LF_ETOOLARGE, LF_ERESOURCE; an error stays. */
enum lf_err lf_csv_next(struct lf_csv_reader *r, size_t *count);
struct lf_span lf_csv_field(const struct lf_csv_reader *r, size_t i);

/* Append a field, in quotes where it needs them: for a delimiter, a quote, CR or LF in
 * it, for blanks around it and a byte order mark at its beginning. */
enum lf_err lf_csv_add(struct lf_buf *out, const char *s, size_t n, char delimiter);
/* The same in quotes in any case. */
enum lf_err lf_csv_add_quoted(struct lf_buf *out, const char *s, size_t n);

/* Would a spreadsheet take the text for a formula? It begins with one of = + - @ TAB CR
 * and is no number. */
bool lf_csv_is_formula(const char *s, size_t n);

#endif
