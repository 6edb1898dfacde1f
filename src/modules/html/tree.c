/* The parser: libxml2's HTML parser, fed with clean UTF-8 in pieces, its tree built here.
 * libxml2 2.9 loses the rest of a document at a bad byte, takes quadratic time on a flood
 * of attributes or of unmatched tags in deep trees, and copies every name: hence a reader
 * that cannot give bad bytes, limits, and handlers of our own. It does not hear of open
 * nodes either: with one it compares every blank text with a list of thirty names. */
#include "modules/html/tree.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <libxml/HTMLparser.h>
#include <libxml/SAX2.h>
#include <libxml/parserInternals.h>
#include "base/buf.h"
#include "base/list.h"
#include "modules/html/charset.h"
#include "modules/html/heap.h"
#include "modules/html/input.h"

/* Open elements known to the parser: an end tag without a start tag looks through all.
 * When there are more, the outermost one beyond the depth limit is forgotten. */
#define MAX_OPEN 1024

struct builder {
    struct lf_input in; /* first: the parser's _private */
    struct lf_buf text; /* of the innermost open element, not yet a node */
    int depth;
    xmlNode *open[MAX_OPEN + 2]; /* borrowed: the elements that the parser has open */
};

static struct builder *builder_of(void *ctxt)
{
    return lf_container(lf_input_of(ctxt), struct builder, in);
}

/* --- attributes without end --- */

/* libxml2 compares every attribute of a tag with all before it. When its list of them has
 * grown beyond the limit, the tag is closed, in whatever state it stands. */
static size_t close_flooded_tag(struct lf_input *in, char *out)
{
    static const char close_tag[] = "\">'>\">";
    if (in->ctxt->maxatts <= 4 * LF_TREE_MAX_ATTRS)
        return 0;
    in->ctxt->maxatts = 2 * LF_TREE_MAX_ATTRS; /* less than it has: set if it grows */
    memcpy(out, close_tag, sizeof close_tag - 1);
    return sizeof close_tag - 1;
}

/* --- building --- */

static void *alloc_zero(size_t n)
{
    void *p = xmlMalloc(n);
    return p ? memset(p, 0, n) : NULL;
}

/* A text of n bytes; a short one lies in the node itself, where libxml2 puts it with
 * XML_PARSE_COMPACT. */
static xmlNode *new_text(xmlDoc *doc, const void *value, size_t n)
{
    xmlNode *t = alloc_zero(sizeof *t);
    if (!t)
        return NULL;
    t->type = XML_TEXT_NODE;
    t->name = xmlStringText;
    t->doc = doc;
    if (n < sizeof t->properties + sizeof t->psvi)
        t->content = memcpy((char *)t + offsetof(xmlNode, properties), value, n);
    else
        t->content = xmlStrndup(value, (int)n);
    if (t->content)
        return t;
    xmlFree(t);
    return NULL;
}

