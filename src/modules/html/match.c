/* Matching: a walk in document order that tries each alternative from its rightmost
 * compound leftwards. A failure says how far it reaches, so that no ancestor or sibling
 * is tried twice for one element; trees are at most LF_TREE_MAX_DEPTH deep, and what
 * looks along siblings is remembered, which leaves time linear in the document. Anything
 * that still gets out of hand ends at LF_SEL_MAX_STEPS. */
#include "modules/html/selector.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <libxml/dict.h>
#include "modules/html/dom.h"
#include "modules/html/memo.h"

static bool is_one_of(const xmlNode *n, const char *const *names)
{
    while (*names && !lf_dom_is(n, *names))
        names++;
    return *names;
}

/* One unit of work; false when there was too much of it. */
static bool step(struct lf_sel_walk *w)
{
    if (++w->steps > LF_SEL_MAX_STEPS)
        w->exhausted = true;
    return !w->exhausted;
}

/* --- attributes --- */

typedef int compare_fn(const char *a, const char *b, size_t n);

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool has_word(const char *list, const struct lf_sel_text *word, compare_fn *same)
{
    for (;;) {
        while (is_space(*list))
            list++;
        const char *from = list;
        while (*list && !is_space(*list))
            list++;
        if (list == from)
            return false;
        if ((size_t)(list - from) == word->n && same(from, word->p, word->n) == 0)
            return true;
    }
}

static bool contains(const char *hay, const struct lf_sel_text *needle, bool fold)
{
    return fold ? strcasestr(hay, needle->p) : strstr(hay, needle->p);
}

static bool value_matches(const struct lf_sel_part *part, const char *value)
{
    compare_fn *same = part->fold ? strncasecmp : strncmp;
    const struct lf_sel_text *want = &part->value;
    if (part->op == '=')
        return same(value, want->p, want->n + 1) == 0;
    if (part->op == '|')
        return same(value, want->p, want->n) == 0 &&
               (value[want->n] == '\0' || value[want->n] == '-');
    if (!want->n) /* the rest never matches the empty string */
        return false;
    size_t len;
    switch (part->op) {
    case '~':
        return has_word(value, want, same);
    case '^':
        return same(value, want->p, want->n) == 0;
    case '$':
        len = strlen(value);
        return len >= want->n && same(value + len - want->n, want->p, want->n) == 0;
    default:
        return contains(value, want, part->fold);
    }
}

/* --- an+b --- */

/* Siblings looked at one by one before the whole list is numbered once. */
#define NEAR 32

enum level { YES, NO_HERE, NO_SIBLING, NO_WHERE };

static bool matches_any(struct lf_sel_walk *w, const struct lf_sel_alt *list, xmlNode *n);

static bool counts(struct lf_sel_walk *w, const struct lf_sel_part *part,
                   const xmlNode *like, xmlNode *n)
{
    if (part->of_type)
        return n->name == like->name;
    return !part->list || matches_any(w, part->list, n);
}

static xmlNode *toward(xmlNode *n, bool end)
{
    return end ? lf_dom_element(n->next) : lf_dom_previous(n);
}

/* Numbers all children of one parent for `part`, counting each kind by itself. */
static bool number_children(struct lf_sel_walk *w, const struct lf_sel_part *part,
                            xmlNode *n)
{
    struct lf_memo kinds = {0};
    xmlNode *end = lf_dom_element(n->parent->children);
    if (part->from_end) {
        xmlNode *last = n->parent->last;
        end = last->type == XML_ELEMENT_NODE ? last : lf_dom_previous(last);
    }
    bool ok = true;
    for (n = end; n && ok && step(w); n = toward(n, !part->from_end)) {
        const void *kind = part->of_type ? (const void *)n->name : part;
        int count = 0;
        lf_memo_get(&kinds, kind, part, &count);
        count += counts(w, part, n, n);
        ok = lf_memo_put(&kinds, kind, part, count) &&
             lf_memo_put(w->memo, n, part, count);
    }
    lf_memo_free(&kinds);
    return ok;
}

/* The place of n among its siblings, from 1; counting stops beyond `enough`. */
static int place_of(struct lf_sel_walk *w, const struct lf_sel_part *part, xmlNode *n,
                    int enough)
{
    int place = 1, seen = 0;
    if (lf_memo_get(w->memo, n, part, &place))
        return place;
    for (xmlNode *s = toward(n, part->from_end); s; s = toward(s, part->from_end)) {
        if (place > enough || !step(w))
            return place;
        if (++seen == NEAR && number_children(w, part, n) &&
            lf_memo_get(w->memo, n, part, &seen))
            return seen;
        place += counts(w, part, n, s);
    }
    return place;
}

