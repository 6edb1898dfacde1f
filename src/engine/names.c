/* The name cache and its two resolvers. */
#include "engine/names.h"

#include <ares.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "engine/internal.h"

enum {
    BUCKETS = 1024,
    MAX_NAMES = 16384, /* kept; the oldest that nobody waits for go first */
    IN_FLIGHT = 128,   /* lookups at once; others wait in line */
    MIN_TTL = 5,
    MAX_TTL = 3600,
    HOSTS_TTL = 60,       /* of a line in /etc/hosts */
    NEGATIVE_TTL = 10,    /* the name has no address */
    FAILURE_TTL = 1,      /* the servers did not answer: ask again soon */
    QUERY_TIMEOUT = 2000, /* ms; doubles with every try */
    QUERY_TRIES = 3,
};

enum state { WAITING, ASKED, ANSWERED };

struct lf_name {
    struct lf_name *next;   /* owned: same bucket */
    struct lf_names *names; /* borrowed; NULL once the cache is gone */
    struct lf_list age;     /* in names->age */
    struct lf_list line;    /* in names->line while WAITING */
    struct lf_list waiters; /* lookups */
    enum state state;
    uint32_t hash, id;
    double expires;
    struct lf_buf v4, v6;
    unsigned count;
    const char *why; /* static; NULL: it has addresses */
    struct lf_job job;
    struct addrinfo *found; /* owned: what the thread brought */
    int failure;
    size_t len;
    char text[];
};

struct lf_names {
    struct lf_engine *eng; /* borrowed: outlives us */
    ares_channel channel;  /* owned; NULL until the first lookup */
    bool use_system, has_channel;
    struct lf_timer timer; /* c-ares' next time-out */
    struct lf_name *table[BUCKETS];
    struct lf_list age, line;
    unsigned count, asked;
    uint32_t ids;
};

/* ---- answers ---- */

static void wake_all(struct lf_name *name)
{
    for (struct lf_list *n = lf_list_shift(&name->waiters); n;
         n = lf_list_shift(&name->waiters)) {
        struct lf_lookup *lk = lf_container(n, struct lf_lookup, link);
        lk->name = NULL;
        lk->ready(lk);
    }
}

static void add_address(struct lf_name *name, const struct sockaddr *sa)
{
    char text[INET6_ADDRSTRLEN];
    const void *raw = sa->sa_family == AF_INET6
                          ? (const void *)&((const struct sockaddr_in6 *)sa)->sin6_addr
                          : (const void *)&((const struct sockaddr_in *)sa)->sin_addr;
    struct lf_buf *to = sa->sa_family == AF_INET6 ? &name->v6 : &name->v4;
    if ((sa->sa_family != AF_INET && sa->sa_family != AF_INET6) ||
        !inet_ntop(sa->sa_family, raw, text, sizeof text))
        return;
    if (lf_buf_addf(to, "%s%s", to->len ? "," : "", text) == LF_OK)
        name->count++;
}

static void begin_answer(struct lf_name *name)
{
    lf_buf_reset(&name->v4);
    lf_buf_reset(&name->v6);
    name->count = 0;
    name->why = NULL;
    name->state = ANSWERED;
    name->id = ++name->names->ids;
}

static void end_answer(struct lf_name *name, int ttl, const char *why)
{
    struct lf_names *names = name->names;
    if (!name->count) {
        name->why = why;
    } else {
        ttl = ttl < MIN_TTL ? MIN_TTL : ttl > MAX_TTL ? MAX_TTL : ttl;
    }
    name->expires = names->eng->now + ttl;
    names->asked--;
    wake_all(name);
}

/* ---- c-ares ---- */

static void rearm(struct lf_names *names)
{
    struct timeval tv, *next = ares_timeout(names->channel, NULL, &tv);
    if (!next)
        lf_timers_remove(&names->eng->timers, &names->timer);
    else
        lf_timers_add(&names->eng->timers, &names->timer,
                      names->eng->now + (double)next->tv_sec +
                          (double)next->tv_usec / 1e6);
}

static void ask_next(struct lf_names *names);

