/* robots.txt: lines into groups of agents and rules, and asking them. */
#include "http/robots.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/arena.h"
#include "http/percent.h"
#include "http/robots_path.h"

struct rule {
    struct lf_robots_rule said;
    struct lf_span plain; /* said.path in the form of the RFC; may be the same bytes */
};

struct group {
    size_t rules_at, rules_end; /* of lf_robots.rules */
    double delay;               /* negative: not said */
};

/* Several agents may lead one group, and one agent several groups. */
struct agent {
    struct lf_span name; /* "*" for all the others */
    size_t group;
};

struct lf_robots {
    struct lf_arena arena;  /* owned: every name and path */
    struct lf_buf rules;    /* owned: struct rule */
    struct lf_buf groups;   /* owned: struct group */
    struct lf_buf agents;   /* owned: struct agent, in the order of their groups */
    struct lf_buf sitemaps; /* owned: struct lf_span */
    size_t bytes;           /* in the arena */
};

#define ITEMS(buf, type) ((type *)(void *)(buf).p)
#define COUNT(buf, type) ((buf).len / sizeof(type))

/* ---- reading ---- */

struct reader {
    struct lf_robots *r;
    struct lf_buf written, plain; /* owned: scratch */
    bool naming;                  /* the last group has agents, and no rule so far */
    unsigned line;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\v' || c == '\f';
}

static struct lf_span trim(const char *s, const char *end)
{
    while (s < end && is_blank(*s))
        s++;
    while (end > s && is_blank(end[-1]))
        end--;
    return (struct lf_span){s, (size_t)(end - s)};
}

static enum lf_err keep(struct lf_robots *r, const char *s, size_t n, struct lf_span *out)
{
    out->p = lf_arena_dup(&r->arena, s, n);
    out->len = n;
    r->bytes += n;
    return out->p ? LF_OK : LF_ERESOURCE;
}

static bool is_token(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           c == '-' || c == '_' || c == '.';
}

static enum lf_err open_group(struct lf_robots *r)
{
    size_t n = COUNT(r->rules, struct rule);
    struct group g = {.rules_at = n, .rules_end = n, .delay = -1};
    return lf_buf_add(&r->groups, &g, sizeof g);
}

static enum lf_err on_agent(struct reader *rd, struct lf_span v)
{
    struct lf_robots *r = rd->r;
    size_t n = 0;
    enum lf_err err = rd->naming ? LF_OK : open_group(r);
    while (n < v.len && is_token((unsigned char)v.p[n]))
        n++;
    if (v.len && *v.p == '*' && (v.len == 1 || is_blank(v.p[1])))
        n = 1;
    struct agent a = {.group = COUNT(r->groups, struct group) - 1};
    rd->naming = true;
    if (!err)
        err = keep(r, v.p, n, &a.name);
    return err ? err : lf_buf_add(&r->agents, &a, sizeof a);
}

static struct group *last_group(const struct lf_robots *r)
{
    size_t n = COUNT(r->groups, struct group);
    return n ? ITEMS(r->groups, struct group) + n - 1 : NULL;
}

static enum lf_err on_delay(struct reader *rd, struct lf_span v)
{
    struct group *g = last_group(rd->r);
    char text[32], *end;
    if (!g || !v.len || v.len >= sizeof text)
        return LF_OK;
    memcpy(text, v.p, v.len);
    text[v.len] = '\0';
    double s = strtod(text, &end);
    if (end != text && s >= 0 && s <= 1e9 && s > g->delay)
        g->delay = s;
    return LF_OK;
}

static enum lf_err on_sitemap(struct reader *rd, struct lf_span v)
{
    struct lf_span url;
    enum lf_err err = v.len ? keep(rd->r, v.p, v.len, &url) : LF_OK;
    return err || !v.len ? err : lf_buf_add(&rd->r->sitemaps, &url, sizeof url);
}