static bool is_nth(struct lf_sel_walk *w, const struct lf_sel_part *part, xmlNode *n)
{
    if (part->list && !matches_any(w, part->list, n))
        return false;
    if (part->a <= 0 && part->b < 1)
        return false;
    long long d = place_of(w, part, n, part->a > 0 ? INT32_MAX : part->b);
    d -= part->b;
    return part->a == 0 ? d == 0 : d % part->a == 0 && d / part->a >= 0;
}

/* --- chains of compounds --- */

static bool part_matches(struct lf_sel_walk *w, const struct lf_sel_part *part,
                         xmlNode *n);

static bool compound_matches(struct lf_sel_walk *w, const struct lf_sel_compound *c,
                             xmlNode *n)
{
    for (const struct lf_sel_part *part = c->parts; part; part = part->next)
        if (!part_matches(w, part, n))
            return false;
    return true;
}

static enum level chain(struct lf_sel_walk *w, const struct lf_sel_compound *c,
                        xmlNode *n);

/* Some sibling before n. What one of those learned holds for n too, unless it was learned
 * for one anchor of :has(). */
static enum level chain_siblings(struct lf_sel_walk *w, const struct lf_sel_compound *c,
                                 xmlNode *n)
{
    int level = NO_SIBLING, seen = 0;
    for (xmlNode *s = lf_dom_previous(n); s; s = lf_dom_previous(s)) {
        enum level here = chain(w, c->left, s);
        if (here != NO_HERE) {
            level = here;
            break;
        }
        if (++seen > NEAR && !w->anchor && lf_memo_get(w->memo, s, c, &level))
            break;
    }
    if (seen > NEAR && !w->anchor)
        lf_memo_put(w->memo, n, c, level);
    return (enum level)level;
}

static enum level chain_ancestors(struct lf_sel_walk *w, const struct lf_sel_compound *c,
                                  xmlNode *n)
{
    for (xmlNode *p = lf_dom_parent(n); p; p = lf_dom_parent(p)) {
        enum level level = chain(w, c->left, p);
        if (level == YES || level == NO_WHERE)
            return level;
    }
    return NO_WHERE;
}

static enum level chain_parent(struct lf_sel_walk *w, const struct lf_sel_compound *c,
                               xmlNode *n)
{
    xmlNode *p = lf_dom_parent(n);
    if (!p)
        return NO_WHERE;
    enum level level = chain(w, c->left, p);
    return level == NO_HERE ? NO_SIBLING : level; /* siblings have the same parent */
}

/* Does c match n, and all that stands left of c what stands around n? If not, how far the
 * search may be given up: here, for all earlier siblings, or for all ancestors too. */
static enum level chain(struct lf_sel_walk *w, const struct lf_sel_compound *c,
                        xmlNode *n)
{
    if (!step(w))
        return NO_WHERE;
    if (!compound_matches(w, c, n))
        return NO_HERE;
    if (!c->left)
        return YES;
    switch (c->combinator) {
    case ' ':
        return chain_ancestors(w, c, n);
    case '>':
        return chain_parent(w, c, n);
    case '~':
        return chain_siblings(w, c, n);
    default:
        n = lf_dom_previous(n);
        return n ? chain(w, c->left, n) : NO_SIBLING;
    }
}

static bool matches_any(struct lf_sel_walk *w, const struct lf_sel_alt *list, xmlNode *n)
{
    for (; list; list = list->next)
        if (chain(w, list->last, n) == YES)
            return true;
    return false;
}

/* --- :has() --- */

static bool search_below(struct lf_sel_walk *w, const struct lf_sel_alt *alt,
                         xmlNode *top, bool deep)
{
    xmlNode *n = lf_dom_element(top->children);
    for (; n; n = deep ? lf_dom_next(n, top) : lf_dom_element(n->next))
        if (chain(w, alt->last, n) == YES || w->exhausted)
            return !w->exhausted;
    return false;
}

/* Elements that come after: siblings, and what is in them when more than one compound
 * follows the anchor. */
static bool search_after(struct lf_sel_walk *w, const struct lf_sel_alt *alt, xmlNode *n,
                         bool adjacent, bool deep)
{
    for (n = lf_dom_element(n->next); n;
         n = adjacent && !deep ? NULL : lf_dom_element(n->next)) {
        if (chain(w, alt->last, n) == YES)
            return true;
        if (w->exhausted || (deep && search_below(w, alt, n, true)))
            return !w->exhausted;
    }
    return false;
}

static bool has_alt(struct lf_sel_walk *w, const struct lf_sel_alt *alt, xmlNode *n)
{
    const struct lf_sel_compound *first = alt->last;
    while (first->left->left)
        first = first->left;
    bool single = first == alt->last;
    if (first->combinator == ' ' || first->combinator == '>')
        return search_below(w, alt, n, first->combinator == ' ' || !single);
    return search_after(w, alt, n, first->combinator == '+', !single);
}