static void on_timer(struct lf_timer *t)
{
    struct lf_names *names = lf_container(t, struct lf_names, timer);
    ares_process_fd(names->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    ask_next(names);
    rearm(names);
}

static void on_fd(void *arg, int fd, int revents)
{
    struct lf_names *names = arg;
    ares_process_fd(names->channel, (revents & EV_READ) ? fd : ARES_SOCKET_BAD,
                    (revents & EV_WRITE) ? fd : ARES_SOCKET_BAD);
    ask_next(names);
    rearm(names);
}

static void on_socket(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct lf_names *names = arg;
    struct lf_loop *loop = &names->eng->loop;
    if (readable || writable)
        lf_loop_want(loop, fd, (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0),
                     on_fd, names);
    else
        lf_loop_forget(loop, fd);
}

static bool no_such_name(int status)
{
    return status == ARES_ENOTFOUND || status == ARES_ENODATA || status == ARES_EBADNAME;
}

static const char *reason(int status)
{
    if (no_such_name(status))
        return "the name does not exist";
    if (status == ARES_ETIMEOUT)
        return "the name servers do not answer";
    if (status == ARES_ECONNREFUSED)
        return "no name server can be reached";
    return "the name servers refuse to answer";
}

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
    struct lf_name *name = arg;
    int ttl = MAX_TTL;
    (void)timeouts;
    if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED)
        return;
    begin_answer(name);
    for (struct ares_addrinfo_node *n = info ? info->nodes : NULL; n; n = n->ai_next) {
        int own = n->ai_ttl ? n->ai_ttl : HOSTS_TTL;
        add_address(name, n->ai_addr);
        ttl = own < ttl ? own : ttl;
    }
    if (info)
        ares_freeaddrinfo(info);
    if (!name->count)
        ttl = status == ARES_SUCCESS || no_such_name(status) ? NEGATIVE_TTL : FAILURE_TTL;
    end_answer(name, ttl, reason(status == ARES_SUCCESS ? ARES_ENODATA : status));
}

static bool open_channel(struct lf_names *names)
{
    struct ares_options o = {.timeout = QUERY_TIMEOUT,
                             .tries = QUERY_TRIES,
                             .sock_state_cb = on_socket,
                             .sock_state_cb_data = names};
    if (names->has_channel)
        return true;
    if (ares_library_init(ARES_LIB_INIT_ALL))
        return false;
    names->has_channel = ares_init_options(&names->channel, &o,
                                           ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                                               ARES_OPT_SOCK_STATE_CB) == ARES_SUCCESS;
    if (names->has_channel && names->eng->dns_servers &&
        ares_set_servers_ports_csv(names->channel, names->eng->dns_servers)) {
        ares_destroy(names->channel);
        names->has_channel = false;
    }
    if (!names->has_channel)
        ares_library_cleanup();
    return names->has_channel;
}

static void ask_ares(struct lf_name *name)
{
    struct ares_addrinfo_hints hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = ARES_AI_NOSORT};
    struct lf_names *names = name->names;
    if (!open_channel(names)) {
        begin_answer(name);
        end_answer(name, FAILURE_TTL,
                   "the resolver cannot be set up (are the DNS servers addresses?)");
        return;
    }
    ares_getaddrinfo(names->channel, name->text, NULL, &hints, on_answer, name);
    rearm(names);
}

/* ---- the system's resolver ---- */

static void name_free(struct lf_name *name)
{
    lf_buf_free(&name->v4);
    lf_buf_free(&name->v6);
    if (name->found)
        freeaddrinfo(name->found);
    free(name);
}

static void system_work(struct lf_job *job)
{
    struct lf_name *name = lf_container(job, struct lf_name, job);
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    name->failure = getaddrinfo(name->text, NULL, &hints, &name->found);
}

static void system_done(struct lf_job *job)
{
    struct lf_name *name = lf_container(job, struct lf_name, job);
    struct lf_names *names = name->names;
    begin_answer(name);
    for (struct addrinfo *n = name->found; n; n = n->ai_next)
        add_address(name, n->ai_addr);
    if (name->found)
        freeaddrinfo(name->found);
    name->found = NULL;
    bool final = name->failure == EAI_NONAME;
    end_answer(name,
               name->count ? HOSTS_TTL
               : final     ? NEGATIVE_TTL
                           : FAILURE_TTL,
               final ? "the name does not exist" : gai_strerror(name->failure));
    ask_next(names);
}

static void system_drop(struct lf_job *job)
{
    name_free(lf_container(job, struct lf_name, job));
}

static void ask_system(struct lf_name *name)
{
    name->job =
        (struct lf_job){.work = system_work, .done = system_done, .drop = system_drop};
    lf_list_init(&name->job.link);
    if (lf_offload(name->names->eng, &name->job) == LF_OK)
        return;
    begin_answer(name);
    end_answer(name, FAILURE_TTL, "no thread to look it up");
}

static bool ends_with(const struct lf_name *name, const char *tail)
{
    size_t n = strlen(tail);
    return name->len >= n && strcasecmp(name->text + name->len - n, tail) == 0;
}

static bool for_system(const struct lf_name *name)
{
    return name->names->use_system || !strchr(name->text, '.') ||
           ends_with(name, ".local");
}

