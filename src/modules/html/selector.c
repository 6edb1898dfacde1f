/* The selector compiler: a recursive descent over the text, bounded in length and depth.
 * All of a compiled selector lies in a few blocks that are freed together. Errors carry
 * the character at which reading stopped making sense. */
#include "modules/html/selector.h"

#include <stdlib.h>
#include <string.h>
#include "modules/html/token.h"

/* --- parts --- */

static struct lf_sel_part *add_part(struct lf_css_parser *p, struct lf_sel_compound *c,
                                    enum lf_sel_kind kind)
{
    struct lf_sel_part *part = LF_CSS_NEW(p, struct lf_sel_part);
    if (!part)
        return NULL;
    part->kind = (unsigned char)kind;
    part->older = p->sel->parts;
    p->sel->parts = part;
    struct lf_sel_part **tail = &c->parts;
    while (*tail)
        tail = &(*tail)->next;
    return *tail = part;
}

/* HTML §4.16.2 (case-sensitivity of selectors): values of these compare without case. */
static const char *const folded[] = {
    "accept",  "accept-charset", "align",     "alink",      "axis",     "bgcolor",
    "charset", "checked",        "clear",     "codetype",   "color",    "compact",
    "declare", "defer",          "dir",       "direction",  "disabled", "enctype",
    "face",    "frame",          "hreflang",  "http-equiv", "lang",     "language",
    "link",    "media",          "method",    "multiple",   "nohref",   "noresize",
    "noshade", "nowrap",         "readonly",  "rel",        "rev",      "rules",
    "scope",   "scrolling",      "selected",  "shape",      "target",   "text",
    "type",    "valign",         "valuetype", "vlink"};

static int compare_word(const void *key, const void *row)
{
    return strcmp(key, *(const char *const *)row);
}

static bool is_folded(const char *name)
{
    return bsearch(name, folded, sizeof folded / sizeof *folded, sizeof *folded,
                   compare_word);
}

static bool parse_id_or_class(struct lf_css_parser *p, struct lf_sel_compound *c)
{
    bool id = *p->at++ == '#';
    struct lf_sel_part *part = add_part(p, c, LF_SEL_ATTR);
    if (!part)
        return false;
    part->name = id ? (struct lf_sel_text){"id", 2} : (struct lf_sel_text){"class", 5};
    part->op = id ? '=' : '~';
    return lf_css_take_ident(p, &part->value, false,
                             id ? "a name after '#'" : "a name after '.'");
}

static bool parse_attr_flag(struct lf_css_parser *p, struct lf_sel_part *part)
{
    char flag = lf_css_peek(p, 0) | 32;
    if ((flag != 'i' && flag != 's') || lf_css_is_name(lf_css_peek(p, 1)))
        return true;
    p->at++;
    part->fold = flag == 'i';
    return true;
}

static bool parse_attr_value(struct lf_css_parser *p, struct lf_sel_part *part)
{
    char c = lf_css_peek(p, 0);
    if (c == '=')
        part->op = *p->at++;
    else if (c && strchr("~|^$*", c) && lf_css_peek(p, 1) == '=')
        part->op = c, p->at += 2;
    else
        return true;
    lf_css_skip_space(p);
    part->fold = !p->sel->xml && is_folded(part->name.p);
    if (lf_css_peek(p, 0) == '"' || lf_css_peek(p, 0) == '\'') {
        if (!lf_css_take_string(p, &part->value))
            return false;
    } else if (!lf_css_take_ident(p, &part->value, false, "a value")) {
        return false;
    }
    lf_css_skip_space(p);
    return parse_attr_flag(p, part);
}

/* "ns|", with the cursor on it; HTML documents declare no prefix. */
static bool take_prefix(struct lf_css_parser *p, struct lf_sel_text *prefix)
{
    size_t n = lf_css_name_length(p);
    if (!p->sel->xml)
        return LF_CSS_FAIL(p, "namespace prefix \"%.*s\" is not declared",
                           (int)(n < 40 ? n : 40), p->at);
    return lf_css_take_ident(p, prefix, false, "a prefix") && lf_css_accept(p, '|');
}

