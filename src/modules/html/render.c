/* Walks over a tree that write strings. Tags are looked up in one sorted table that says
 * how an element behaves in markup and in text. */
#include "modules/html/render.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "modules/html/dom.h"

enum {
    BLOCK = 1,  /* stands on lines of its own */
    VOID = 2,   /* has no end tag */
    RAW = 4,    /* its text is not escaped */
    HIDDEN = 8, /* its text is not for readers */
    CELL = 16,
    BREAK = 32,
    PRE = 64,
};

static const struct tag {
    const char *name;
    unsigned flags;
} tags[] = {{"address", BLOCK},
            {"area", VOID},
            {"article", BLOCK},
            {"aside", BLOCK},
            {"base", VOID},
            {"basefont", VOID},
            {"bgsound", VOID},
            {"blockquote", BLOCK},
            {"body", BLOCK},
            {"br", VOID | BREAK},
            {"caption", BLOCK},
            {"center", BLOCK},
            {"col", VOID},
            {"dd", BLOCK},
            {"details", BLOCK},
            {"dialog", BLOCK},
            {"dir", BLOCK},
            {"div", BLOCK},
            {"dl", BLOCK},
            {"dt", BLOCK},
            {"embed", VOID},
            {"fieldset", BLOCK},
            {"figcaption", BLOCK},
            {"figure", BLOCK},
            {"footer", BLOCK},
            {"form", BLOCK},
            {"frame", VOID},
            {"frameset", BLOCK},
            {"h1", BLOCK},
            {"h2", BLOCK},
            {"h3", BLOCK},
            {"h4", BLOCK},
            {"h5", BLOCK},
            {"h6", BLOCK},
            {"head", HIDDEN},
            {"header", BLOCK},
            {"hgroup", BLOCK},
            {"hr", VOID | BLOCK},
            {"html", BLOCK},
            {"iframe", RAW | HIDDEN},
            {"img", VOID},
            {"input", VOID},
            {"keygen", VOID},
            {"legend", BLOCK},
            {"li", BLOCK},
            {"link", VOID},
            {"listing", BLOCK | PRE},
            {"main", BLOCK},
            {"menu", BLOCK},
            {"meta", VOID},
            {"nav", BLOCK},
            {"noembed", RAW | HIDDEN},
            {"noframes", RAW | HIDDEN},
            {"ol", BLOCK},
            {"optgroup", BLOCK},
            {"option", BLOCK},
            {"p", BLOCK},
            {"param", VOID},
            {"plaintext", BLOCK | PRE | RAW},
            {"pre", BLOCK | PRE},
            {"script", RAW | HIDDEN},
            {"search", BLOCK},
            {"section", BLOCK},
            {"source", VOID},
            {"style", RAW | HIDDEN},
            {"summary", BLOCK},
            {"table", BLOCK},
            {"tbody", BLOCK},
            {"td", CELL},
            {"template", HIDDEN},
            {"textarea", PRE},
            {"tfoot", BLOCK},
            {"th", CELL},
            {"thead", BLOCK},
            {"tr", BLOCK},
            {"track", VOID},
            {"ul", BLOCK},
            {"wbr", VOID},
            {"xmp", BLOCK | PRE | RAW}};

static int compare_tag(const void *key, const void *row)
{
    return strcmp(key, ((const struct tag *)row)->name);
}

/* In XML documents only what XHTML's namespace holds behaves in any way. */
static bool is_html(const xmlNode *n)
{
    static const char xhtml[] = "http://www.w3.org/1999/xhtml";
    return n->doc->type == XML_HTML_DOCUMENT_NODE ||
           (n->ns && n->ns->href && strcmp((const char *)n->ns->href, xhtml) == 0);
}

static unsigned flags_of(const xmlNode *n)
{
    if (!is_html(n))
        return 0;
    const struct tag *tag =
        bsearch(n->name, tags, sizeof tags / sizeof *tags, sizeof *tags, compare_tag);
    return tag ? tag->flags : 0;
}

static const char *content_of(const xmlNode *n)
{
    return n->content ? (const char *)n->content : "";
}

static bool is_text(const xmlNode *n)
{
    return n->type == XML_TEXT_NODE || n->type == XML_CDATA_SECTION_NODE;
}

bool lf_walk_next(struct lf_walk *w, bool enter)
{
    bool has_content = w->at->type != XML_DTD_NODE && w->at->type != XML_ENTITY_REF_NODE;
    if (!w->leaving && enter && w->at->children && has_content) {
        w->at = w->at->children;
        return true;
    }
    if (!w->leaving && w->at->type == XML_ELEMENT_NODE) {
        w->leaving = true;
        return true;
    }
    if (w->at == w->top)
        return false;
    w->leaving = !w->at->next;
    w->at = w->at->next ? w->at->next : w->at->parent;
    return true;
}

/* --- markup --- */

static const char *escape_of(char c)
{
    static const struct {
        char c;
        const char *as;
    } escapes[] = {{'&', "&amp;"}, {'<', "&lt;"},   {'>', "&gt;"},  {'"', "&quot;"},
                   {'\t', "&#9;"}, {'\n', "&#10;"}, {'\r', "&#13;"}};
    for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++)
        if (escapes[i].c == c)
            return escapes[i].as;
    return NULL;
}

void lf_render_escaped(luaL_Buffer *b, const char *s, const char *special)
{
    for (;;) {
        size_t n = strcspn(s, special);
        luaL_addlstring(b, s, n);
        s += n;
        if (!*s)
            return;
        const char *as = escape_of(*s);
        if (as) {
            luaL_addstring(b, as);
        } else if (strncmp(s, "\xc2\xa0", 2) == 0) {
            luaL_addstring(b, "&nbsp;");
            s++;
        } else {
            luaL_addchar(b, *s);
        }
        s++;
    }
}