static enum lf_err add_rule(struct reader *rd, struct lf_span v, bool allow)
{
    struct lf_robots *r = rd->r;
    struct rule rule = {.said = {.allow = allow, .line = rd->line}};
    struct lf_buf *w = &rd->written, *p = &rd->plain;
    lf_buf_reset(w);
    lf_buf_reset(p);
    enum lf_err err = lf_robots_written(v.p, v.len, w);
    if (!err)
        err = lf_robots_plain(v.p, v.len, true, p);
    if (!err)
        err = keep(r, w->p, w->len, &rule.said.path);
    if (err)
        return err;
    rule.plain = rule.said.path;
    if (p->len != w->len || memcmp(p->p, w->p, p->len) != 0)
        err = keep(r, p->p, p->len, &rule.plain);
    if (!err)
        err = lf_buf_add(&r->rules, &rule, sizeof rule);
    last_group(r)->rules_end = COUNT(r->rules, struct rule);
    return err;
}

/* A rule before any agent is nobody's; an empty one says nothing, but ends the names. */
static enum lf_err on_rule(struct reader *rd, struct lf_span v, bool allow)
{
    rd->naming = false;
    if (!last_group(rd->r) || !v.len)
        return LF_OK;
    return add_rule(rd, v, allow);
}

static enum lf_err on_allow(struct reader *rd, struct lf_span v)
{
    return on_rule(rd, v, true);
}

static enum lf_err on_disallow(struct reader *rd, struct lf_span v)
{
    return on_rule(rd, v, false);
}

static const struct {
    const char *key;
    enum lf_err (*on)(struct reader *rd, struct lf_span value);
} keys[] = {
    {"user-agent", on_agent},  {"useragent", on_agent},   {"user agent", on_agent},
    {"allow", on_allow},       {"disallow", on_disallow}, {"dissallow", on_disallow},
    {"dissalow", on_disallow}, {"disalow", on_disallow},  {"diasllow", on_disallow},
    {"disallaw", on_disallow}, {"crawl-delay", on_delay}, {"crawldelay", on_delay},
    {"crawl delay", on_delay}, {"sitemap", on_sitemap},   {"site-map", on_sitemap},
};

/* "disallow /x", without a colon, when these are its only two words. */
static bool split_at_blank(struct lf_span s, struct lf_span *key, struct lf_span *value)
{
    size_t n = 0;
    while (n < s.len && !is_blank(s.p[n]))
        n++;
    *key = (struct lf_span){s.p, n};
    *value = trim(s.p + n, s.p + s.len);
    for (size_t i = 0; i < value->len; i++)
        if (is_blank(value->p[i]))
            return false;
    return value->len > 0;
}

static enum lf_err read_line(struct reader *rd, const char *s, const char *end)
{
    if (end - s >= LF_ROBOTS_LINE)
        end = s + LF_ROBOTS_LINE - 1;
    const char *hash = memchr(s, '#', (size_t)(end - s));
    struct lf_span line = trim(s, hash ? hash : end), key, value;
    const char *colon = memchr(line.p, ':', line.len);
    if (colon) {
        key = trim(line.p, colon);
        value = trim(colon + 1, line.p + line.len);
    } else if (!split_at_blank(line, &key, &value)) {
        return LF_OK;
    }
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strlen(keys[i].key) == key.len && !strncasecmp(keys[i].key, key.p, key.len))
            return keys[i].on(rd, value);
    return LF_OK;
}

static const char *line_end(const char *s, const char *end)
{
    while (s < end && *s != '\n' && *s != '\r')
        s++;
    return s;
}

/* Where 500 KiB cut a line, its beginning could be a wider rule than it was: left out. */
static enum lf_err read_lines(struct reader *rd, const char *s, size_t n)
{
    bool cut = n > LF_ROBOTS_MAX;
    const char *end = s + (cut ? LF_ROBOTS_MAX : n);
    enum lf_err err = LF_OK;
    while (!err && s < end) {
        const char *stop = line_end(s, end);
        rd->line++;
        if (stop == end && cut)
            break;
        err = read_line(rd, s, stop);
        s = stop + (stop < end);
        if (stop < end && *stop == '\r' && s < end && *s == '\n')
            s++;
    }
    return err;
}

