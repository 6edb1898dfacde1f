/* How the connection is made: proxy, TLS, guard, addresses, version of HTTP. */
#include "bind/route.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include "bind/bind.h"
#include "bind/pairs.h"
#include "bind/request.h"
#include "bind/suggest.h"
#include "http/proxy.h"

static void check_file(struct lf_reader *r, void *out)
{
    *(const char **)out = lf_reader_text(r, "the name of a file or false");
}

void lf_read_http_version(struct lf_reader *r, void *out)
{
    static const char *const versions[] = {"1.1", "2"};
    static const char want[] = "\"1.1\" or \"2\"";
    const char *s = lf_reader_string(r, want, NULL);
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
        if (strcmp(s, versions[i]) == 0) {
            *(const char **)out = versions[i];
            return;
        }
    lf_misuse(r->L, "%s: option '%s' must be %s, got '%s'", r->who, r->name, want, s);
}

/* One of the strings of struct lf_way; whether it can be one, the engine knows. */
void lf_read_way(struct lf_reader *r, void *out)
{
    struct lf_way alone = {0};
    const char *s = lf_reader_text(r, "a string or false"), *why;
    *(const char **)((char *)&alone + ((char *)out - (char *)&r->d->c.opts.way)) = s;
    why = lf_way_check(&alone);
    if (why)
        lf_misuse(r->L, "%s: option '%s': %s", r->who, r->name, why);
    *(const char **)out = s;
}

/* What a text says must not show in the message: it may hold a password. */
static void check_proxy_url(struct lf_reader *r, const char *s)
{
    struct lf_proxy *p = NULL;
    const char *why;
    enum lf_err err = lf_proxy_new(s, strlen(s), &p, &why);
    lf_proxy_free(p);
    lf_reader_keep(r, err == LF_ERESOURCE ? err : LF_OK);
    if (err)
        lf_misuse(r->L, "%s: option '%s' is no proxy URL: %s", r->who, r->name, why);
}

/* A function is called when the request is made: see request.c. */
void lf_read_proxy(struct lf_reader *r, void *out)
{
    struct lf_config *c = &r->d->c;
    (void)out;
    c->proxy_fn = lua_type(r->L, -1) == LUA_TFUNCTION;
    c->opts.way.proxy = "";
    if (c->proxy_fn)
        return;
    const char *s = lf_reader_text(r, "a URL, a function or false");
    if (!s)
        return;
    check_proxy_url(r, s);
    c->opts.way.proxy = s;
}

void lf_read_guard(struct lf_reader *r, void *out)
{
    const char *s = lf_reader_text(r, "\"public\" or false");
    if (s && strcmp(s, "public") != 0)
        lf_misuse(r->L, "%s: option '%s' must be \"public\" or false, got '%s'", r->who,
                  r->name, s);
    /* that of the command line is a limit, no default */
    *(bool *)out = s != NULL || lf_maker_get(r->L)->run.opts.way.guard;
}

static void check_tls_min(struct lf_reader *r, void *out)
{
    static const char want[] = "\"1.2\" or \"1.3\"";
    const char *s = lf_reader_string(r, want, NULL);
    bool three = strcmp(s, "1.3") == 0;
    if (!three && strcmp(s, "1.2") != 0)
        lf_misuse(r->L, "%s: option '%s' must be %s, got '%s'", r->who, r->name, want, s);
    *(int *)out = three ? 13 : 0;
}

static const struct lf_option tls_rows[] = {
    {"ca", LF_ANYWHERE, check_file, LF_OPT(ca)},
    {"cert", LF_ANYWHERE, check_file, LF_OPT(way.cert)},
    {"key", LF_ANYWHERE, check_file, LF_OPT(way.key)},
    {"min", LF_ANYWHERE, check_tls_min, LF_OPT(way.tls_min)},
    {"pin", LF_ANYWHERE, lf_read_way, LF_OPT(way.pin)},
    {"verify", LF_ANYWHERE, lf_read_bool, LF_OPT(verify)},
};

void lf_read_tls(struct lf_reader *r, void *out)
{
    (void)out;
    lf_reader_inner(r, tls_rows, LF_ROWS(tls_rows), "a table");
}

/* ---- addresses ---- */

void lf_read_ip(struct lf_reader *r, void *out)
{
    lua_Integer n = lf_reader_whole(r, "4, 6 or false", 4, 6, 0);
    if (n == 5)
        lf_reader_wrong(r, "4, 6 or false");
    *(int *)out = (int)n;
}

static bool is_address(const char *s, size_t n)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char raw[16];
    if (n > 2 && s[0] == '[' && s[n - 1] == ']')
        s++, n -= 2;
    if (n >= sizeof text || memchr(s, '\0', n))
        return false;
    memcpy(text, s, n);
    text[n] = '\0';
    return inet_pton(AF_INET, text, raw) == 1 || inet_pton(AF_INET6, text, raw) == 1;
}

/* A name that repeats gets all its addresses in one list. */
static enum lf_err resolve_pair(void *arg, const struct lf_pair *p)
{
    struct lf_reader *r = arg;
    struct lf_headers *list = &r->d->layer;
    struct lf_header had;
    size_t at = 0;
    if (p->is_false || !is_address(p->value, p->value_len)) {
        lf_misuse(r->L, "%s: option 'resolve': '%s' is no IP address (for %s)", r->who,
                  p->value, p->name);
    }
    struct lf_buf *text = &r->d->text;
    lf_buf_reset(text);
    enum lf_err err = LF_OK;
    if (lf_headers_find(list->block.p, list->block.len, &at, p->name, p->name_len,
                        &had)) {
        err = lf_buf_addf(text, "%s,", had.value);
        lf_headers_remove(list, p->name, p->name_len);
    }
    if (!err)
        err = lf_buf_add(text, p->value, p->value_len);
    return err ? err : lf_headers_add(list, p->name, p->name_len, text->p, text->len);
}

void lf_read_resolve(struct lf_reader *r, void *out)
{
    (void)out;
    char what[2 * LF_OPTION_NAME];
    snprintf(what, sizeof what, "%s: option '%s'", r->who, r->name);
    lf_headers_reset(&r->d->layer);
    lf_reader_keep(r, lf_pairs_each(r->L, -1, what, &r->d->sort, resolve_pair, r));
    lf_reader_keep(r, lf_fields_merge(&r->d->c.resolve, &r->d->layer, &r->d->spare));
}