/* The cursor may stand on "*|", "|" or "ns|" before a name; *ns is left alone if not. */
static bool parse_prefix(struct lf_css_parser *p, enum lf_sel_ns *ns,
                         struct lf_sel_text *prefix)
{
    if (lf_css_peek(p, 0) == '*' && lf_css_peek(p, 1) == '|' &&
        lf_css_peek(p, 2) != '=') {
        p->at += 2;
        *ns = LF_SEL_NS_ANY;
    } else if (lf_css_peek(p, 0) == '|' && lf_css_peek(p, 1) != '=') {
        p->at++;
        *ns = LF_SEL_NS_NONE;
    } else if (lf_css_is_ident_start(p)) {
        size_t n = lf_css_name_length(p);
        char after = lf_css_peek(p, n + 1);
        if (lf_css_peek(p, n) != '|' || after == '=' || after == '|')
            return true;
        *ns = LF_SEL_NS_PREFIX;
        return take_prefix(p, prefix);
    }
    return true;
}

static bool parse_attr(struct lf_css_parser *p, struct lf_sel_compound *c)
{
    enum lf_sel_ns ns = LF_SEL_NS_NONE;
    p->at++;
    struct lf_sel_part *part = add_part(p, c, LF_SEL_ATTR);
    lf_css_skip_space(p);
    if (!part || !parse_prefix(p, &ns, &part->prefix) ||
        !lf_css_take_ident(p, &part->name, !p->sel->xml, "an attribute name"))
        return false;
    part->ns = (unsigned char)ns;
    lf_css_skip_space(p);
    return parse_attr_value(p, part) && lf_css_expect(p, ']', "[…]");
}

/* --- an+b (CSS Syntax §6) --- */

/* What follows "n": nothing, or a sign and a number with spaces allowed around it. */
static bool parse_nth_offset(struct lf_css_parser *p, int *b)
{
    const char *mark = p->at;
    lf_css_skip_space(p);
    char sign = lf_css_peek(p, 0);
    if (sign != '+' && sign != '-') {
        p->at = mark;
        return true;
    }
    p->at++;
    lf_css_skip_space(p);
    if (!lf_css_is_digit(lf_css_peek(p, 0)))
        return LF_CSS_FAIL(p, "a number expected in an+b");
    int n = lf_css_take_int(p);
    *b = sign == '-' ? -n : n;
    return true;
}

static bool parse_nth(struct lf_css_parser *p, struct lf_sel_part *part)
{
    lf_css_skip_space(p);
    if (lf_css_take_word(p, "odd") || lf_css_take_word(p, "even")) {
        part->a = 2;
        part->b = (p->at[-1] | 32) == 'd';
        return true;
    }
    char sign = lf_css_peek(p, 0);
    if (sign == '+' || sign == '-')
        p->at++;
    bool digits = lf_css_is_digit(lf_css_peek(p, 0));
    int n = digits ? lf_css_take_int(p) : 1;
    if (sign == '-')
        n = -n;
    if ((lf_css_peek(p, 0) | 32) == 'n') {
        p->at++;
        part->a = n;
        if (!parse_nth_offset(p, &part->b))
            return false;
    } else if (digits) {
        part->b = n;
    } else {
        return LF_CSS_FAIL(p, "an+b, odd or even expected");
    }
    return !lf_css_is_name(lf_css_peek(p, 0)) ||
           LF_CSS_FAIL(p, "an+b, odd or even expected");
}

/* --- pseudo-classes --- */

enum argument { ARG_NONE, ARG_NTH, ARG_LIST, ARG_RELATIVE, ARG_LANG };

enum { FROM_END = 1, OF_TYPE = 2, BOTH_ENDS = 4 };

static const struct pseudo {
    const char *name;
    unsigned char kind, argument, flags;
} pseudos[] = {
    {"first-child", LF_SEL_NTH, ARG_NONE, 0},
    {"last-child", LF_SEL_NTH, ARG_NONE, FROM_END},
    {"only-child", LF_SEL_NTH, ARG_NONE, BOTH_ENDS},
    {"first-of-type", LF_SEL_NTH, ARG_NONE, OF_TYPE},
    {"last-of-type", LF_SEL_NTH, ARG_NONE, OF_TYPE | FROM_END},
    {"only-of-type", LF_SEL_NTH, ARG_NONE, OF_TYPE | BOTH_ENDS},
    {"nth-child", LF_SEL_NTH, ARG_NTH, 0},
    {"nth-last-child", LF_SEL_NTH, ARG_NTH, FROM_END},
    {"nth-of-type", LF_SEL_NTH, ARG_NTH, OF_TYPE},
    {"nth-last-of-type", LF_SEL_NTH, ARG_NTH, OF_TYPE | FROM_END},
    {"is", LF_SEL_IS, ARG_LIST, 0},
    {"where", LF_SEL_IS, ARG_LIST, 0},
    {"matches", LF_SEL_IS, ARG_LIST, 0},
    {"not", LF_SEL_NOT, ARG_LIST, 0},
    {"has", LF_SEL_HAS, ARG_RELATIVE, 0},
    {"lang", LF_SEL_IS, ARG_LANG, 0},
    {"root", LF_SEL_ROOT, ARG_NONE, 0},
    {"empty", LF_SEL_EMPTY, ARG_NONE, 0},
    {"enabled", LF_SEL_ENABLED, ARG_NONE, 0},
    {"disabled", LF_SEL_DISABLED, ARG_NONE, 0},
    {"checked", LF_SEL_CHECKED, ARG_NONE, 0},
    {"link", LF_SEL_LINK, ARG_NONE, 0},
    {"any-link", LF_SEL_LINK, ARG_NONE, 0},
    {"target", LF_SEL_TARGET, ARG_NONE, 0},
    {"scope", LF_SEL_SCOPE, ARG_NONE, 0},
    {"visited", LF_SEL_NEVER, ARG_NONE, 0},
    {"hover", LF_SEL_NEVER, ARG_NONE, 0},
    {"active", LF_SEL_NEVER, ARG_NONE, 0},
    {"focus", LF_SEL_NEVER, ARG_NONE, 0},
    {"focus-within", LF_SEL_NEVER, ARG_NONE, 0},
    {"focus-visible", LF_SEL_NEVER, ARG_NONE, 0},
};

