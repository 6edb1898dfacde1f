/* Reading and errors of libxml2's parsers. libxml2 2.9 keeps its error channels for each
 * thread by itself, and stands still for ever in several loops when memory ended. */
#include "modules/html/input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlerror.h>
#include "modules/html/heap.h"

/* Not by xmlStopParser: that frees the input, which may be what is in use. */
static void stop(struct lf_input *in)
{
    xmlParserCtxt *ctxt = in->ctxt;
    in->ended = true;
    ctxt->disableSAX = 1;
    ctxt->instate = XML_PARSER_EOF;
    if (ctxt->input)
        ctxt->input->cur = ctxt->input->end;
}

void lf_input_fail_memory(struct lf_input *in)
{
    in->no_memory = true;
    stop(in);
}

void lf_input_refuse(struct lf_input *in, const char *why)
{
    const xmlParserInput *input = in->ctxt->input;
    struct lf_input_error e = {.code = XML_ERR_INTERNAL_ERROR, .line = 1, .column = 1};
    if (input) {
        e.line = input->line;
        e.column = input->col;
    }
    snprintf(e.message, sizeof e.message, "%s", why);
    in->error = e;
    in->refused = true;
    stop(in);
}

enum { MESSAGE = 150 }; /* bytes of it */

static void note(struct lf_input_error *e, const xmlError *error)
{
    const char *text = error->message ? error->message : "";
    e->code = error->code;
    e->line = error->line > 0 ? error->line : 1;
    e->column = error->int2 > 0 ? error->int2 : 1;
    int n = (int)strcspn(text, "\n");
    if (n > MESSAGE)
        for (n = MESSAGE; n && ((unsigned char)text[n] & 0xc0) == 0x80;)
            n--; /* to the beginning of a character */
    snprintf(e->message, sizeof e->message, "%.*s", n, text);
}

/* With each error libxml2 copies what it is about, which may be all of the document. */
static void on_fatal(struct lf_input *in, const xmlError *error)
{
    enum { MAX_COPIED = 100 << 20 };
    if (!in->error.code)
        note(&in->error, error);
    if (in->strict)
        stop(in);
    in->copied += error->str1 ? strlen(error->str1) : 0;
    if (in->copied > MAX_COPIED)
        lf_input_refuse(in, "too many errors");
}

/* `arg` is the input that is open on this thread, or NULL. An input buffer that could not
 * grow puts its cursor back, so for that one reading just ends. */
static void on_error(void *arg, xmlError *error)
{
    struct lf_input *in = arg;
    if (!in)
        return;
    if (error->code == XML_ERR_NO_MEMORY && in->error.code) {
        stop(in); /* of what was told already */
    } else if (error->code == XML_ERR_NO_MEMORY && error->message &&
               strstr(error->message, "huge text")) {
        lf_input_refuse(in, "a text of more than 10 MB");
    } else if (error->code == XML_ERR_NO_MEMORY) {
        in->no_memory = true;
        if (error->domain != XML_FROM_BUFFER && error->domain != XML_FROM_IO)
            lf_input_fail_memory(in);
    } else if (error->level == XML_ERR_FATAL) {
        on_fatal(in, error);
    }
}

/* Some messages of XPath go past every handler but this one. */
static void drop_message(void *arg, const char *fmt, ...)
{
    (void)arg, (void)fmt;
}

static void listen_here(struct lf_input *in)
{
    xmlSetStructuredErrorFunc(in, on_error);
    xmlSetGenericErrorFunc(NULL, drop_message);
}

/* What a document names is never read, from no file and no network. */
static xmlParserInput *refuse(const char *url, const char *id, xmlParserCtxt *ctxt)
{
    (void)url, (void)id, (void)ctxt;
    return NULL;
}

void lf_input_init(void)
{
    lf_heap_init();
    xmlInitParser();
    xmlSetExternalEntityLoader(refuse);
    listen_here(NULL);
}

static int on_read(void *arg, char *out, int cap)
{
    struct lf_input *in = arg;
    if (in->no_memory || in->ended)
        return 0;
    size_t put = in->intervene ? in->intervene(in, out) : 0;
    if (put || in->ended)
        return (int)put;
    return (int)lf_charset_read(&in->reader, out, (size_t)cap);
}

bool lf_input_open(struct lf_input *in, xmlParserCtxt *ctxt,
                   const struct lf_charset *charset, const char *p, size_t n)
{
    lf_charset_reader_init(&in->reader, charset, p, n);
    in->ctxt = ctxt;
    listen_here(in);
    ctxt->_private = in;
    ctxt->charset = XML_CHAR_ENCODING_UTF8; /* no guessing */
    xmlParserInputBuffer *buf =
        xmlParserInputBufferCreateIO(on_read, NULL, in, XML_CHAR_ENCODING_NONE);
    if (!buf)
        return false;
    xmlParserInput *input = xmlNewIOInputStream(ctxt, buf, XML_CHAR_ENCODING_NONE);
    if (!input) {
        xmlFreeParserInputBuffer(buf);
        return false;
    }
    if (inputPush(ctxt, input) >= 0)
        return true;
    xmlFreeInputStream(input);
    return false;
}

void lf_input_close(struct lf_input *in)
{
    listen_here(NULL);
    lf_charset_reader_deinit(&in->reader);
}
