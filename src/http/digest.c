/* Challenges are read leniently, as servers write them; answers are computed to the
 * letter. */
#include "http/digest.h"

#include <openssl/evp.h>
#include <string.h>
#include <strings.h>
#include "http/headers.h"

enum { HEX = 2 * EVP_MAX_MD_SIZE + 1, MAX_VALUE = 64 << 10 };

void lf_challenge_init(struct lf_challenge *c)
{
    *c = (struct lf_challenge){.algorithm = LF_DIGEST_MD5};
    lf_buf_init(&c->realm, MAX_VALUE);
    lf_buf_init(&c->nonce, MAX_VALUE);
    lf_buf_init(&c->opaque, MAX_VALUE);
}

void lf_challenge_free(struct lf_challenge *c)
{
    lf_buf_free(&c->realm);
    lf_buf_free(&c->nonce);
    lf_buf_free(&c->opaque);
    lf_challenge_init(c);
}

/* ---- reading ---- */

struct scan {
    const char *p, *end;
    struct lf_buf value; /* of the last parameter */
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static void skip_spaces(struct scan *s)
{
    while (s->p < s->end && is_space(*s->p))
        s->p++;
}

static size_t token_length(const struct scan *s)
{
    size_t n = 0;
    while (s->p + n < s->end && lf_token_valid(s->p + n, 1))
        n++;
    return n;
}

static enum lf_err read_quoted(struct scan *s)
{
    enum lf_err err = LF_OK;
    for (s->p++; !err && s->p < s->end && *s->p != '"'; s->p++) {
        if (*s->p == '\\' && s->p + 1 < s->end)
            s->p++;
        err = lf_buf_addc(&s->value, *s->p);
    }
    if (s->p < s->end)
        s->p++;
    return err;
}

static enum lf_err read_value(struct scan *s)
{
    lf_buf_reset(&s->value);
    skip_spaces(s);
    if (s->p < s->end && *s->p == '"')
        return read_quoted(s);
    const char *from = s->p;
    while (s->p < s->end && *s->p != ',' && !is_space(*s->p))
        s->p++;
    return lf_buf_add(&s->value, from, (size_t)(s->p - from));
}

static bool equal(const struct lf_buf *b, const char *s)
{
    return b->len == strlen(s) && strncasecmp(b->p ? b->p : "", s, b->len) == 0;
}

static enum lf_err keep(struct lf_buf *to, const struct lf_buf *from)
{
    lf_buf_reset(to);
    return lf_buf_add(to, from->p ? from->p : "", from->len);
}

/* What stands in a challenge beyond what an answer needs. */
struct reading {
    struct lf_challenge c;
    bool nonce, qop_said, algorithm_known;
};

static void read_algorithm(struct reading *r, const struct lf_buf *value)
{
    static const struct {
        const char *name;
        enum lf_digest_algorithm algorithm;
        bool sess;
    } known[] = {
        {"MD5", LF_DIGEST_MD5, false},
        {"MD5-sess", LF_DIGEST_MD5, true},
        {"SHA-256", LF_DIGEST_SHA256, false},
        {"SHA-256-sess", LF_DIGEST_SHA256, true},
    };
    r->algorithm_known = false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!equal(value, known[i].name))
            continue;
        r->algorithm_known = true;
        r->c.algorithm = known[i].algorithm;
        r->c.algorithm_name = known[i].name;
        r->c.sess = known[i].sess;
    }
}

/* "auth, auth-int": is there an "auth"? */
static bool offers_auth(const struct lf_buf *value)
{
    if (!value->len) /* then it has no memory either */
        return false;
    struct scan s = {.p = value->p, .end = value->p + value->len};
    while (s.p < s.end) {
        size_t n = token_length(&s);
        if (n == 4 && strncasecmp(s.p, "auth", 4) == 0)
            return true;
        s.p += n ? n : 1;
    }
    return false;
}

static enum lf_err read_param(struct reading *r, const char *name, size_t n,
                              const struct lf_buf *value)
{
    struct lf_challenge *c = &r->c;
    if (n == 5 && strncasecmp(name, "realm", n) == 0)
        return keep(&c->realm, value);
    if (n == 6 && strncasecmp(name, "opaque", n) == 0) {
        c->has_opaque = true;
        return keep(&c->opaque, value);
    }
    if (n == 5 && strncasecmp(name, "nonce", n) == 0) {
        r->nonce = true;
        return keep(&c->nonce, value);
    }
    if (n == 5 && strncasecmp(name, "stale", n) == 0)
        c->stale = equal(value, "true");
    if (n == 9 && strncasecmp(name, "algorithm", n) == 0)
        read_algorithm(r, value);
    if (n == 3 && strncasecmp(name, "qop", n) == 0) {
        r->qop_said = true;
        c->qop = offers_auth(value);
    }
    return LF_OK;
}