static const struct pseudo *find_pseudo(struct lf_sel_text name)
{
    for (size_t i = 0; i < sizeof pseudos / sizeof *pseudos; i++)
        if (lf_css_is_word(name, pseudos[i].name))
            return &pseudos[i];
    return NULL;
}

static struct lf_sel_alt *parse_list(struct lf_css_parser *p, bool relative);

static struct lf_sel_alt *parse_sublist(struct lf_css_parser *p, bool relative)
{
    if (++p->nesting > LF_SEL_MAX_NESTING)
        return LF_CSS_FAIL(p, "nested more than %d deep", LF_SEL_MAX_NESTING);
    struct lf_sel_alt *list = parse_list(p, relative);
    p->nesting--;
    return list;
}

static bool parse_has(struct lf_css_parser *p, struct lf_sel_part *part)
{
    if (p->in_has)
        return LF_CSS_FAIL(p, ":has() inside :has()");
    p->in_has = true;
    part->list = parse_sublist(p, true);
    p->in_has = false;
    return part->list;
}

/* :lang(en, "fr-CA") is :is() of one :lang() each. */
static struct lf_sel_alt *parse_langs(struct lf_css_parser *p)
{
    struct lf_sel_alt *list = NULL, **tail = &list;
    do {
        struct lf_sel_alt *alt = LF_CSS_NEW(p, struct lf_sel_alt);
        struct lf_sel_compound *c = LF_CSS_NEW(p, struct lf_sel_compound);
        struct lf_sel_part *lang = c ? add_part(p, c, LF_SEL_LANG) : NULL;
        if (!alt || !lang)
            return NULL;
        lf_css_skip_space(p);
        bool quoted = lf_css_peek(p, 0) == '"' || lf_css_peek(p, 0) == '\'';
        if (!(quoted ? lf_css_take_string(p, &lang->value)
                     : lf_css_take_ident(p, &lang->value, false, "a language")))
            return NULL;
        alt->last = c;
        *tail = alt;
        tail = &alt->next;
        lf_css_skip_space(p);
    } while (lf_css_accept(p, ','));
    return list;
}

static bool parse_argument(struct lf_css_parser *p, struct lf_sel_part *part,
                           const struct pseudo *pseudo)
{
    switch (pseudo->argument) {
    case ARG_NTH:
        if (!parse_nth(p, part))
            return false;
        if (!part->of_type && lf_css_skip_space(p) && lf_css_take_word(p, "of"))
            return (part->list = parse_sublist(p, false));
        return true;
    case ARG_LIST:
        return (part->list = parse_sublist(p, false));
    case ARG_RELATIVE:
        return parse_has(p, part);
    default:
        return (part->list = parse_langs(p));
    }
}

static bool add_pseudo(struct lf_css_parser *p, struct lf_sel_compound *c,
                       const struct pseudo *pseudo, unsigned flags)
{
    struct lf_sel_part *part = add_part(p, c, (enum lf_sel_kind)pseudo->kind);
    if (!part)
        return false;
    part->from_end = flags & FROM_END;
    part->of_type = flags & OF_TYPE;
    part->b = 1;
    if (part->kind == LF_SEL_NTH || part->kind == LF_SEL_HAS)
        p->sel->wants_memo = true;
    if (pseudo->argument == ARG_NONE)
        return true;
    part->b = 0;
    return parse_argument(p, part, pseudo) && lf_css_expect(p, ')', "the argument");
}