static bool match_has(struct lf_sel_walk *w, const struct lf_sel_part *part, xmlNode *n)
{
    xmlNode *outer = w->anchor;
    bool found = false;
    w->anchor = n;
    for (const struct lf_sel_alt *alt = part->list; alt && !found; alt = alt->next)
        found = has_alt(w, alt, n);
    w->anchor = outer;
    return found;
}

/* --- what each kind of part asks --- */

static bool match_type(struct lf_sel_walk *w, const struct lf_sel_part *part, xmlNode *n)
{
    (void)w;
    return n->name == part->bound;
}

static bool is_in(const struct lf_sel_part *part, const xmlNs *ns)
{
    if (part->ns == LF_SEL_NS_PREFIX)
        return ns && strcmp((const char *)ns->href, part->uri) == 0;
    return part->ns == LF_SEL_NS_ANY || !ns || !*ns->href;
}

static bool match_namespace(struct lf_sel_walk *w, const struct lf_sel_part *part,
                            xmlNode *n)
{
    (void)w;
    return is_in(part, n->ns);
}

static bool match_attr(struct lf_sel_walk *w, const struct lf_sel_part *part, xmlNode *n)
{
    (void)w;
    for (const xmlAttr *a = n->properties; a; a = a->next)
        if (a->name == part->bound && is_in(part, a->ns))
            return !part->op || value_matches(part, lf_dom_value(a));
    return false;
}

static bool match_root(struct lf_sel_walk *w, const struct lf_sel_part *part, xmlNode *n)
{
    (void)w, (void)part;
    return !lf_dom_parent(n);
}

static bool match_empty(struct lf_sel_walk *w, const struct lf_sel_part *part, xmlNode *n)
{
    (void)part;
    for (const xmlNode *c = n->children; c && step(w); c = c->next)
        if (c->type != XML_COMMENT_NODE && c->type != XML_PI_NODE)
            return false;
    return true;
}

static bool match_is(struct lf_sel_walk *w, const struct lf_sel_part *part, xmlNode *n)
{
    return matches_any(w, part->list, n);
}

static bool match_not(struct lf_sel_walk *w, const struct lf_sel_part *part, xmlNode *n)
{
    return !matches_any(w, part->list, n);
}

/* Prefix of the language tag (Selectors 4 §8.2, without implicit wildcards inside). */
static bool match_lang(struct lf_sel_walk *w, const struct lf_sel_part *part, xmlNode *n)
{
    const char *tag = NULL;
    for (; n && !tag && step(w); n = lf_dom_parent(n)) {
        tag = lf_dom_attr(n, "lang");
        if (!tag)
            tag = lf_dom_attr(n, "xml:lang");
    }
    size_t len = part->value.n;
    if (!tag || !*tag || !len)
        return false;
    if (strcmp(part->value.p, "*") == 0)
        return true;
    return strncasecmp(tag, part->value.p, len) == 0 && (!tag[len] || tag[len] == '-');
}

/* HTML §4.16.3: in a disabled fieldset, but not in its first legend. */
static bool is_in_disabled_fieldset(const xmlNode *n)
{
    const xmlNode *child = n;
    for (const xmlNode *p = lf_dom_parent(n); p; child = p, p = lf_dom_parent(p)) {
        if (!lf_dom_is(p, "fieldset") || !lf_dom_attr(p, "disabled"))
            continue;
        const xmlNode *legend = lf_dom_element(p->children);
        while (legend && !lf_dom_is(legend, "legend"))
            legend = lf_dom_element(legend->next);
        if (child != legend)
            return true;
    }
    return false;
}

static bool can_be_disabled(const xmlNode *n)
{
    static const char *const names[] = {"button", "input",    "select",   "textarea",
                                        "option", "optgroup", "fieldset", NULL};
    return is_one_of(n, names);
}

static bool match_disabled(struct lf_sel_walk *w, const struct lf_sel_part *part,
                           xmlNode *n)
{
    (void)w, (void)part;
    if (!can_be_disabled(n))
        return false;
    if (lf_dom_attr(n, "disabled"))
        return true;
    if (lf_dom_is(n, "optgroup"))
        return false;
    if (!lf_dom_is(n, "option"))
        return is_in_disabled_fieldset(n);
    const xmlNode *group = lf_dom_parent(n);
    return group && lf_dom_is(group, "optgroup") && lf_dom_attr(group, "disabled");
}

static bool match_enabled(struct lf_sel_walk *w, const struct lf_sel_part *part,
                          xmlNode *n)
{
    return can_be_disabled(n) && !match_disabled(w, part, n);
}