/* RFC 6761 §6.3: localhost and what is below it never leave this machine. */
static bool answer_localhost(struct lf_name *name)
{
    if (strcasecmp(name->text, "localhost") != 0 && !ends_with(name, ".localhost"))
        return false;
    begin_answer(name);
    bool ok = lf_buf_adds(&name->v4, "127.0.0.1") == LF_OK &&
              lf_buf_adds(&name->v6, "::1") == LF_OK;
    name->count = ok ? 2 : 0;
    end_answer(name, MAX_TTL, "out of memory");
    return true;
}

static void ask_next(struct lf_names *names)
{
    while (names->asked < IN_FLIGHT && !lf_list_empty(&names->line)) {
        struct lf_name *name =
            lf_container(lf_list_shift(&names->line), struct lf_name, line);
        name->state = ASKED;
        names->asked++;
        if (!answer_localhost(name))
            for_system(name) ? ask_system(name) : ask_ares(name);
    }
}

/* ---- the cache ---- */

static void forget(struct lf_name *name)
{
    struct lf_names *names = name->names;
    struct lf_name **at = &names->table[name->hash % BUCKETS];
    while (*at != name)
        at = &(*at)->next;
    *at = name->next;
    lf_list_remove(&name->age);
    names->count--;
    name_free(name);
}

static void make_room(struct lf_names *names)
{
    LF_LIST_EACH_SAFE (&names->age, n, next) {
        struct lf_name *name = lf_container(n, struct lf_name, age);
        if (names->count < MAX_NAMES)
            return;
        if (name->state == ANSWERED && lf_list_empty(&name->waiters))
            forget(name);
    }
}

static struct lf_name *find(struct lf_names *names, const char *host, size_t len,
                            uint32_t hash)
{
    for (struct lf_name *n = names->table[hash % BUCKETS]; n; n = n->next)
        if (n->hash == hash && n->len == len && memcmp(n->text, host, len) == 0)
            return n;
    return NULL;
}

static struct lf_name *add(struct lf_names *names, const char *host, size_t len,
                           uint32_t hash)
{
    make_room(names);
    struct lf_name *name = calloc(1, sizeof *name + len + 1);
    if (!name)
        return NULL;
    memcpy(name->text, host, len);
    name->len = len;
    name->hash = hash;
    name->names = names;
    name->state = ANSWERED; /* long ago */
    lf_list_init(&name->waiters);
    lf_list_init(&name->line);
    lf_list_init(&name->age);
    lf_list_append(&names->age, &name->age);
    lf_buf_init(&name->v4, LF_BUF_MAX);
    lf_buf_init(&name->v6, LF_BUF_MAX);
    name->next = names->table[hash % BUCKETS];
    names->table[hash % BUCKETS] = name;
    names->count++;
    return name;
}

enum lf_name_state lf_names_get(struct lf_names *names, const char *host, size_t len,
                                struct lf_lookup *lk, struct lf_addresses *out)
{
    uint32_t hash = lf_host_hash(host, len);
    struct lf_name *name = find(names, host, len, hash);
    if (!name)
        name = add(names, host, len, hash);
    if (!name)
        return LF_NAME_NO_MEMORY;
    if (name->state == ANSWERED && name->expires <= names->eng->now) {
        name->state = WAITING;
        lf_list_append(&names->line, &name->line);
        ask_next(names);
    }
    if (name->state == ANSWERED) {
        *out = (struct lf_addresses){name->v4.p ? name->v4.p : "",
                                     name->v6.p ? name->v6.p : "", name->id,
                                     name->count > 1, name->why};
        return LF_NAME_KNOWN;
    }
    lk->name = name;
    lf_list_append(&name->waiters, &lk->link);
    return LF_NAME_PENDING;
}

void lf_names_cancel(struct lf_lookup *lk)
{
    if (lk->name)
        lf_list_remove(&lk->link);
    lk->name = NULL;
}

/* ---- life ---- */

struct lf_names *lf_names_new(struct lf_engine *eng, bool use_system)
{
    struct lf_names *names = calloc(1, sizeof *names);
    if (!names)
        return NULL;
    names->eng = eng;
    names->use_system = use_system;
    names->timer = (struct lf_timer){.weak = true, .fire = on_timer};
    lf_list_init(&names->age);
    lf_list_init(&names->line);
    return names;
}

/* A name that a thread still looks up is left to it: see system_drop. */
static bool left_to_thread(struct lf_name *name)
{
    return name->state == ASKED && name->job.work &&
           !lf_offload_cancel(name->names->eng, &name->job);
}

void lf_names_free(struct lf_names *names)
{
    if (!names)
        return;
    if (names->has_channel) {
        ares_destroy(names->channel);
        ares_library_cleanup();
    }
    lf_timers_remove(&names->eng->timers, &names->timer);
    for (int i = 0; i < BUCKETS; i++) {
        for (struct lf_name *n = names->table[i], *next; n; n = next) {
            next = n->next;
            if (!left_to_thread(n))
                name_free(n);
        }
    }
    free(names);
}