/* A token before '=' is a parameter, unless what follows shows that it was the data of
 * another scheme ("Negotiate abc=="). */
static bool at_param(struct scan *s, size_t n)
{
    struct scan look = *s;
    look.p += n;
    skip_spaces(&look);
    if (look.p >= look.end || *look.p != '=')
        return false;
    look.p++;
    skip_spaces(&look);
    return look.p < look.end && *look.p != '=' && *look.p != ',';
}

static enum lf_err read_params(struct scan *s, struct reading *r)
{
    enum lf_err err = LF_OK;
    while (!err && s->p < s->end) {
        while (s->p < s->end && (is_space(*s->p) || *s->p == ','))
            s->p++;
        const char *name = s->p;
        size_t n = token_length(s);
        if (!n || !at_param(s, n))
            break; /* the next scheme */
        s->p = memchr(s->p + n, '=', (size_t)(s->end - s->p - (ptrdiff_t)n));
        s->p++;
        err = read_value(s);
        if (!err && r)
            err = read_param(r, name, n, &s->value);
    }
    return err;
}

static const char *unanswerable(const struct reading *r)
{
    if (!r->algorithm_known)
        return "the server wants digest authentication with an algorithm that is neither "
               "MD5 nor SHA-256";
    if (r->qop_said && !r->c.qop)
        return "the server wants digest authentication with qop \"auth-int\" alone, "
               "which "
               "is not supported";
    if (!r->nonce)
        return "the server's challenge for digest authentication has no nonce";
    return NULL;
}

/* Read one scheme with its parameters. */
static enum lf_err read_scheme(struct scan *s, struct lf_challenge *c, bool *found,
                               const char **refused)
{
    struct reading r = {.algorithm_known = true};
    size_t n = token_length(s);
    bool digest = n == 6 && strncasecmp(s->p, "digest", 6) == 0;
    s->p += n ? n : 1;
    skip_spaces(s);
    lf_challenge_init(&r.c);
    enum lf_err err = read_params(s, digest ? &r : NULL);
    const char *why = digest && !err ? unanswerable(&r) : NULL;
    if (why && !*refused)
        *refused = why;
    if (digest && !err && !why) {
        lf_challenge_free(c);
        *c = r.c;
        *found = true;
        return LF_OK;
    }
    lf_challenge_free(&r.c);
    return err;
}

enum lf_err lf_challenge_find(struct lf_challenge *c, const char *value, size_t n,
                              bool *found, const char **why)
{
    struct scan s = {.p = value, .end = value + n};
    const char *refused = NULL;
    enum lf_err err = LF_OK;
    *found = false;
    lf_buf_init(&s.value, MAX_VALUE);
    while (!err && !*found && s.p < s.end)
        err = read_scheme(&s, c, found, &refused);
    lf_buf_free(&s.value);
    *why = err ? "out of memory, or a challenge that is too long" : refused;
    if (err)
        return LF_ERESOURCE;
    return !*found && refused ? LF_EREQUEST : LF_OK;
}

/* ---- answering ---- */

/* Hash "a:b:c" into hex. */
static bool hash(enum lf_digest_algorithm algorithm, const struct lf_buf *text,
                 char out[static HEX])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    const EVP_MD *md = algorithm == LF_DIGEST_MD5 ? EVP_md5() : EVP_sha256();
    if (!EVP_Digest(text->p, text->len, raw, &n, md, NULL))
        return false;
    for (unsigned i = 0; i < n; i++) {
        out[2 * i] = digits[raw[i] >> 4];
        out[2 * i + 1] = digits[raw[i] & 15];
    }
    out[2 * n] = '\0';
    return true;
}

static enum lf_err add_buf(struct lf_buf *out, const struct lf_buf *b)
{
    return lf_buf_add(out, b->p ? b->p : "", b->len);
}