static bool parse_pseudo_class(struct lf_css_parser *p, struct lf_sel_compound *c,
                               struct lf_sel_text name, const char *start)
{
    const struct pseudo *pseudo = find_pseudo(name);
    bool call = lf_css_accept(p, '(');
    if (!pseudo)
        return lf_css_fail(p, start, "unknown pseudo-class \":%.*s\"",
                           (int)(name.n < 40 ? name.n : 40), name.p);
    if (call != (pseudo->argument != ARG_NONE))
        return lf_css_fail(
            p, start, call ? "\":%s\" takes no argument" : "\":%s\" wants an argument",
            pseudo->name);
    if (!(pseudo->flags & BOTH_ENDS))
        return add_pseudo(p, c, pseudo, pseudo->flags);
    return add_pseudo(p, c, pseudo, pseudo->flags) &&
           add_pseudo(p, c, pseudo, pseudo->flags | FROM_END);
}

/* --- pseudo-elements --- */

/* The boxes of CSS, which no tree has. The first four may be written with one colon. */
static const char *const boxes[] = {"before", "after",       "first-line", "first-letter",
                                    "marker", "placeholder", "selection",  "backdrop"};

static bool is_box(struct lf_sel_text name, size_t among)
{
    for (size_t i = 0; i < among; i++)
        if (lf_css_is_word(name, boxes[i]))
            return true;
    return false;
}

static bool parse_pseudo_element(struct lf_css_parser *p, struct lf_sel_alt *alt,
                                 struct lf_sel_text name, const char *start)
{
    if (p->nesting)
        return lf_css_fail(p, start, "a pseudo-element inside a pseudo-class");
    if (lf_css_is_word(name, "text")) {
        alt->output = LF_SEL_STRING_TEXT;
    } else if (lf_css_is_word(name, "attr")) {
        alt->output = LF_SEL_STRING_ATTR;
        if (!lf_css_expect(p, '(', "::attr(name)"))
            return false;
        lf_css_skip_space(p);
        return lf_css_take_ident(p, &alt->attr, !p->sel->xml, "an attribute name") &&
               lf_css_expect(p, ')', "::attr(name)");
    } else if (is_box(name, sizeof boxes / sizeof *boxes)) {
        alt->output = LF_SEL_NOTHING;
    } else {
        return lf_css_fail(p, start, "unknown pseudo-element \"::%.*s\"",
                           (int)(name.n < 40 ? name.n : 40), name.p);
    }
    return true;
}

static bool parse_pseudo(struct lf_css_parser *p, struct lf_sel_alt *alt,
                         struct lf_sel_compound *c)
{
    const char *start = p->at++;
    bool element = lf_css_accept(p, ':');
    struct lf_sel_text name;
    if (!lf_css_take_ident(p, &name, true,
                           element ? "a name after '::'" : "a name after ':'"))
        return false;
    if (element || (is_box(name, 4) && lf_css_peek(p, 0) != '('))
        return parse_pseudo_element(p, alt, name, start);
    return parse_pseudo_class(p, c, name, start);
}

/* --- compounds, alternatives, lists --- */

/* All elements of HTML documents are in the one namespace of HTML. */
static bool limit_namespace(struct lf_css_parser *p, struct lf_sel_compound *c,
                            enum lf_sel_ns ns, struct lf_sel_text prefix)
{
    if (ns == LF_SEL_NS_ANY)
        return true;
    struct lf_sel_part *part =
        add_part(p, c, p->sel->xml ? LF_SEL_NAMESPACE : LF_SEL_NEVER);
    if (!part)
        return false;
    part->ns = (unsigned char)ns;
    part->prefix = prefix;
    return true;
}

static bool parse_type(struct lf_css_parser *p, struct lf_sel_compound *c)
{
    enum lf_sel_ns ns = LF_SEL_NS_ANY;
    struct lf_sel_text prefix = {0};
    if (!parse_prefix(p, &ns, &prefix) || !limit_namespace(p, c, ns, prefix))
        return false;
    if (lf_css_accept(p, '*'))
        return true;
    struct lf_sel_part *part = add_part(p, c, LF_SEL_TYPE);
    return part && lf_css_take_ident(p, &part->name, !p->sel->xml, "an element name");
}

static bool starts_type(const struct lf_css_parser *p)
{
    char c = lf_css_peek(p, 0);
    return c == '*' || (c == '|' && lf_css_peek(p, 1) != '=') || lf_css_is_ident_start(p);
}

