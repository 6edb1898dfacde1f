/* The parser: libxml2's HTML parser, fed with clean UTF-8 in pieces, its elements built
 * here. libxml2 2.9 loses the rest of a document at a bad byte, takes quadratic time on a
 * flood of attributes or of unmatched tags in deep trees, and copies every name: hence a
 * reader that cannot give bad bytes, limits, and start and end handlers of our own. */
#include "modules/html/tree.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <libxml/HTMLparser.h>
#include <libxml/SAX2.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlerror.h>
#include "modules/html/charset.h"

/* Open elements known to the parser: an end tag without a start tag looks through all.
 * When there are more, the outermost one beyond the depth limit is forgotten. */
#define MAX_OPEN 1024

struct source {
    struct lf_charset_reader reader;
    htmlParserCtxt *ctxt; /* borrowed: reads from this */
    size_t nodes;
    bool no_memory;
};

static struct source *source_of(void *ctx)
{
    return ((htmlParserCtxt *)ctx)->_private;
}

/* --- the end of memory --- */

/* Let the parser see the end. Not by xmlStopParser: that frees the input, which may be
 * what is in use. */
static void fail_memory(htmlParserCtxt *ctxt)
{
    source_of(ctxt)->no_memory = true;
    ctxt->disableSAX = 1;
    ctxt->instate = XML_PARSER_EOF;
    if (ctxt->input)
        ctxt->input->cur = ctxt->input->end;
}

/* Whose parser runs on this thread. */
static _Thread_local struct source *current;

/* Every error comes here, and one matters: libxml2 2.9 stands still for ever in several
 * loops when memory ended. An input buffer that could not grow puts its cursor back, so
 * for that one reading just ends. */
static void on_error(void *arg, xmlError *error)
{
    (void)arg;
    if (!current || error->code != XML_ERR_NO_MEMORY)
        return;
    current->no_memory = true;
    if (error->domain != XML_FROM_BUFFER && error->domain != XML_FROM_IO)
        fail_memory(current->ctxt);
}

/* Some messages of XPath go past every handler but this one. */
static void drop_message(void *arg, const char *fmt, ...)
{
    (void)arg, (void)fmt;
}

void lf_tree_init(void)
{
    xmlInitParser();
    xmlSetStructuredErrorFunc(NULL, on_error);
    xmlSetGenericErrorFunc(NULL, drop_message);
}

/* --- input --- */

/* libxml2 compares every attribute of a tag with all before it. When its list of them has
 * grown beyond the limit, the tag is closed, in whatever state it stands. */
static bool is_flooded(htmlParserCtxt *ctxt)
{
    if (ctxt->maxatts <= 4 * LF_TREE_MAX_ATTRS)
        return false;
    ctxt->maxatts = 2 * LF_TREE_MAX_ATTRS; /* less than it has: set again if it grows */
    return true;
}

static int on_read(void *arg, char *out, int cap)
{
    static const char close_tag[] = "\">'>\">";
    struct source *s = arg;
    if (s->no_memory)
        return 0;
    if (is_flooded(s->ctxt)) {
        memcpy(out, close_tag, sizeof close_tag - 1);
        return sizeof close_tag - 1;
    }
    return (int)lf_charset_read(&s->reader, out, (size_t)cap);
}

/* --- building --- */

static void *alloc_zero(size_t n)
{
    void *p = xmlMalloc(n);
    return p ? memset(p, 0, n) : NULL;
}

/* A text node below attribute `a`; short values lie in the node itself, where libxml2
 * puts them with XML_PARSE_COMPACT. */
static bool set_value(xmlAttr *a, const xmlChar *value)
{
    xmlNode *t = alloc_zero(sizeof *t);
    if (!t)
        return false;
    a->children = a->last = t;
    t->type = XML_TEXT_NODE;
    t->name = xmlStringText;
    t->parent = (xmlNode *)a;
    t->doc = a->doc;
    size_t n = strlen((const char *)value);
    if (n < sizeof t->properties + sizeof t->psvi)
        t->content = memcpy((char *)t + offsetof(xmlNode, properties), value, n + 1);
    else
        t->content = xmlStrndup(value, (int)n);
    return t->content;
}

