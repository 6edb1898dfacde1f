/* Rows as tables. */
#include "modules/job/answer.h"

#include <string.h>
#include "bind/lf_module.h"

enum { COLUMNS_MAX = 10 };

static const char *const columns[JOB_OP_KINDS][COLUMNS_MAX] = {
    [JOB_CLAIM] = {"id", "token", "url", "depth", "priority", "tries", "meta", "from"},
    [JOB_ITEMS] = {"id", "item", "url"},
    [JOB_FAILED] = {"id", "url", "error", "tries", "depth", "meta", "from"},
    [JOB_SKIPPED] = {"id", "url", "reason", "tries", "depth", "meta", "from"},
    [JOB_PAGES] = {"id", "url", "status", "tries", "depth", "priority", "meta", "from",
                   "why"},
    [JOB_PACES] = {"id", "host"},
    [JOB_OUTPUTS] = {"id", "name", "state"},
    [JOB_COUNTS] = {"pending", "active", "done", "failed", "skipped", "items", "hosts"},
    [JOB_HOST] = {"pending", "active", "per_host"},
    [JOB_OUTPUT] = {"mine", "last", "state"},
};

static bool is_json(const char *name)
{
    return strcmp(name, "meta") == 0 || strcmp(name, "item") == 0 ||
           strcmp(name, "state") == 0;
}

/* [-0, +1, m] What we encoded ourselves; nil when somebody else changed it. */
static void push_json(lua_State *L, const char *text, size_t n)
{
    int top = lua_gettop(L);
    lf_json_decode(L, text, n, NULL);
    lua_settop(L, top + 1);
}

/* [-0, +1, m] The cell at p; returns its end. */
static const char *push_cell(lua_State *L, const char *p, bool json)
{
    struct job_cell c;
    memcpy(&c, p, sizeof c);
    p += sizeof c;
    if (c.len == JOB_NIL)
        return lua_pushnil(L), p;
    if (c.len == JOB_NUMBER)
        return lua_pushinteger(L, c.number), p;
    if (json)
        push_json(L, p, (size_t)c.len);
    else
        lua_pushlstring(L, p, (size_t)c.len);
    return p + c.len;
}

static const char *push_row(lua_State *L, const char *p, const char *const *names,
                            bool raw)
{
    lua_createtable(L, 0, COLUMNS_MAX);
    for (; *names; names++) {
        p = push_cell(L, p, !raw && is_json(*names));
        lua_setfield(L, -2, *names);
    }
    return p;
}

void answer_rows(lua_State *L, const struct job_op *op, bool raw)
{
    const char *p = op->out.p;
    lua_createtable(L, (int)op->rows, 0);
    for (int64_t i = 1; i <= op->rows; i++) {
        p = push_row(L, p, columns[op->kind], raw);
        lua_rawseti(L, -2, i);
    }
}

void answer_row(lua_State *L, const struct job_op *op)
{
    push_row(L, op->out.p, columns[op->kind], false);
}

/* [-1, +1, m] */
static void set_or_none(lua_State *L, const char *name, bool some, double value)
{
    if (some)
        lua_pushnumber(L, value);
    else
        lua_pushboolean(L, false);
    lua_setfield(L, -2, name);
}

void answer_output(lua_State *L, const struct job_op *op)
{
    if (op->rows)
        answer_row(L, op);
    else
        lua_createtable(L, 0, 1); /* reset by somebody in between */
    lua_getfield(L, -1, "mine");
    lua_pushboolean(L, lua_tointeger(L, -1) != 0);
    lua_setfield(L, -3, "mine");
    lua_pop(L, 1);
}

void answer_host(lua_State *L, const struct job_op *op)
{
    answer_row(L, op);
    lua_getfield(L, -1, "per_host");
    bool none = lua_tointeger(L, -1) == INT32_MAX;
    lua_pop(L, 1);
    if (none)
        set_or_none(L, "per_host", false, 0);
    if (op->gap != JOB_AS_BEFORE)
        set_or_none(L, "rate", op->gap > 0, (double)JOB_SECOND / (double)op->gap);
    double wait = op->number > 0 ? (double)op->number / (double)JOB_SECOND : 0;
    set_or_none(L, "wait", true, wait);
}