/* HTML §13.3, escaping a string. */
static void add_escaped(luaL_Buffer *b, const char *s, bool attribute)
{
    lf_render_escaped(b, s, attribute ? "&\"\xc2" : "&<>\xc2");
}

void lf_render_name(luaL_Buffer *b, const xmlNs *ns, const xmlChar *name)
{
    if (ns && ns->prefix) {
        luaL_addstring(b, (const char *)ns->prefix);
        luaL_addchar(b, ':');
    }
    luaL_addstring(b, (const char *)name);
}

void lf_render_start_tag(luaL_Buffer *b, const xmlNode *n)
{
    luaL_addchar(b, '<');
    lf_render_name(b, n->ns, n->name);
    for (const xmlAttr *a = n->properties; a; a = a->next) {
        luaL_addchar(b, ' ');
        lf_render_name(b, a->ns, a->name);
        luaL_addstring(b, "=\"");
        add_escaped(b, lf_dom_value(a), true);
        luaL_addchar(b, '"');
    }
    luaL_addchar(b, '>');
}

static void add_end_tag(luaL_Buffer *b, const xmlNode *n)
{
    luaL_addstring(b, "</");
    lf_render_name(b, n->ns, n->name);
    luaL_addchar(b, '>');
}

static void add_doctype(luaL_Buffer *b, const xmlNode *n)
{
    luaL_addstring(b, "<!DOCTYPE ");
    luaL_addstring(b, n->name ? (const char *)n->name : "html");
    luaL_addstring(b, ">\n");
}

static void add_leaf(luaL_Buffer *b, const xmlNode *n)
{
    bool raw =
        n->parent && n->parent->type == XML_ELEMENT_NODE && (flags_of(n->parent) & RAW);
    if (is_text(n) && raw) {
        luaL_addstring(b, content_of(n));
    } else if (is_text(n)) {
        add_escaped(b, content_of(n), false);
    } else if (n->type == XML_COMMENT_NODE) {
        luaL_addstring(b, "<!--");
        luaL_addstring(b, content_of(n));
        luaL_addstring(b, "-->");
    } else if (n->type == XML_DTD_NODE) {
        add_doctype(b, n);
    }
}

void lf_render_html(luaL_Buffer *b, const xmlNode *n)
{
    struct lf_walk w = {n, n, false};
    do {
        if (w.at->type != XML_ELEMENT_NODE)
            add_leaf(b, w.at);
        else if (!w.leaving)
            lf_render_start_tag(b, w.at);
        else if (!(flags_of(w.at) & VOID))
            add_end_tag(b, w.at);
    } while (lf_walk_next(&w, true));
}

/* --- text --- */

struct reader {
    luaL_Buffer *b;
    char gap; /* what must come before the next character: 0 ' ' \t \n */
    bool any; /* something was written */
    int pre;  /* how many <pre> around */
};

static void want_gap(struct reader *r, char gap)
{
    static const char order[] = " \t\n";
    if (!r->gap || strchr(order, gap) > strchr(order, r->gap))
        r->gap = gap;
}

static void flush_gap(struct reader *r)
{
    if (r->gap && r->any)
        luaL_addchar(r->b, r->gap);
    r->gap = 0;
    r->any = true;
}

static void read_folded(struct reader *r, const char *s)
{
    static const char space[] = " \t\n\r\f";
    for (;;) {
        size_t blank = strspn(s, space);
        if (blank)
            want_gap(r, ' ');
        s += blank;
        size_t n = strcspn(s, space);
        if (!n)
            return;
        flush_gap(r);
        luaL_addlstring(r->b, s, n);
        s += n;
    }
}

/* A line break right behind <pre> is none, the last one is left to the end of the block.
 */
static void read_pre(struct reader *r, const char *s)
{
    if (r->gap == '\n' && *s == '\n')
        s++;
    size_t n = strlen(s);
    if (n && s[n - 1] == '\n')
        n--;
    if (!n)
        return;
    flush_gap(r);
    luaL_addlstring(r->b, s, n);
    if (s[n])
        want_gap(r, '\n');
}

static void read_tag(struct reader *r, unsigned flags, bool leaving)
{
    if (flags & PRE)
        r->pre += leaving ? -1 : 1;
    if (flags & (BLOCK | BREAK))
        want_gap(r, '\n');
    else if (flags & CELL)
        want_gap(r, '\t');
}

void lf_render_text(luaL_Buffer *b, const xmlNode *n)
{
    struct reader r = {.b = b};
    struct lf_walk w = {n, n, false};
    bool enter;
    do {
        enter = true;
        if (is_text(w.at)) {
            (r.pre ? read_pre : read_folded)(&r, content_of(w.at));
        } else if (w.at->type == XML_ELEMENT_NODE) {
            unsigned flags = flags_of(w.at);
            enter = !(flags & HIDDEN) || w.at == n; /* unless it was asked for */
            read_tag(&r, flags, w.leaving);
        }
    } while (lf_walk_next(&w, enter));
}

void lf_render_raw_text(luaL_Buffer *b, const xmlNode *n)
{
    struct lf_walk w = {n, n, false};
    do {
        if (is_text(w.at))
            luaL_addstring(b, content_of(w.at));
    } while (lf_walk_next(&w, true));
}

void lf_render_own_text(luaL_Buffer *b, const xmlNode *n)
{
    for (const xmlNode *c = n->children; c; c = c->next)
        if (is_text(c))
            luaL_addstring(b, content_of(c));
}