static bool match_checked(struct lf_sel_walk *w, const struct lf_sel_part *part,
                          xmlNode *n)
{
    (void)w, (void)part;
    if (lf_dom_is(n, "option"))
        return lf_dom_attr(n, "selected");
    const char *type = lf_dom_is(n, "input") ? lf_dom_attr(n, "type") : NULL;
    return type && (!strcasecmp(type, "checkbox") || !strcasecmp(type, "radio")) &&
           lf_dom_attr(n, "checked");
}

static bool match_link(struct lf_sel_walk *w, const struct lf_sel_part *part, xmlNode *n)
{
    static const char *const names[] = {"a", "area", "link", NULL};
    (void)w, (void)part;
    return is_one_of(n, names) && lf_dom_attr(n, "href");
}

static bool match_target(struct lf_sel_walk *w, const struct lf_sel_part *part,
                         xmlNode *n)
{
    (void)part;
    const char *id = w->target && *w->target ? lf_dom_attr(n, "id") : NULL;
    return id && strcmp(id, w->target) == 0;
}

static bool match_scope(struct lf_sel_walk *w, const struct lf_sel_part *part, xmlNode *n)
{
    (void)part;
    return n == w->scope;
}

static bool match_anchor(struct lf_sel_walk *w, const struct lf_sel_part *part,
                         xmlNode *n)
{
    (void)part;
    return n == w->anchor;
}

static bool match_never(struct lf_sel_walk *w, const struct lf_sel_part *part, xmlNode *n)
{
    (void)w, (void)part, (void)n;
    return false;
}

typedef bool match_fn(struct lf_sel_walk *w, const struct lf_sel_part *part, xmlNode *n);

static match_fn *const matchers[LF_SEL_KINDS] = {
    [LF_SEL_TYPE] = match_type,       [LF_SEL_NAMESPACE] = match_namespace,
    [LF_SEL_ATTR] = match_attr,       [LF_SEL_NTH] = is_nth,
    [LF_SEL_ROOT] = match_root,       [LF_SEL_EMPTY] = match_empty,
    [LF_SEL_IS] = match_is,           [LF_SEL_NOT] = match_not,
    [LF_SEL_HAS] = match_has,         [LF_SEL_LANG] = match_lang,
    [LF_SEL_ENABLED] = match_enabled, [LF_SEL_DISABLED] = match_disabled,
    [LF_SEL_CHECKED] = match_checked, [LF_SEL_LINK] = match_link,
    [LF_SEL_TARGET] = match_target,   [LF_SEL_SCOPE] = match_scope,
    [LF_SEL_ANCHOR] = match_anchor,   [LF_SEL_NEVER] = match_never,
};

static bool part_matches(struct lf_sel_walk *w, const struct lf_sel_part *part,
                         xmlNode *n)
{
    if (part->kind == LF_SEL_TYPE) /* nearly every compound begins with one */
        return n->name == part->bound;
    return matchers[part->kind](w, part, n);
}

/* --- the walk --- */

bool lf_sel_bind(struct lf_sel *sel, xmlDict *dict, unsigned long serial,
                 const char *(*uri_of)(void *arg, const char *prefix), void *arg,
                 const char **unknown)
{
    if (sel->bound_to == serial)
        return true;
    sel->bound_to = 0;
    for (struct lf_sel_part *part = sel->parts; part; part = part->older) {
        if (part->name.n)
            part->bound =
                xmlDictExists(dict, (const xmlChar *)part->name.p, (int)part->name.n);
        if (part->ns != LF_SEL_NS_PREFIX)
            continue;
        part->uri = uri_of(arg, part->prefix.p);
        if (!part->uri) {
            *unknown = part->prefix.p;
            return false;
        }
    }
    sel->bound_to = serial;
    return true;
}

static xmlNode *advance(struct lf_sel_walk *w)
{
    if (w->at)
        return lf_dom_next(w->at, w->scope);
    return w->scope;
}

/* A bare ::text or ::attr() is also about the element it is asked of. */
static bool is_candidate(const struct lf_sel_walk *w, const struct lf_sel_alt *alt)
{
    return alt->output != LF_SEL_NOTHING &&
           (w->at != w->scope || w->inclusive || alt->bare);
}

/* To the next alternative, at the next element if there is none. */
static bool next_pair(struct lf_sel_walk *w)
{
    if (w->alt && w->alt->next) {
        w->alt = w->alt->next;
        return true;
    }
    w->at = advance(w);
    w->alt = w->sel->list;
    w->node_done = false;
    return w->at;
}

xmlNode *lf_sel_next(struct lf_sel_walk *w, const struct lf_sel_alt **alt)
{
    while (!w->exhausted && next_pair(w)) {
        bool is_node = w->alt->output == LF_SEL_NODE;
        if (!is_candidate(w, w->alt) || (is_node && w->node_done))
            continue;
        if (chain(w, w->alt->last, w->at) == YES) {
            w->node_done |= is_node;
            *alt = w->alt;
            return w->at;
        }
    }
    return NULL;
}