static bool add_attribute(xmlNode *n, xmlAttr **last, const xmlChar *name,
                          const xmlChar *value)
{
    xmlAttr *a = alloc_zero(sizeof *a);
    if (!a)
        return false;
    a->type = XML_ATTRIBUTE_NODE;
    a->name = name;
    a->parent = n;
    a->doc = n->doc;
    a->prev = *last;
    *(*last ? &(*last)->next : &n->properties) = a;
    *last = a;
    return !value || !*value || set_value(a, value);
}

static bool add_attributes(struct source *s, xmlNode *n, const xmlChar **atts)
{
    xmlAttr *last = NULL;
    for (int i = 0; atts && atts[i] && i < 2 * LF_TREE_MAX_ATTRS; i += 2, s->nodes += 2)
        if (!add_attribute(n, &last, atts[i], atts[i + 1]))
            return false;
    return true;
}

static xmlNode *new_element(htmlParserCtxt *ctxt, const xmlChar *name)
{
    if (!xmlDictOwns(ctxt->dict, name)) /* implied elements come as literals */
        name = xmlDictLookup(ctxt->dict, name, -1);
    xmlNode *n = name ? alloc_zero(sizeof *n) : NULL;
    if (n) {
        n->type = XML_ELEMENT_NODE;
        n->name = name;
        n->doc = ctxt->myDoc;
    }
    return n;
}

static void link_last(xmlNode *parent, xmlNode *n)
{
    n->parent = parent;
    n->prev = parent->last;
    *(parent->last ? &parent->last->next : &parent->children) = n;
    parent->last = n;
}

xmlNode *lf_tree_root(xmlDoc *doc)
{
    xmlNode *n = doc->children;
    while (n && n->type != XML_ELEMENT_NODE)
        n = n->next;
    return n;
}

/* Where the next element goes. Beyond the limit that is the deepest element allowed,
 * which from then on also gets what follows in place of the element that stood open:
 * order is kept, and text is never added to a node that lies before its neighbour. */
static xmlNode *parent_for(htmlParserCtxt *ctxt)
{
    if (ctxt->nodeNr > LF_TREE_MAX_DEPTH)
        ctxt->node = ctxt->nodeTab[ctxt->nodeNr - 1] =
            ctxt->nodeTab[LF_TREE_MAX_DEPTH - 1];
    if (ctxt->node)
        return ctxt->node;
    xmlNode *root = lf_tree_root(ctxt->myDoc);
    return root ? root : (xmlNode *)ctxt->myDoc;
}

static void forget_one(htmlParserCtxt *ctxt)
{
    const int at = LF_TREE_MAX_DEPTH;
    memmove(&ctxt->nameTab[at], &ctxt->nameTab[at + 1],
            (size_t)(--ctxt->nameNr - at) * sizeof *ctxt->nameTab);
    if (ctxt->nodeNr > at) /* what it held in place of is the same for all but the last */
        nodePop(ctxt);
}

static void on_start_document(void *ctx)
{
    htmlParserCtxt *ctxt = ctx;
    xmlSAX2StartDocument(ctx);
    if (!ctxt->myDoc) {
        fail_memory(ctxt);
        return;
    }
    ctxt->myDoc->dict = ctxt->dict;
    xmlDictReference(ctxt->dict);
}