enum lf_err lf_robots_parse(const char *text, size_t n, struct lf_robots **out)
{
    static const char bom[] = "\xef\xbb\xbf";
    struct lf_robots *r = *out = calloc(1, sizeof *r);
    if (!r)
        return LF_ERESOURCE;
    struct reader rd = {.r = r};
    lf_arena_init(&r->arena);
    lf_buf_init(&r->rules, LF_BUF_MAX);
    lf_buf_init(&r->groups, LF_BUF_MAX);
    lf_buf_init(&r->agents, LF_BUF_MAX);
    lf_buf_init(&r->sitemaps, LF_BUF_MAX);
    lf_buf_init(&rd.written, LF_BUF_MAX);
    lf_buf_init(&rd.plain, LF_BUF_MAX);
    size_t mark = n >= 3 && memcmp(text, bom, 3) == 0 ? 3 : 0;
    enum lf_err err = read_lines(&rd, text + mark, n - mark);
    lf_buf_free(&rd.written);
    lf_buf_free(&rd.plain);
    if (err) {
        lf_robots_free(r);
        *out = NULL;
    }
    return err;
}

void lf_robots_free(struct lf_robots *r)
{
    if (!r)
        return;
    lf_arena_free(&r->arena);
    lf_buf_free(&r->rules);
    lf_buf_free(&r->groups);
    lf_buf_free(&r->agents);
    lf_buf_free(&r->sitemaps);
    free(r);
}

size_t lf_robots_size(const struct lf_robots *r)
{
    return sizeof *r + r->bytes + r->rules.cap + r->groups.cap + r->agents.cap +
           r->sitemaps.cap;
}

bool lf_robots_sitemap(const struct lf_robots *r, size_t i, struct lf_span *url)
{
    if (i >= COUNT(r->sitemaps, struct lf_span))
        return false;
    *url = ITEMS(r->sitemaps, struct lf_span)[i];
    return true;
}

/* ---- asking ---- */

static struct lf_span product_token(struct lf_span agent)
{
    const char *slash = agent.len ? memchr(agent.p, '/', agent.len) : NULL;
    return trim(agent.p, slash ? slash : agent.p + agent.len);
}

static bool names(const struct agent *a, struct lf_span token)
{
    return a->name.len == token.len && strncasecmp(a->name.p, token.p, token.len) == 0;
}

/* Groups for the agent, each once: start with *i = 0; NULL behind the last. */
static const struct group *next_group(const struct lf_robots *r, struct lf_span token,
                                      size_t *i)
{
    const struct agent *all = ITEMS(r->agents, struct agent);
    for (size_t n = COUNT(r->agents, struct agent); *i < n; ++*i) {
        if (!names(&all[*i], token))
            continue;
        size_t group = all[*i].group;
        while (*i < n && all[*i].group == group)
            ++*i;
        return ITEMS(r->groups, struct group) + group;
    }
    return NULL;
}

/* The name that stands for the agent in this file: its own, or else "*". */
static struct lf_span name_here(const struct lf_robots *r, struct lf_span agent)
{
    struct lf_span token = product_token(agent);
    size_t i = 0;
    bool own = token.len && next_group(r, token, &i);
    return own ? token : (struct lf_span){"*", 1};
}

bool lf_robots_delay(const struct lf_robots *r, struct lf_span agent, double *seconds)
{
    struct lf_span name = name_here(r, agent);
    const struct group *g;
    *seconds = -1;
    for (size_t i = 0; (g = next_group(r, name, &i));)
        if (g->delay > *seconds)
            *seconds = g->delay;
    return *seconds >= 0;
}

/* A path in its two forms, cut where patterns are. */
struct target {
    struct lf_url base, url;      /* owned */
    struct lf_buf written, plain; /* owned */
    bool same;                    /* of the same bytes */
    bool whole;                   /* nothing was cut off */
};

