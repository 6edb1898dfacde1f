/* The challenge that came last, and the answers to it. */
#include "engine/login.h"

#include <string.h>
#include <sys/random.h>
#include "engine/req.h"
#include "http/digest.h"

enum { MOST_NONCES = 4, CNONCE = 16 };

struct lf_login {
    const char *user, *pass; /* arena */
    size_t user_len, pass_len;
    struct lf_challenge c;    /* owned: what is being answered */
    struct lf_challenge next; /* owned: what the newest answer brought */
    bool found;               /* it did */
    const char *why;          /* NULL, or why it cannot be answered */
    unsigned nonces, count;   /* answered so far; uses of the newest */
    char cnonce[2 * CNONCE + 1];
};

bool lf_login_new(struct lf_arena *arena, const struct lf_opts *o, struct lf_login **out)
{
    *out = NULL;
    if (!o->user.p)
        return true;
    struct lf_login *l = lf_arena_alloc(arena, sizeof *l);
    if (!l)
        return false;
    *l = (struct lf_login){.user_len = o->user.len, .pass_len = o->pass.len};
    l->user = lf_arena_dup(arena, o->user.p, o->user.len);
    l->pass = lf_arena_dup(arena, o->pass.p ? o->pass.p : "", o->pass.len);
    if (!l->user || !l->pass)
        return false;
    lf_challenge_init(&l->c);
    lf_challenge_init(&l->next);
    *out = l;
    return true;
}

void lf_login_free(struct lf_login *l)
{
    if (!l)
        return;
    lf_challenge_free(&l->c);
    lf_challenge_free(&l->next);
}

/* The first challenge of all fields that can be answered. */
static void look(struct lf_login *l, const struct lf_headers *h)
{
    static const char name[] = "WWW-Authenticate";
    struct lf_header f;
    const char *why;
    l->found = false;
    l->why = NULL;
    for (size_t at = 0; !l->found && lf_headers_find(h->block.p, h->block.len, &at, name,
                                                     sizeof name - 1, &f);)
        if (lf_challenge_find(&l->next, f.value, f.value_len, &l->found, &why))
            l->why = why;
    if (l->found)
        l->why = NULL;
}

/* Refused again with the same nonce, or with a new one that is not called a mere renewal:
 * then the password is wrong, and the 401 is the answer. */
bool lf_login_wanted(const struct lf_req *req)
{
    struct lf_login *l = req->login;
    if (!l || req->res.status != 401)
        return false;
    look(l, &req->res.headers);
    if (!l->nonces)
        return l->found || l->why;
    return l->found && l->next.stale && l->nonces < MOST_NONCES;
}

static bool fresh_cnonce(struct lf_login *l)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char raw[CNONCE];
    if (getrandom(raw, sizeof raw, 0) != sizeof raw)
        return false;
    for (size_t i = 0; i < CNONCE; i++) {
        l->cnonce[2 * i] = digits[raw[i] >> 4];
        l->cnonce[2 * i + 1] = digits[raw[i] & 15];
    }
    return true;
}

bool lf_login_prepare(struct lf_req *req)
{
    struct lf_login *l = req->login;
    const char *why = l->why;
    if (!why && !lf_body_again(&req->body))
        why = "the body came from a function and cannot be sent again to answer the "
              "server's challenge";
    if (!why && !fresh_cnonce(l))
        why = "no random numbers for digest authentication";
    if (why) {
        lf_req_fail(req, LF_EREQUEST, "%s", why);
        return false;
    }
    struct lf_challenge old = l->c;
    l->c = l->next;
    l->next = old;
    l->nonces++;
    l->count = 0;
    return lf_login_sign(req);
}

static enum lf_err set_header(struct lf_req *req, const struct lf_buf *value)
{
    static const char name[] = "Authorization";
    if (!lf_value_valid(value->p, value->len))
        return LF_EREQUEST;
    lf_headers_remove(&req->headers, name, sizeof name - 1);
    return lf_headers_add(&req->headers, name, sizeof name - 1, value->p, value->len);
}

bool lf_login_sign(struct lf_req *req)
{
    struct lf_login *l = req->login;
    struct lf_buf value;
    const char *why = "the server's challenge holds a line break";
    if (!l || !l->nonces)
        return true;
    struct lf_span uri = lf_url_target(&req->url);
    struct lf_digest_request r = {
        .user = l->user,
        .user_len = l->user_len,
        .pass = l->pass,
        .pass_len = l->pass_len,
        .method = req->method,
        .uri = uri.p,
        .uri_len = uri.len,
        .cnonce = l->cnonce,
        .count = ++l->count,
    };
    lf_buf_init(&value, LF_BUF_MAX);
    enum lf_err err = lf_digest_answer(&value, &l->c, &r, &why);
    if (!err)
        err = set_header(req, &value);
    lf_buf_free(&value);
    if (err)
        lf_req_fail(req, err, "%s", err == LF_ERESOURCE ? "out of memory" : why);
    return !err;
}