static void on_start(void *ctx, const xmlChar *name, const xmlChar **atts)
{
    htmlParserCtxt *ctxt = ctx;
    if (!ctxt->myDoc || source_of(ctx)->no_memory)
        return;
    if (ctxt->maxatts > 2 * LF_TREE_MAX_ATTRS)
        ctxt->maxatts = 2 * LF_TREE_MAX_ATTRS;
    ctxt->nodemem = 0; /* xmlSAX2Characters must not go on where it was */
    xmlNode *n = new_element(ctxt, name);
    if (!n) {
        fail_memory(ctxt);
        return;
    }
    link_last(parent_for(ctxt), n);
    source_of(ctx)->nodes += 2; /* itself and, likely, a text */
    if (!add_attributes(source_of(ctx), n, atts))
        fail_memory(ctxt);
    if (ctxt->nameNr > MAX_OPEN)
        forget_one(ctxt);
    if (nodePush(ctxt, n) < 0)
        fail_memory(ctxt);
}

static void on_end(void *ctx, const xmlChar *name)
{
    htmlParserCtxt *ctxt = ctx;
    (void)name;
    ctxt->nodemem = 0;
    nodePop(ctxt);
}

/* --- parsing --- */

static htmlParserCtxt *new_parser(struct source *s)
{
    htmlParserCtxt *ctxt = htmlNewParserCtxt();
    if (!ctxt)
        return NULL;
    htmlCtxtUseOptions(ctxt, HTML_PARSE_RECOVER | HTML_PARSE_NOERROR |
                                 HTML_PARSE_NOWARNING | HTML_PARSE_NONET |
                                 HTML_PARSE_NODEFDTD | HTML_PARSE_COMPACT |
                                 HTML_PARSE_IGNORE_ENC | XML_PARSE_HUGE);
    ctxt->charset = XML_CHAR_ENCODING_UTF8; /* no guessing */
    ctxt->_private = s;
    ctxt->sax->startDocument = on_start_document;
    ctxt->sax->startElement = on_start;
    ctxt->sax->endElement = on_end;
    ctxt->sax->cdataBlock = xmlSAX2Characters; /* scripts: joined in linear time */
    s->ctxt = ctxt;
    return ctxt;
}

static bool open_input(htmlParserCtxt *ctxt, struct source *s)
{
    xmlParserInputBuffer *buf =
        xmlParserInputBufferCreateIO(on_read, NULL, s, XML_CHAR_ENCODING_NONE);
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

static bool ensure_root(htmlParserCtxt *ctxt)
{
    if (!ctxt->myDoc)
        on_start_document(ctxt);
    if (!ctxt->myDoc)
        return false;
    if (lf_tree_root(ctxt->myDoc))
        return true;
    xmlNode *n = new_element(ctxt, BAD_CAST "html");
    if (n)
        link_last((xmlNode *)ctxt->myDoc, n);
    return n;
}

static xmlDoc *run(htmlParserCtxt *ctxt, struct source *s)
{
    if (!open_input(ctxt, s))
        return NULL;
    htmlParseDocument(ctxt);
    bool ok = ensure_root(ctxt) && !s->no_memory && ctxt->errNo != XML_ERR_NO_MEMORY;
    xmlDoc *doc = ctxt->myDoc;
    ctxt->myDoc = NULL;
    if (ok)
        return doc;
    xmlFreeDoc(doc);
    return NULL;
}

xmlDoc *lf_tree_parse(const char *p, size_t n, const char *label, size_t label_len,
                      size_t *nodes)
{
    size_t bom;
    const struct lf_charset *charset =
        lf_charset_detect(p, n, label, label_len, true, &bom);
    struct source s = {0};
    htmlParserCtxt *ctxt = new_parser(&s);
    if (!ctxt)
        return NULL;
    lf_charset_reader_init(&s.reader, charset, p + bom, n - bom);
    s.reader.replace_nul = true; /* the parser would end at one */
    current = &s;
    xmlDoc *doc = run(ctxt, &s);
    current = NULL;
    lf_charset_reader_deinit(&s.reader);
    htmlFreeParserCtxt(ctxt);
    *nodes = s.nodes;
    return doc;
}
