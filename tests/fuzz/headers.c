/* Lists of header fields: what was put in is found again, in order, in any case of the
 * name, until it is removed.
 *
 * seed: Accept: a\nX-A: b\naccept: c\nSet-Cookie: d=e
 * seed: :\n: \n\n */
#include <strings.h>
#include "fuzz.h"
#include "http/headers.h"

static struct fuzz value_of(struct fuzz line, size_t name)
{
    size_t at = name < line.n ? name + 1 : name;
    return (struct fuzz){line.p + at, line.n - at};
}

static size_t name_len(struct fuzz line)
{
    const char *colon = memchr(line.p, ':', line.n);
    return colon ? (size_t)(colon - line.p) : line.n;
}

static void fill(struct lf_headers *h, struct fuzz in)
{
    struct fuzz line;
    while (fuzz_line(&in, &line)) {
        size_t n = name_len(line);
        struct fuzz v = value_of(line, n);
        FUZZ_CHECK(lf_headers_add(h, line.p, n, v.p, v.n) == LF_OK);
    }
}

static void check_order(const struct lf_headers *h, struct fuzz in)
{
    struct lf_header f;
    struct fuzz line;
    size_t at = 0;
    unsigned n = 0;
    for (; fuzz_line(&in, &line); n++) {
        size_t len = name_len(line);
        struct fuzz v = value_of(line, len);
        FUZZ_CHECK(lf_headers_next(h->block.p, h->block.len, &at, &f));
        FUZZ_CHECK(f.name_len == len && memcmp(f.name, line.p, len) == 0);
        FUZZ_CHECK(f.value_len == v.n && memcmp(f.value, v.p, v.n) == 0);
        FUZZ_CHECK(f.name[len] == '\0' && f.value[v.n] == '\0');
    }
    FUZZ_CHECK(n == h->count && !lf_headers_next(h->block.p, h->block.len, &at, &f));
}

static void check_removed(struct lf_headers *h, struct fuzz name)
{
    struct lf_header f;
    size_t at = 0;
    unsigned before = h->count;
    bool there = lf_headers_find(h->block.p, h->block.len, &at, name.p, name.n, &f);
    FUZZ_CHECK(lf_headers_remove(h, name.p, name.n) == there);
    FUZZ_CHECK((h->count < before) == there);
    at = 0;
    FUZZ_CHECK(!lf_headers_find(h->block.p, h->block.len, &at, name.p, name.n, &f));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz in = {(const char *)data, size}, rest = in, line;
    struct lf_headers h, copy;
    lf_headers_init(&h);
    lf_headers_init(&copy);
    fill(&h, in);
    FUZZ_CHECK(lf_headers_copy(&copy, &h) == LF_OK);
    check_order(&h, in);
    check_order(&copy, in);
    while (fuzz_line(&rest, &line))
        check_removed(&copy, (struct fuzz){line.p, name_len(line)});
    FUZZ_CHECK(copy.count == 0);
    lf_token_valid(in.p, in.n);
    lf_value_valid(in.p, in.n);
    lf_headers_free(&h);
    lf_headers_free(&copy);
    return 0;
}