static bool set_value(xmlAttr *a, const xmlChar *value)
{
    xmlNode *t = new_text(a->doc, value, strlen((const char *)value));
    if (!t)
        return false;
    a->children = a->last = t;
    t->parent = (xmlNode *)a;
    return true;
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

static bool add_attributes(struct lf_input *in, xmlNode *n, const xmlChar **atts)
{
    xmlAttr *last = NULL;
    for (int i = 0; atts && atts[i] && i < 2 * LF_TREE_MAX_ATTRS; i += 2, in->nodes += 2)
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

static bool append_text(xmlNode *parent, const char *p, size_t n)
{
    xmlNode *last = parent->last;
    if (last && last->type == XML_TEXT_NODE)
        return xmlTextConcat(last, BAD_CAST p, (int)n) == 0;
    xmlNode *t = new_text(parent->doc, p, n);
    if (t)
        link_last(parent, t);
    return t;
}

/* What has come of the text gets into the tree; outside of all elements it is nothing. */
static bool flush(struct builder *b)
{
    bool ok = !b->text.len || !b->depth ||
              append_text(b->open[b->depth - 1], b->text.p, b->text.len);
    lf_buf_reset(&b->text);
    return ok;
}

/* Where the next element goes. Beyond the limit that is the deepest element allowed,
 * which from then on also gets what follows in place of the element that stood open:
 * order is kept, and text is never added to a node that lies before its neighbour. */
static xmlNode *parent_for(struct builder *b, xmlDoc *doc)
{
    if (b->depth > LF_TREE_MAX_DEPTH)
        b->open[b->depth - 1] = b->open[LF_TREE_MAX_DEPTH - 1];
    if (b->depth)
        return b->open[b->depth - 1];
    xmlNode *root = lf_tree_root(doc);
    return root ? root : (xmlNode *)doc;
}

static void forget_one(struct builder *b, htmlParserCtxt *ctxt)
{
    const int at = LF_TREE_MAX_DEPTH;
    memmove(&ctxt->nameTab[at], &ctxt->nameTab[at + 1],
            (size_t)(--ctxt->nameNr - at) * sizeof *ctxt->nameTab);
    if (b->depth > at) /* what it held in place of is the same for all but the last */
        b->depth--;
}

static void on_start_document(void *ctx)
{
    htmlParserCtxt *ctxt = ctx;
    xmlSAX2StartDocument(ctx);
    if (!ctxt->myDoc) {
        lf_input_fail_memory(lf_input_of(ctxt));
        return;
    }
    ctxt->myDoc->dict = ctxt->dict;
    xmlDictReference(ctxt->dict);
}

/* Text that stood before is in the tree; false: nothing more can be built. */
static bool is_ready(htmlParserCtxt *ctxt)
{
    struct builder *b = builder_of(ctxt);
    if (!ctxt->myDoc || b->in.no_memory)
        return false;
    if (flush(b))
        return true;
    lf_input_fail_memory(&b->in);
    return false;
}

static void on_start(void *ctx, const xmlChar *name, const xmlChar **atts)
{
    htmlParserCtxt *ctxt = ctx;
    struct builder *b = builder_of(ctxt);
    if (!is_ready(ctxt))
        return;
    if (ctxt->maxatts > 2 * LF_TREE_MAX_ATTRS)
        ctxt->maxatts = 2 * LF_TREE_MAX_ATTRS;
    xmlNode *n = new_element(ctxt, name);
    if (!n) {
        lf_input_fail_memory(&b->in);
        return;
    }
    link_last(parent_for(b, ctxt->myDoc), n);
    b->in.nodes += 2; /* itself and, likely, a text */
    if (!add_attributes(&b->in, n, atts))
        lf_input_fail_memory(&b->in);
    if (ctxt->nameNr > MAX_OPEN)
        forget_one(b, ctxt);
    if (b->depth < (int)(sizeof b->open / sizeof *b->open))
        b->open[b->depth++] = n;
}

static void on_end(void *ctx, const xmlChar *name)
{
    struct builder *b = builder_of(ctx);
    (void)name;
    if (is_ready(ctx) && b->depth)
        b->depth--;
}

static void on_text(void *ctx, const xmlChar *text, int n)
{
    struct builder *b = builder_of(ctx);
    if (lf_buf_add(&b->text, text, (size_t)n))
        lf_input_fail_memory(&b->in);
}

/* A comment, or what looks like a processing instruction. */
static void add_aside(htmlParserCtxt *ctxt, xmlNode *n)
{
    struct builder *b = builder_of(ctxt);
    if (n)
        link_last(b->depth ? b->open[b->depth - 1] : (xmlNode *)ctxt->myDoc, n);
    else
        lf_input_fail_memory(&b->in);
}

static void on_comment(void *ctx, const xmlChar *text)
{
    htmlParserCtxt *ctxt = ctx;
    if (is_ready(ctxt))
        add_aside(ctxt, xmlNewDocComment(ctxt->myDoc, text));
}

static void on_instruction(void *ctx, const xmlChar *target, const xmlChar *text)
{
    htmlParserCtxt *ctxt = ctx;
    if (is_ready(ctxt))
        add_aside(ctxt, xmlNewDocPI(ctxt->myDoc, target, text));
}

/* --- parsing --- */

static htmlParserCtxt *new_parser(void)
{
    htmlParserCtxt *ctxt = htmlNewParserCtxt();
    if (!ctxt)
        return NULL;
    htmlCtxtUseOptions(ctxt, HTML_PARSE_RECOVER | HTML_PARSE_NOERROR |
                                 HTML_PARSE_NOWARNING | HTML_PARSE_NONET |
                                 HTML_PARSE_NODEFDTD | HTML_PARSE_COMPACT |
                                 HTML_PARSE_IGNORE_ENC | XML_PARSE_HUGE);
    ctxt->sax->startDocument = on_start_document;
    ctxt->sax->startElement = on_start;
    ctxt->sax->endElement = on_end;
    ctxt->sax->characters = on_text;
    ctxt->sax->cdataBlock = on_text; /* scripts */
    ctxt->sax->comment = on_comment;
    ctxt->sax->processingInstruction = on_instruction;
    return ctxt;
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

/* Takes the tree from the parser; NULL when it is not whole. */
static xmlDoc *take(htmlParserCtxt *ctxt, struct builder *b)
{
    bool ok = ensure_root(ctxt) && flush(b) && !b->in.no_memory &&
              ctxt->errNo != XML_ERR_NO_MEMORY;
    xmlDoc *doc = ctxt->myDoc;
    ctxt->myDoc = NULL;
    if (ok)
        return doc;
    xmlFreeDoc(doc);
    return NULL;
}

static xmlDoc *parse(htmlParserCtxt *ctxt, const struct lf_charset *charset,
                     const char *p, size_t n, size_t *nodes)
{
    struct builder b = {.in.intervene = close_flooded_tag};
    xmlDoc *doc = NULL;
    lf_buf_init(&b.text, LF_BUF_MAX);
    if (lf_input_open(&b.in, ctxt, charset, p, n)) {
        b.in.reader.replace_nul = true; /* the parser would end at one */
        htmlParseDocument(ctxt);
        doc = take(ctxt, &b);
    }
    lf_input_close(&b.in);
    lf_buf_free(&b.text);
    *nodes = b.in.nodes;
    return doc;
}

/* The heap is the tree's from then on, or goes. */
static void close_heap(struct lf_heap *heap, xmlDoc *doc)
{
    xmlResetLastError(); /* this thread's copy of it: the only thing that would stay */
    lf_heap_close();
    if (doc)
        doc->_private = heap;
    else
        lf_heap_free(heap);
}

xmlDoc *lf_tree_parse(const char *p, size_t n, const char *label, size_t label_len,
                      size_t *nodes)
{
    size_t bom;
    const struct lf_charset *charset =
        lf_charset_detect(p, n, label, label_len, true, &bom);
    xmlResetLastError();
    struct lf_heap *heap = lf_heap_open();
    htmlParserCtxt *ctxt = new_parser();
    xmlDoc *doc = ctxt ? parse(ctxt, charset, p + bom, n - bom, nodes) : NULL;
    htmlFreeParserCtxt(ctxt);
    close_heap(heap, doc);
    return doc;
}

size_t lf_tree_size(const xmlDoc *doc, size_t nodes)
{
    enum { NODE = sizeof(xmlNode) + 16 };
    return doc->_private ? lf_heap_size(doc->_private) : nodes * NODE;
}

void lf_tree_free(xmlDoc *doc)
{
    if (doc && doc->_private)
        lf_heap_free(doc->_private);
    else
        xmlFreeDoc(doc);
}