static bool parse_simple(struct lf_css_parser *p, struct lf_sel_alt *alt,
                         struct lf_sel_compound *c)
{
    switch (lf_css_peek(p, 0)) {
    case '#':
    case '.':
        return parse_id_or_class(p, c);
    case '[':
        return parse_attr(p, c);
    default:
        return parse_pseudo(p, alt, c);
    }
}

static bool parse_compound(struct lf_css_parser *p, struct lf_sel_alt *alt,
                           struct lf_sel_compound *c)
{
    const char *start = p->at;
    char here[16];
    if (starts_type(p) && !parse_type(p, c))
        return false;
    lf_css_skip_comments(p);
    while (lf_css_peek(p, 0) && strchr("#.[:", lf_css_peek(p, 0))) {
        bool pseudo = lf_css_peek(p, 0) == ':';
        if (alt->output != LF_SEL_NODE)
            return LF_CSS_FAIL(p, "nothing may follow a pseudo-element");
        bool first = p->at == start;
        if (!parse_simple(p, alt, c))
            return false;
        alt->bare = first && pseudo && !c->left && alt->output != LF_SEL_NODE;
        lf_css_skip_comments(p);
    }
    if (p->at == start)
        return LF_CSS_FAIL(p, "a selector expected, found %s", lf_css_here(p, here));
    return true;
}

/* The combinator before the next compound, or 0 where the alternative ends. */
static char parse_combinator(struct lf_css_parser *p)
{
    bool space = lf_css_skip_space(p);
    char c = lf_css_peek(p, 0);
    if (lf_css_at_end(p) || c == ',' || (c == ')' && p->nesting))
        return 0;
    if (c && strchr(">+~", c)) {
        p->at++;
        lf_css_skip_space(p);
        return c;
    }
    char here[16];
    if (!space)
        LF_CSS_FAIL(p, "unexpected %s", lf_css_here(p, here));
    return ' ';
}

/* "> a" of :has(): what stands left of the first combinator is the anchor. */
static struct lf_sel_compound *parse_anchor(struct lf_css_parser *p, char *combinator)
{
    struct lf_sel_compound *anchor = LF_CSS_NEW(p, struct lf_sel_compound);
    if (!anchor || !add_part(p, anchor, LF_SEL_ANCHOR))
        return NULL;
    lf_css_skip_space(p);
    *combinator = ' ';
    if (lf_css_peek(p, 0) && strchr(">+~", lf_css_peek(p, 0))) {
        *combinator = *p->at++;
        lf_css_skip_space(p);
    }
    return anchor;
}

static struct lf_sel_alt *parse_alt(struct lf_css_parser *p, bool relative)
{
    struct lf_sel_alt *alt = LF_CSS_NEW(p, struct lf_sel_alt);
    struct lf_sel_compound *left = NULL;
    char combinator = 0;
    if (!alt || (relative && !(left = parse_anchor(p, &combinator))))
        return NULL;
    lf_css_skip_space(p);
    do {
        struct lf_sel_compound *c = LF_CSS_NEW(p, struct lf_sel_compound);
        if (!c)
            return NULL;
        if (alt->output != LF_SEL_NODE)
            return LF_CSS_FAIL(p, "nothing may follow a pseudo-element");
        c->left = left;
        c->combinator = combinator;
        if (!parse_compound(p, alt, c))
            return NULL;
        alt->last = left = c;
        combinator = parse_combinator(p);
        p->sel->wants_memo |= combinator == '~';
    } while (combinator && !p->failed);
    return p->failed ? NULL : alt;
}

static struct lf_sel_alt *parse_list(struct lf_css_parser *p, bool relative)
{
    struct lf_sel_alt *list = NULL, **tail = &list;
    do {
        *tail = parse_alt(p, relative);
        if (!*tail)
            return NULL;
        tail = &(*tail)->next;
    } while (lf_css_accept(p, ','));
    return list;
}

struct lf_sel *lf_sel_compile(const char *src, size_t n, bool xml,
                              struct lf_sel_error *err)
{
    struct lf_css_parser p = {.src = src, .at = src, .end = src + n, .err = err};
    p.sel = calloc(1, sizeof *p.sel);
    if (!p.sel)
        return lf_css_fail_memory(&p);
    p.sel->xml = xml;
    if (n > LF_SEL_MAX_LENGTH)
        LF_CSS_FAIL(&p, "longer than %d bytes", LF_SEL_MAX_LENGTH);
    else
        p.sel->list = parse_list(&p, false);
    if (!p.failed)
        return p.sel;
    lf_sel_free(p.sel);
    return NULL;
}
