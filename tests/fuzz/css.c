/* CSS selectors: compiled or refused with a place, then matched over a fixed document;
 * what matches is an element below the root, in document order.
 *
 * seeds: css-w3c-selectors/valid-selectors.json: selector
 * seeds: css-w3c-selectors/invalid-selectors.json: selector
 * seed: ul > li:nth-child(2n+1 of .a, #b):not(:has(> a[href^="x" i])) ~ *::attr(title)
 * size: 1024 */
#include "fuzz.h"
#include "modules/html/selector.h"
#include "modules/html/tree.h"

enum { MATCHES = 10000 }; /* a small document has not so many */

static const char page[] =
    "<!doctype html><html lang=de-AT><head><title>t</title></head><body id=b class='x y'>"
    "<div id=a class=a title='Some Title'><p>1<p class='a b'>2<p lang=fr>3<b><i>4</i></b>"
    "</div><ul><li>1<li class=a>2<li id=c><a href='x.html'>3</a><li>4<li class='a "
    "c'>5</ul>"
    "<form><input type=checkbox checked><input disabled><select><option "
    "selected>1<option>2"
    "</select><fieldset disabled><legend><input></legend><textarea></textarea></fieldset>"
    "</form><table><tr><td><td><a name=n href=#b><tr><td></table><svg viewBox='0 0 1 "
    "1'><g/>"
    "</svg><p data-x='a-b c'></p><em></em><em> </em><em><!-- c --></em></body></html>";

static xmlDoc *doc;

static void open_document(void)
{
    size_t nodes;
    if (doc)
        return;
    doc = lf_tree_parse(page, sizeof page - 1, NULL, 0, &nodes);
    FUZZ_CHECK(doc);
}

static const char *uri_of(void *arg, const char *prefix)
{
    (void)arg, (void)prefix;
    return NULL; /* HTML has no namespaces */
}

static void match(struct lf_sel *sel, bool remember)
{
    struct lf_memo memo = {0};
    struct lf_sel_walk w = {.sel = sel, .scope = lf_tree_root(doc)};
    const struct lf_sel_alt *alt;
    unsigned n = 0;
    w.inclusive = true;
    w.target = "b";
    w.memo = remember ? &memo : NULL;
    const char *unknown = NULL;
    if (!lf_sel_bind(sel, doc->dict, 1, uri_of, NULL, &unknown)) {
        FUZZ_CHECK(unknown);
        return;
    }
    for (xmlNode *node; (node = lf_sel_next(&w, &alt));) {
        FUZZ_CHECK(node->type == XML_ELEMENT_NODE && alt);
        FUZZ_CHECK(++n < MATCHES * 50);
    }
    FUZZ_CHECK(!w.exhausted);
    lf_memo_free(&memo);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz in = {(const char *)data, size};
    struct lf_sel_error err = {0};
    open_document();
    char *block = fuzz_block(in);
    struct lf_sel *sel = lf_sel_compile(block, in.n, false, &err);
    free(block);
    FUZZ_CHECK(sel || (err.at > 0 && *err.message));
    if (sel) {
        match(sel, true);
        if (!sel->wants_memo)
            match(sel, false);
    }
    lf_sel_free(sel);
    return 0;
}