/* A1: user:realm:pass, for -sess hashed and bound to the nonces. */
static enum lf_err hash_user(const struct lf_challenge *c,
                             const struct lf_digest_request *r, struct lf_buf *t,
                             char out[static HEX])
{
    lf_buf_reset(t);
    enum lf_err err = lf_buf_add(t, r->user, r->user_len);
    if (!err)
        err = lf_buf_addc(t, ':');
    if (!err)
        err = add_buf(t, &c->realm);
    if (!err)
        err = lf_buf_addc(t, ':');
    if (!err)
        err = lf_buf_add(t, r->pass, r->pass_len);
    if (!err && !hash(c->algorithm, t, out))
        err = LF_ERESOURCE;
    if (t->p)
        explicit_bzero(t->p, t->len);
    if (err || !c->sess)
        return err;
    lf_buf_reset(t);
    err = lf_buf_addf(t, "%s:", out);
    if (!err)
        err = add_buf(t, &c->nonce);
    if (!err)
        err = lf_buf_addf(t, ":%s", r->cnonce);
    return err ? err : hash(c->algorithm, t, out) ? LF_OK : LF_ERESOURCE;
}

/* A2: method:uri. */
static enum lf_err hash_request(const struct lf_challenge *c,
                                const struct lf_digest_request *r, struct lf_buf *t,
                                char out[static HEX])
{
    lf_buf_reset(t);
    enum lf_err err = lf_buf_addf(t, "%s:", r->method);
    if (!err)
        err = lf_buf_add(t, r->uri, r->uri_len);
    return err ? err : hash(c->algorithm, t, out) ? LF_OK : LF_ERESOURCE;
}

static enum lf_err respond(const struct lf_challenge *c,
                           const struct lf_digest_request *r, char out[static HEX])
{
    char user[HEX], request[HEX];
    struct lf_buf t;
    lf_buf_init(&t, LF_BUF_MAX);
    enum lf_err err = hash_user(c, r, &t, user);
    if (!err)
        err = hash_request(c, r, &t, request);
    lf_buf_reset(&t);
    if (!err)
        err = lf_buf_addf(&t, "%s:", user);
    if (!err)
        err = add_buf(&t, &c->nonce);
    if (!err && c->qop)
        err = lf_buf_addf(&t, ":%08x:%s:auth", r->count, r->cnonce);
    if (!err)
        err = lf_buf_addf(&t, ":%s", request);
    if (!err && !hash(c->algorithm, &t, out))
        err = LF_ERESOURCE;
    lf_buf_free(&t);
    explicit_bzero(user, sizeof user);
    return err;
}

static enum lf_err add_quoted(struct lf_buf *out, const char *name, const char *s,
                              size_t n)
{
    enum lf_err err = lf_buf_addf(out, "%s=\"", name);
    for (size_t i = 0; !err && i < n; i++) {
        if (s[i] == '"' || s[i] == '\\')
            err = lf_buf_addc(out, '\\');
        if (!err)
            err = lf_buf_addc(out, s[i]);
    }
    return err ? err : lf_buf_addc(out, '"');
}

static bool has_control(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
            return true;
    return false;
}

static enum lf_err write_answer(struct lf_buf *out, const struct lf_challenge *c,
                                const struct lf_digest_request *r, const char *response)
{
    enum lf_err err = lf_buf_adds(out, "Digest ");
    if (!err)
        err = add_quoted(out, "username", r->user, r->user_len);
    if (!err)
        err = add_quoted(out, ", realm", c->realm.p ? c->realm.p : "", c->realm.len);
    if (!err)
        err = add_quoted(out, ", nonce", c->nonce.p ? c->nonce.p : "", c->nonce.len);
    if (!err)
        err = add_quoted(out, ", uri", r->uri, r->uri_len);
    if (!err && c->algorithm_name)
        err = lf_buf_addf(out, ", algorithm=%s", c->algorithm_name);
    if (!err && (c->qop || c->sess))
        err = lf_buf_addf(out, ", cnonce=\"%s\"", r->cnonce);
    if (!err && c->qop)
        err = lf_buf_addf(out, ", nc=%08x, qop=auth", r->count);
    if (!err)
        err = lf_buf_addf(out, ", response=\"%s\"", response);
    if (!err && c->has_opaque)
        err = add_quoted(out, ", opaque", c->opaque.p ? c->opaque.p : "", c->opaque.len);
    return err;
}

enum lf_err lf_digest_answer(struct lf_buf *out, const struct lf_challenge *c,
                             const struct lf_digest_request *r, const char **why)
{
    char response[HEX];
    *why = "user and password cannot hold control characters";
    if (has_control(r->user, r->user_len) || has_control(r->pass, r->pass_len))
        return LF_EREQUEST;
    *why = "out of memory, or the hash is not available";
    if (respond(c, r, response))
        return LF_ERESOURCE;
    return write_answer(out, c, r, response);
}
