/* The XML parser: libxml2's, with what it does not bound by itself bounded here, and the
 * character set found out before it starts. */
#include "modules/html/xml.h"

#include <stdio.h>
#include <string.h>
#include <libxml/HTMLparser.h>
#include <libxml/SAX2.h>
#include <libxml/parserInternals.h>
#include "modules/html/charset.h"
#include "modules/html/tree.h"

#define MAX_ATTRS      4096 /* of an element: libxml2 compares each with all before it */
#define MAX_NAMESPACES 4096 /* declared around one place: looked through one by one */
#define MAX_DECLARED   4096 /* attributes, in the DTD */
#define MAX_GROWTH     8    /* what the DTD may add: times the document, and a megabyte */

struct xml_input {
    struct lf_input in; /* first: the parser's _private */
    size_t room;        /* what the DTD may still add */
    size_t declared;    /* attributes, in the DTD */
    bool recover;
    xmlEntity entity; /* the entity of HTML that was asked for last */
    char text[8];     /* ... and what it stands for */
};

/* --- the character set --- */

/* encoding="…" of the XML declaration, or NULL. */
static const struct lf_charset *declared(const char *p, size_t n)
{
    static const char word[] = "encoding";
    if (n < 5 || memcmp(p, "<?xml", 5) != 0)
        return NULL;
    const char *end = memmem(p, n < 1024 ? n : 1024, "?>", 2);
    const char *at = end ? memmem(p, (size_t)(end - p), word, sizeof word - 1) : NULL;
    if (!at)
        return NULL;
    at += sizeof word - 1;
    at += strspn(at, " \t\r\n=");
    const char *close =
        *at == '"' || *at == '\'' ? memchr(at + 1, *at, (size_t)(end - at) - 1) : NULL;
    if (!close)
        return NULL;
    const struct lf_charset *found = lf_charset_find(at + 1, (size_t)(close - at - 1));
    /* UTF-16 cannot be written in ASCII bytes */
    return found && strncmp(found->name, "UTF-16", 6) == 0 ? lf_charset_utf8() : found;
}

static const struct lf_charset *detect(const char *p, size_t n, const char *label,
                                       size_t label_len, size_t *bom)
{
    const struct lf_charset *found;
    if (lf_charset_bom(p, n, bom) || (label && lf_charset_find(label, label_len)))
        return lf_charset_detect(p, n, label, label_len, false, bom);
    if (n >= 4 && (memcmp(p, "<\0?", 4) == 0 || memcmp(p, "\0<\0?", 4) == 0))
        found = lf_charset_find(*p ? "utf-16le" : "utf-16be", 8);
    else
        found = declared(p, n);
    return found ? found : lf_charset_detect(p, n, NULL, 0, false, bom);
}

/* --- bounds --- */

static size_t watch(struct lf_input *in, char *out)
{
    (void)out;
    if (in->ctxt->maxatts > 5 * MAX_ATTRS) /* five words each */
        lf_input_refuse(in, "an element with too many attributes");
    else if (in->ctxt->nsNr > 2 * MAX_NAMESPACES)
        lf_input_refuse(in, "too many namespaces are declared");
    return 0;
}

/* What the document's own DTD puts in has its bounds. */
static bool grow(struct xml_input *x, size_t n)
{
    if (n > x->room) {
        lf_input_refuse(&x->in, "its DTD makes it too large");
        return false;
    }
    x->room -= n;
    return true;
}

/* The attributes that the DTD added stand behind the others. */
static void on_start(void *ctx, const xmlChar *name, const xmlChar *prefix,
                     const xmlChar *uri, int nnamespaces, const xmlChar **namespaces,
                     int nattrs, int ndefaulted, const xmlChar **attrs)
{
    struct xml_input *x = (struct xml_input *)lf_input_of(ctx);
    x->in.nodes += 2 + 2 * (size_t)nattrs;
    for (int i = nattrs - ndefaulted; i < nattrs; i++)
        if (!grow(x, (size_t)(attrs[5 * i + 4] - attrs[5 * i + 3]) + sizeof(xmlAttr)))
            return;
    xmlSAX2StartElementNs(ctx, name, prefix, uri, nnamespaces, namespaces, nattrs,
                          ndefaulted, attrs);
}

/* libxml2 keeps an element's declarations in a list that it looks through for each. */
static void on_attribute_decl(void *ctx, const xmlChar *element, const xmlChar *name,
                              int type, int def, const xmlChar *value,
                              xmlEnumeration *tree)
{
    struct xml_input *x = (struct xml_input *)lf_input_of(ctx);
    if (++x->declared <= MAX_DECLARED) {
        xmlSAX2AttributeDecl(ctx, element, name, type, def, value, tree);
        return;
    }
    xmlFreeEnumeration(tree);
    lf_input_refuse(&x->in, "too many attributes are declared");
}

/* --- entities --- */

/* &nbsp; and its like, where the DTD that may declare them is not read, or in recovery.
 * In text libxml2 takes what a predefined entity stands for as it is; in attributes it
 * takes only the first byte of that, but all of another's. */
