/* The option `multipart`: a list of {name=, value= | data= | file=, filename=, type=}.
 * Strings are borrowed, not copied: only what stands between them is made here. */
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include "bind/bind.h"
#include "bind/multipart.h"
#include "bind/suggest.h"
#include "http/multipart.h"

struct item { /* a part as it was said; its strings lie in the table `kept` */
    struct lf_multipart_part head;
    struct lf_part content;
    size_t head_end; /* where its head ends in the text */
};

struct reading {
    lua_State *L;
    struct lf_draft *d;
    const char *name; /* "fetch: option 'multipart'" */
    lua_Integer at;   /* which part: for sentences */
    int part, kept;   /* stack slots */
    lua_Integer nkept;
    char boundary[LF_BOUNDARY_SIZE];
};

static const char *const keys[] = {"data", "file", "filename", "name", "type", "value"};
enum { KEYS = sizeof keys / sizeof *keys };

static void wrong(struct reading *r, const char *key, const char *want)
{
    lf_misuse(r->L, "%s: '%s' of part %d must be %s, got %s", r->name, key, (int)r->at,
              want, luaL_typename(r->L, -1));
}

/* [-1, +0, m] Anchor the string at the top. */
static const char *keep(struct reading *r, size_t *n)
{
    const char *s = lua_tolstring(r->L, -1, n);
    lua_rawseti(r->L, r->kept, ++r->nkept);
    return s;
}

/* [-0, +0, v] A field that is a string; NULL: not there, *off: it is false. */
static const char *text(struct reading *r, const char *key, size_t *n, bool *off)
{
    static const char want[] = "a string", want_off[] = "a string or false";
    lua_State *L = r->L;
    int type = lua_getfield(L, r->part, key);
    bool none = type == LUA_TNIL;
    if (off)
        *off = type == LUA_TBOOLEAN && !lua_toboolean(L, -1);
    if (!none && !(off && *off) && type != LUA_TSTRING)
        wrong(r, key, off ? want_off : want);
    if (type == LUA_TSTRING)
        return keep(r, n);
    lua_pop(L, 1);
    return NULL;
}

static void check_keys(struct reading *r)
{
    lua_State *L = r->L;
    char whose[120];
    for (lua_pushnil(L); lua_next(L, r->part); lua_pop(L, 1)) {
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
        bool known = false;
        for (size_t i = 0; i < KEYS; i++)
            known |= strcmp(key, keys[i]) == 0;
        if (known)
            continue;
        snprintf(whose, sizeof whose, "%s, part %d", r->name, (int)r->at);
        lf_option_unknown(L, whose, key, keys, KEYS);
    }
}

/* ---- one part ---- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void read_value(struct reading *r, struct item *it)
{
    lua_State *L = r->L;
    int type = lua_getfield(L, r->part, "value");
    if (type != LUA_TSTRING && type != LUA_TNUMBER && type != LUA_TBOOLEAN)
        wrong(r, "value", "a string, a number or a boolean");
    luaL_tolstring(L, -1, NULL);
    it->content.bytes = keep(r, &it->content.len);
    lua_pop(L, 1);
}

static bool has(struct reading *r, const char *key)
{
    bool there = lua_getfield(r->L, r->part, key) != LUA_TNIL;
    lua_pop(r->L, 1);
    return there;
}

/* What it holds, and the file name that goes with it. */
static void read_content(struct reading *r, struct item *it)
{
    size_t n = 0;
    bool value = has(r, "value"), data = has(r, "data"), file = has(r, "file");
    if (value + data + file != 1)
        lf_misuse(r->L, "%s: part %d wants one of value, data and file", r->name,
                  (int)r->at);
    if (value)
        read_value(r, it);
    if (data) {
        it->content.bytes = text(r, "data", &it->content.len, NULL);
        it->head.filename = "blob"; /* as browsers call it */
    }
    if (file) {
        it->content.path = text(r, "file", &n, NULL);
        if (strlen(it->content.path) != n)
            lf_misuse(r->L, "%s: 'file' of part %d holds a NUL", r->name, (int)r->at);
        it->head.filename = base_name(it->content.path);
    }
    if (it->head.filename)
        it->head.filename_len = strlen(it->head.filename);
}