/* Path and query of what may be a URL or a path, the escapes in upper case. */
static enum lf_err add_written(struct lf_span s, struct lf_buf *out)
{
    const char *end = s.p + s.len;
    const char *hash = s.len ? memchr(s.p, '#', s.len) : NULL;
    const char *p = s.p, *scheme;
    end = hash ? hash : end;
    scheme = memmem(p, (size_t)(end - p), "://", 3);
    if (scheme && !memchr(p, '/', (size_t)(scheme - p)) &&
        !memchr(p, '?', (size_t)(scheme - p)))
        for (p = scheme + 3; p < end && *p != '/' && *p != '?';)
            p++;
    enum lf_err err = p == end || *p != '/' ? lf_buf_addc(out, '/') : LF_OK;
    for (; !err && p < end; p++) {
        int byte = *p == '%' ? lf_percent_byte(p, end) : -1;
        err = byte < 0 ? lf_buf_addc(out, *p) : lf_buf_addf(out, "%%%02X", byte);
        p += byte < 0 ? 0 : 2;
    }
    return err;
}

static enum lf_err add_plain(struct target *t, struct lf_span s, const char **why)
{
    static const char any[] = "http://robots.invalid/"; /* for what is only a path */
    enum lf_err err = lf_url_parse(&t->base, any, sizeof any - 1, NULL, why);
    if (!err)
        err = lf_url_parse(&t->url, s.p, s.len, &t->base, why);
    if (err)
        return err;
    struct lf_span path = lf_url_target(&t->url);
    return lf_robots_plain(path.p, path.len, false, &t->plain);
}

/* LF_ETOOLARGE is of the buffers: the rest of the path is not looked at. */
static enum lf_err target_init(struct target *t, struct lf_span url, const char **why)
{
    t->base = t->url = LF_URL_INIT;
    lf_buf_init(&t->written, LF_ROBOTS_LINE);
    lf_buf_init(&t->plain, LF_ROBOTS_LINE);
    enum lf_err plain = add_plain(t, url, why), written = add_written(url, &t->written);
    t->same = t->written.len == t->plain.len &&
              memcmp(t->written.p, t->plain.p, t->plain.len) == 0;
    t->whole = !plain && !written;
    if (plain && plain != LF_ETOOLARGE)
        return plain;
    return written == LF_ETOOLARGE ? LF_OK : written;
}

static void target_free(struct target *t)
{
    lf_url_free(&t->base);
    lf_url_free(&t->url);
    lf_buf_free(&t->written);
    lf_buf_free(&t->plain);
}

static bool fits(struct lf_span pattern, const struct lf_buf *path, bool whole)
{
    return lf_robots_match(pattern.p, pattern.len, path->p ? path->p : "", path->len,
                           whole);
}

static bool holds(const struct rule *rule, const struct target *t)
{
    bool allow = rule->said.allow, written = fits(rule->said.path, &t->written, t->whole);
    if (written != allow || (t->same && rule->plain.p == rule->said.path.p))
        return written;
    return fits(rule->plain, &t->plain, t->whole);
}

/* RFC 9309 §2.2.2: the file itself is always allowed. */
static bool is_robots_txt(const struct target *t)
{
    static const char path[] = "/robots.txt";
    return t->plain.len == sizeof path - 1 &&
           memcmp(t->plain.p, path, sizeof path - 1) == 0;
}

/* The longest pattern decides; of equal ones an Allow. */
static bool outdoes(const struct rule *a, const struct rule *b)
{
    if (!b || a->said.path.len != b->said.path.len)
        return !b || a->said.path.len > b->said.path.len;
    return a->said.allow && !b->said.allow;
}

enum lf_err lf_robots_check(const struct lf_robots *r, struct lf_span agent,
                            struct lf_span url, bool *allowed,
                            const struct lf_robots_rule **rule, const char **why)
{
    struct lf_span name = name_here(r, agent);
    const struct group *g;
    const struct rule *best = NULL;
    struct target t;
    enum lf_err err = target_init(&t, url, why);
    bool open = !err && is_robots_txt(&t);
    for (size_t i = 0; !err && !open && (g = next_group(r, name, &i));)
        for (size_t j = g->rules_at; j < g->rules_end; j++) {
            const struct rule *next = ITEMS(r->rules, struct rule) + j;
            if (outdoes(next, best) && holds(next, &t))
                best = next;
        }
    target_free(&t);
    *allowed = !best || best->said.allow;
    *rule = best ? &best->said : NULL;
    return err;
}