static xmlEntity *html_entity(struct xml_input *x, const xmlChar *name)
{
    bool in_attribute = x->in.ctxt->instate == XML_PARSER_ATTRIBUTE_VALUE;
    bool lenient = x->recover || x->in.ctxt->hasExternalSubset;
    const htmlEntityDesc *known = lenient ? htmlEntityLookup(name) : NULL;
    if (!known)
        return NULL;
    int n = xmlCopyCharMultiByte((xmlChar *)x->text, (int)known->value);
    x->text[n] = '\0';
    x->entity = (xmlEntity){
        .type = XML_ENTITY_DECL,
        .name = name,
        .content = (xmlChar *)x->text,
        .length = n,
        .etype =
            in_attribute ? XML_INTERNAL_GENERAL_ENTITY : XML_INTERNAL_PREDEFINED_ENTITY,
        .checked = 2,
    };
    return &x->entity;
}

/* Once for each reference. libxml2 2.9 bounds only what entities add in text. */
static xmlEntity *get_entity(void *ctx, const xmlChar *name)
{
    struct xml_input *x = (struct xml_input *)lf_input_of(ctx);
    xmlEntity *e = xmlSAX2GetEntity(ctx, name);
    if (!e)
        return html_entity(x, name);
    return grow(x, e->length > 0 ? (size_t)e->length : 0) ? e : NULL;
}

/* --- parsing --- */

static xmlParserCtxt *new_parser(bool recover)
{
    xmlParserCtxt *ctxt = xmlNewParserCtxt();
    if (!ctxt)
        return NULL;
    int options = XML_PARSE_NOENT | XML_PARSE_NONET | XML_PARSE_NOERROR |
                  XML_PARSE_NOWARNING | XML_PARSE_NOCDATA | XML_PARSE_COMPACT |
                  XML_PARSE_IGNORE_ENC | XML_PARSE_BIG_LINES;
    xmlCtxtUseOptions(ctxt, options | (recover ? XML_PARSE_RECOVER : 0));
    ctxt->sax->startElementNs = on_start;
    ctxt->sax->attributeDecl = on_attribute_decl;
    ctxt->sax->getEntity = get_entity;
    return ctxt;
}

static const struct {
    int code;
    const char *has, *say;
} sentences[] = {
    {XML_ERR_ENTITY_LOOP, "", "entities that contain themselves, or grow too large"},
    {XML_ERR_INTERNAL_ERROR, "Excessive depth", "elements nested deeper than 256"},
    {XML_ERR_ATTRIBUTE_NOT_FINISHED, "too long", "an attribute of more than 10 MB"},
    {XML_ERR_INTERNAL_ERROR, "Huge input", "a token of more than 10 MB"},
};

/* libxml2's words, where they are not about its own options. */
static void reword(struct lf_input_error *e)
{
    for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++)
        if (e->code == sentences[i].code && strstr(e->message, sentences[i].has))
            snprintf(e->message, sizeof e->message, "%s", sentences[i].say);
}

/* In recovery errors do not matter; some that lie in an entity show only in `error`. */
static bool is_whole(const xmlParserCtxt *ctxt, const struct lf_input *in)
{
    if (in->no_memory || in->refused || ctxt->errNo == XML_ERR_NO_MEMORY)
        return false;
    return !in->strict || (ctxt->wellFormed && !in->error.code);
}

static xmlDoc *take(xmlParserCtxt *ctxt, const struct lf_input *in)
{
    xmlDoc *doc = ctxt->myDoc;
    ctxt->myDoc = NULL;
    if (doc && is_whole(ctxt, in) && lf_tree_root(doc))
        return doc;
    xmlFreeDoc(doc);
    return NULL;
}

/* White space before the declaration is the commonest mistake of all. */
static void skip_blanks(const char **p, size_t *n)
{
    for (; *n && strchr(" \t\r\n", **p) && **p; (*p)++, (*n)--)
        ;
}

xmlDoc *lf_xml_parse(const char *p, size_t n, const char *label, size_t label_len,
                     bool recover, size_t *nodes, struct lf_input_error *err)
{
    size_t bom = 0;
    struct xml_input x = {.in.intervene = watch, .recover = recover};
    x.in.strict = !recover;
    x.room = MAX_GROWTH * n + (1 << 20);
    xmlDoc *doc = NULL;
    if (recover)
        skip_blanks(&p, &n);
    const struct lf_charset *charset = detect(p, n, label, label_len, &bom);
    xmlParserCtxt *ctxt = new_parser(recover);
    *err = (struct lf_input_error){0};
    if (!ctxt)
        return NULL;
    if (lf_input_open(&x.in, ctxt, charset, p + bom, n - bom)) {
        x.in.reader.replace_nul = recover;
        xmlParseDocument(ctxt);
        doc = take(ctxt, &x.in);
    }
    lf_input_close(&x.in);
    xmlFreeParserCtxt(ctxt);
    *nodes = x.in.nodes;
    if (!doc && !x.in.no_memory) {
        *err = x.in.error;
        if (!err->code)
            *err = (struct lf_input_error){XML_ERR_DOCUMENT_EMPTY, 1, 1, "no element"};
        reword(err);
    }
    return doc;
}