static void read_part(struct reading *r, struct item *it)
{
    bool off;
    size_t n = 0;
    check_keys(r);
    it->head.name = text(r, "name", &it->head.name_len, NULL);
    if (!it->head.name)
        lf_misuse(r->L, "%s: part %d has no name", r->name, (int)r->at);
    read_content(r, it);
    const char *s = text(r, "filename", &n, &off);
    if (s || off) {
        it->head.filename = s;
        it->head.filename_len = n;
    }
    if (it->content.path || it->head.filename)
        it->head.type = lf_multipart_type(it->head.filename ? it->head.filename : "",
                                          it->head.filename_len);
    it->head.type_len = it->head.type ? strlen(it->head.type) : 0;
    s = text(r, "type", &n, &off);
    if (s || off) {
        it->head.type = s;
        it->head.type_len = n;
    }
}

/* ---- all of them ---- */

static void check_list(struct reading *r, int list, lua_Integer n)
{
    static const char want[] = "a list of parts {name =, value = …}";
    lua_State *L = r->L;
    lua_Integer count = 0;
    if (lua_type(L, list) != LUA_TTABLE)
        lf_misuse(L, "%s must be %s, got %s", r->name, want, luaL_typename(L, list));
    for (lua_pushnil(L); lua_next(L, list); lua_pop(L, 1))
        count++;
    if (count != n)
        lf_misuse(L, "%s must be %s", r->name, want);
}

static void read_items(struct reading *r, int list, struct item *items, lua_Integer n)
{
    lua_State *L = r->L;
    for (r->at = 1; r->at <= n; r->at++) {
        if (lua_rawgeti(L, list, r->at) != LUA_TTABLE)
            lf_misuse(L, "%s: part %d must be a table, got %s", r->name, (int)r->at,
                      luaL_typename(L, -1));
        r->part = lua_gettop(L);
        read_part(r, &items[r->at - 1]);
        lua_pop(L, 1);
    }
}

/* All heads and the tail in d->text. */
static void write_heads(struct reading *r, struct item *items, lua_Integer n)
{
    struct lf_buf *out = &r->d->text;
    enum lf_err err = LF_OK;
    lf_buf_reset(out);
    for (lua_Integer i = 0; !err && i < n; i++) {
        err = lf_multipart_head(out, r->boundary, i == 0, &items[i].head);
        items[i].head_end = out->len;
    }
    if (err == LF_EREQUEST)
        lf_draft_fail(r->d, err,
                      "the type of a multipart part holds a line break or a NUL");
    else if (!err)
        err = lf_multipart_tail(out, r->boundary, n == 0);
    if (err && err != LF_EREQUEST)
        luaL_error(r->L, "%s: not enough memory", r->name);
}

/* [-0, +1, m] One block of memory: the parts for the engine, then the heads' text. */
static void push_parts(struct reading *r, const struct item *items, lua_Integer n)
{
    const struct lf_buf *text_of = &r->d->text;
    size_t count = 2 * (size_t)n + 1, from = 0;
    struct lf_part *p = lua_newuserdatauv(r->L, count * sizeof *p + text_of->len, 1);
    char *copy = (char *)(p + count);
    memcpy(copy, text_of->p, text_of->len);
    for (lua_Integer i = 0; i < n; i++) {
        p[2 * i] =
            (struct lf_part){.bytes = copy + from, .len = items[i].head_end - from};
        p[2 * i + 1] = items[i].content;
        from = items[i].head_end;
    }
    p[2 * n] = (struct lf_part){.bytes = copy + from, .len = text_of->len - from};
    r->d->c.opts.parts = p;
    r->d->c.opts.nparts = count;
}

void lf_multipart_read(lua_State *L, int idx, const char *name, struct lf_draft *d)
{
    uint8_t random[LF_BOUNDARY_RANDOM];
    int list = lua_absindex(L, idx);
    struct reading r = {.L = L, .d = d, .name = name};
    lua_Integer n =
        lua_type(L, list) == LUA_TTABLE ? (lua_Integer)lua_rawlen(L, list) : 0;
    luaL_checkstack(L, 10, name);
    check_list(&r, list, n);
    if (getrandom(random, sizeof random, 0) != sizeof random)
        luaL_error(L, "%s: no random numbers", name);
    lf_multipart_boundary(r.boundary, random);
    lua_newtable(L);
    r.kept = lua_gettop(L);
    struct item *items = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *items, 0);
    memset(items, 0, ((size_t)n + 1) * sizeof *items);
    read_items(&r, list, items, n);
    write_heads(&r, items, n);
    push_parts(&r, items, n);
    lua_pushvalue(L, r.kept);
    lua_setiuservalue(L, -2, 1);
    lua_replace(L, r.kept);
    lua_settop(L, r.kept);
    snprintf(d->content_type, sizeof d->content_type, "multipart/form-data; boundary=%s",
             r.boundary);
}
