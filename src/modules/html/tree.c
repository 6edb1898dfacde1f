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
#include "modules/html/charset.h"
#include "modules/html/heap.h"
#include "modules/html/input.h"

/* Open elements known to the parser: an end tag without a start tag looks through all.
 * When there are more, the outermost one beyond the depth limit is forgotten. */
#define MAX_OPEN 1024

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
        lf_input_fail_memory(lf_input_of(ctxt));
        return;
    }
    ctxt->myDoc->dict = ctxt->dict;
    xmlDictReference(ctxt->dict);
}

static void on_start(void *ctx, const xmlChar *name, const xmlChar **atts)
{
    htmlParserCtxt *ctxt = ctx;
    if (!ctxt->myDoc || lf_input_of(ctx)->no_memory)
        return;
    if (ctxt->maxatts > 2 * LF_TREE_MAX_ATTRS)
        ctxt->maxatts = 2 * LF_TREE_MAX_ATTRS;
    ctxt->nodemem = 0; /* xmlSAX2Characters must not go on where it was */
    xmlNode *n = new_element(ctxt, name);
    if (!n) {
        lf_input_fail_memory(lf_input_of(ctxt));
        return;
    }
    link_last(parent_for(ctxt), n);
    lf_input_of(ctx)->nodes += 2; /* itself and, likely, a text */
    if (!add_attributes(lf_input_of(ctx), n, atts))
        lf_input_fail_memory(lf_input_of(ctxt));
    if (ctxt->nameNr > MAX_OPEN)
        forget_one(ctxt);
    if (nodePush(ctxt, n) < 0)
        lf_input_fail_memory(lf_input_of(ctxt));
}

static void on_end(void *ctx, const xmlChar *name)
{
    htmlParserCtxt *ctxt = ctx;
    (void)name;
    ctxt->nodemem = 0;
    nodePop(ctxt);
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
    ctxt->sax->cdataBlock = xmlSAX2Characters; /* scripts: joined in linear time */
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
static xmlDoc *take(htmlParserCtxt *ctxt, const struct lf_input *in)
{
    bool ok = ensure_root(ctxt) && !in->no_memory && ctxt->errNo != XML_ERR_NO_MEMORY;
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
    struct lf_input in = {.intervene = close_flooded_tag};
    xmlDoc *doc = NULL;
    if (lf_input_open(&in, ctxt, charset, p, n)) {
        in.reader.replace_nul = true; /* the parser would end at one */
        htmlParseDocument(ctxt);
        doc = take(ctxt, &in);
    }
    lf_input_close(&in);
    *nodes = in.nodes;
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
