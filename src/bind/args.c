/* Parsing the command line. An option is one row of the table below: a new one needs a
 * row, a setter, and its line in the man page and the README, which `make lint` compares
 * with --help. */
#include "bind/args.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "bind/suggest.h"
#include "engine/engine.h"
#include "http/proxy.h"

struct option {
    const char *name; /* long name without the dashes */
    char letter;      /* 0: none */
    const char *arg;  /* what --help calls the value; NULL: none; "=x": may be left out */
    bool (*set)(struct lf_args *a, const char *value); /* false: a->why says why */
    const char *help;
};

static bool wrong(struct lf_args *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static bool wrong(struct lf_args *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(a->why, sizeof a->why, fmt, ap);
    va_end(ap);
    return false;
}

/* ---- setters ---- */

static bool set_count(struct lf_args *a, const char *name, const char *value,
                      unsigned *out)
{
    char *end;
    long n = strtol(value, &end, 10);
    if (end == value || *end || n < 1 || n > 1000000)
        return wrong(a, "--%s wants a number from 1 to 1000000, not '%s'", name, value);
    *out = (unsigned)n;
    return true;
}

static bool set_limit(struct lf_args *a, const char *value)
{
    return set_count(a, "limit", value, &a->limit);
}

static bool set_per_host(struct lf_args *a, const char *value)
{
    return set_count(a, "per-host", value, &a->per_host);
}

static bool set_timeout(struct lf_args *a, const char *value)
{
    char *end;
    double s = strtod(value, &end);
    if (strcmp(value, "none") == 0)
        s = LF_NEVER;
    else if (end == value || *end || !isfinite(s) || s <= 0)
        return wrong(a, "--timeout wants seconds above 0, or none, not '%s'", value);
    a->timeout = s;
    return true;
}

/* N, N/s, N/m, N/h or auto; as curl's --rate, but N alone is a second's. */
static bool set_rate(struct lf_args *a, const char *value)
{
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"", 1}, {"/s", 1}, {"/m", 60}, {"/h", 3600}};
    char *end;
    double n = strtod(value, &end);
    a->rate = (struct lf_rate){.burst = 1, .automatic = strcmp(value, "auto") == 0};
    for (size_t i = 0; n > 0 && isfinite(n) && i < sizeof units / sizeof *units; i++)
        if (strcmp(end, units[i].unit) == 0)
            a->rate.interval = units[i].seconds / n;
    if (!a->rate.automatic && a->rate.interval <= 0)
        return wrong(a, "--rate wants N, N/s, N/m, N/h or auto, not '%s'", value);
    return true;
}

static bool set_retry(struct lf_args *a, const char *value)
{
    char *end;
    long n = strtol(value, &end, 10);
    if (end == value || *end || n < 0 || n > 100)
        return wrong(a, "--retry wants a number from 0 to 100, not '%s'", value);
    a->retry = (unsigned)n;
    return true;
}

static bool set_header(struct lf_args *a, const char *value)
{
    const char *colon = strchr(value, ':');
    size_t n = colon ? (size_t)(colon - value) : 0;
    if (!colon || !lf_token_valid(value, n))
        return wrong(a, "--header wants 'Name: value': number %u is without a name",
                     a->headers.count + 1); /* not shown: it may be a secret */
    const char *v = colon + 1 + strspn(colon + 1, " \t");
    size_t len = strlen(v);
    while (len && (v[len - 1] == ' ' || v[len - 1] == '\t'))
        len--;
    if (!lf_value_valid(v, len))
        return wrong(a, "--header: a line break cannot be part of a value");
    if (lf_headers_add(&a->headers, value, n, v, len) != LF_OK)
        return wrong(a, "out of memory");
    return true;
}

static bool set_user_agent(struct lf_args *a, const char *value)
{
    if (!lf_value_valid(value, strlen(value)))
        return wrong(a, "--user-agent: a line break cannot be part of a value");
    a->user_agent = value;
    return true;
}

static bool ends_with(const char *name, const char *ending)
{
    size_t n = strlen(name), m = strlen(ending);
    return n >= m && strcasecmp(name + n - m, ending) == 0;
}

/* The ending names the format, so that a wrong one is not written by mistake. */
static bool set_output(struct lf_args *a, const char *value)
{
    const char *slash = strrchr(value, '/');
    bool dotted = strchr(slash ? slash : value, '.') != NULL;
    if (ends_with(value, ".db"))
        return wrong(a, "-o %s: this version writes .jsonl and .csv only", value);
    if (!*value || (dotted && !ends_with(value, ".jsonl") && !ends_with(value, ".csv")))
        return wrong(a, "-o wants a file that ends in .jsonl or .csv, not '%s'", value);
    a->output = value;
    return true;
}

static bool set_columns(struct lf_args *a, const char *value)
{
    a->columns = value;
    return *value || wrong(a, "--columns wants names: a,b,c");
}

static bool set_stats(struct lf_args *a, const char *value)
{
    if (value && strcmp(value, "json") != 0)
        return wrong(a, "--stats or --stats=json, not --stats=%s", value);
    a->stats = value ? LF_STATS_JSON : LF_STATS_TEXT;
    return true;
}

static bool set_resolver(struct lf_args *a, const char *value)
{
    a->system_resolver = strcmp(value, "system") == 0;
    if (!a->system_resolver && strcmp(value, "own") != 0)
        return wrong(a, "--resolver wants own or system, not '%s'", value);
    return true;
}

static bool set_dns_servers(struct lf_args *a, const char *value)
{
    a->dns_servers = value;
    return true;
}

/* The value may hold a password: it is not repeated. */
static bool set_proxy(struct lf_args *a, const char *value)
{
    struct lf_proxy *p = NULL;
    const char *why;
    a->proxy = "";
    if (strcmp(value, "none") == 0)
        return true;
    enum lf_err err = lf_proxy_new(value, strlen(value), &p, &why);
    lf_proxy_free(p);
    if (err)
        return wrong(a, "--proxy: this is no proxy URL: %s", why);
    a->proxy = value;
    return true;
}

static bool set_guard(struct lf_args *a, const char *value)
{
    a->guard = strcmp(value, "public") == 0;
    return a->guard || wrong(a, "--guard wants public, not '%s'", value);
}

static bool set_allow_host(struct lf_args *a, const char *value)
{
    size_t n = 0;
    if (!*value || strpbrk(value, "/@ "))
        return wrong(a,
                     "--allow-host wants HOST or HOST:PORT, with * for any characters,"
                     " not '%s'",
                     value);
    while (a->spared && a->spared[n])
        n++;
    const char **list = realloc(a->spared, (n + 2) * sizeof *list);
    if (!list)
        return wrong(a, "out of memory");
    list[n] = value;
    list[n + 1] = NULL;
    a->spared = list;
    return true;
}

static bool set_max_requests(struct lf_args *a, const char *value)
{
    char *end;
    unsigned long long n = strtoull(value, &end, 10);
    if (*value < '0' || *value > '9' || *end || n < 1 || n > 1000000000000)
        return wrong(a, "--max-requests wants a number from 1 to 10^12, not '%s'", value);
    a->quota.requests = n;
    return true;
}

/* Bytes, or with K, M or G so many KiB, MiB or GiB. */
static bool set_max_memory(struct lf_args *a, const char *value)
{
    static const char units[] = "KMG";
    char *end;
    double n = strtod(value, &end);
    const char *unit = *end ? strchr(units, *end & ~0x20) : NULL;
    if (unit) {
        n *= (double)(1ull << 10 * (unit - units + 1));
        end++;
    }
    if (*value < '0' || *value > '9' || *end || !(n >= 1) || n > 0x1p62)
        return wrong(a, "--max-memory wants bytes, or a number with K, M or G, not '%s'",
                     value);
    a->quota.memory = (uint64_t)n;
    return true;
}

static bool set_max_time(struct lf_args *a, const char *value)
{
    char *end;
    double s = strtod(value, &end);
    if (end == value || *end || !isfinite(s) || s <= 0 || s > 1e9)
        return wrong(a, "--max-time wants seconds above 0, not '%s'", value);
    a->quota.seconds = s;
    return true;
}

static bool set_workers(struct lf_args *a, const char *value)
{
    char *end;
    long n = strtol(value, &end, 10);
    if (end == value || *end || n < 1 || n > LF_WORKERS_MAX)
        return wrong(a, "--workers wants a number from 1 to %d, not '%s'", LF_WORKERS_MAX,
                     value);
    a->workers = (unsigned)n;
    return true;
}

static bool set_code(struct lf_args *a, const char *value)
{
    a->code = value;
    return true;
}

#define FLAG(field, on)                                                                  \
    static bool set_##field##_##on(struct lf_args *a, const char *value)                 \
    {                                                                                    \
        (void)value;                                                                     \
        a->field = LF_##on;                                                              \
        return true;                                                                     \
    }
FLAG(insecure, YES)
FLAG(verbose, YES)
FLAG(quiet, YES)
FLAG(progress, YES)
FLAG(progress, NO)
FLAG(strict, YES)
FLAG(list, YES)
FLAG(version, YES)
FLAG(help, YES)

/* clang-format off */
static const struct option options[] = {
    {"execute", 'e', "CODE", set_code, "run CODE instead of a file; the rest are its arguments"},
    {"limit", 0, "N", set_limit, "requests at once in the whole run (100)"},
    {"per-host", 0, "N", set_per_host, "of these to one host and port (8)"},
    {"rate", 0, "N[/s|/m|/h]|auto", set_rate, "requests to one host in that time; auto finds it out"},
    {"retry", 0, "N", set_retry, "try again up to N times what may pass (0)"},
    {"timeout", 0, "SECONDS", set_timeout, "for one request, or 'none' (30)"},
    {"header", 0, "'NAME: VALUE'", set_header, "send it with every request; may be repeated"},
    {"user-agent", 0, "TEXT", set_user_agent, "what the requests call themselves"},
    {"insecure", 0, NULL, set_insecure_YES, "do not check certificates (dangerous)"},
    {"proxy", 0, "URL", set_proxy, "go through this proxy, or 'none' (the environment's)"},
    {"guard", 0, "public", set_guard, "connect to public addresses only"},
    {"allow-host", 0, "PATTERN", set_allow_host, "a host that --guard lets pass; may be repeated"},
    {"max-requests", 0, "N", set_max_requests, "end the run when more would be made"},
    {"max-memory", 0, "SIZE", set_max_memory, "end it when it needs more: 500M, 2G"},
    {"max-time", 0, "SECONDS", set_max_time, "end it after so long"},
    {"workers", 0, "N", set_workers, "so many processes for the script, on one job (1)"},
    {"resolver", 0, "own|system", set_resolver, "who looks up names: luafetch, or the system (own)"},
    {"dns-servers", 0, "LIST", set_dns_servers, "ask these name servers: ADDRESS[:PORT],…"},
    {"output", 'o', "FILE", set_output, "write emitted records to FILE.jsonl or FILE.csv"},
    {"columns", 0, "A,B,…", set_columns, "of FILE.csv (the fields of the first 100 records)"},
    {"progress", 0, NULL, set_progress_YES, "show the progress line, terminal or not"},
    {"no-progress", 0, NULL, set_progress_NO, "never show it"},
    {"stats", 0, "=json", set_stats, "end with a summary on stderr, terminal or not"},
    {"strict", 0, NULL, set_strict_YES, "exit with 3 when any request failed"},
    {"verbose", 'v', NULL, set_verbose_YES, "log more"},
    {"quiet", 'q', NULL, set_quiet_YES, "log errors only; no progress, no summary"},
    {"list", 0, NULL, set_list_YES, "name the bundled examples"},
    {"version", 0, NULL, set_version_YES, "print the version"},
    {"help", 'h', NULL, set_help_YES, "print this text"},
};
/* clang-format on */
#define OPTIONS (sizeof options / sizeof *options)

/* ---- finding options ---- */

static const struct option *by_name(const char *name, size_t n)
{
    for (size_t i = 0; i < OPTIONS; i++)
        if (strlen(options[i].name) == n && memcmp(options[i].name, name, n) == 0)
            return &options[i];
    return NULL;
}

static const struct option *by_letter(char c)
{
    for (size_t i = 0; i < OPTIONS; i++)
        if (c && options[i].letter == c)
            return &options[i];
    return NULL;
}

static bool unknown(struct lf_args *a, const char *arg)
{
    const char *names[OPTIONS];
    char word[64];
    for (size_t i = 0; i < OPTIONS; i++)
        names[i] = options[i].name;
    const char *name = arg + strspn(arg, "-");
    snprintf(word, sizeof word, "%.*s", (int)strcspn(name, "="), name);
    const char *near = lf_nearest(word, names, OPTIONS);
    if (near)
        return wrong(a, "unknown option %s; did you mean --%s?", arg, near);
    return wrong(a, "unknown option %s; see luafetch --help", arg);
}

/* ---- parsing ---- */

/* One option at argv[*at], which may take the next word as its value. */
static bool take(struct lf_args *a, int argc, char **argv, int *at)
{
    const char *arg = argv[*at], *value = NULL;
    const struct option *o;
    if (arg[1] == '-') {
        size_t n = strcspn(arg + 2, "=");
        o = by_name(arg + 2, n);
        value = arg[2 + n] ? arg + 3 + n : NULL;
    } else {
        o = by_letter(arg[1]);
        value = arg[2] ? arg + 2 : NULL;
    }
    if (!o)
        return unknown(a, arg);
    if (!o->arg && value)
        return wrong(a, "%.*s takes no value", (int)strcspn(arg, "="), arg);
    if (o->arg && *o->arg != '=' && !value) {
        if (*at + 1 >= argc)
            return wrong(a, "%s wants %s", arg, o->arg);
        value = argv[++*at];
    }
    ++*at;
    return o->set(a, value);
}

bool lf_args_parse(struct lf_args *a, int argc, char **argv)
{
    *a = (struct lf_args){.timeout = -1, .progress = LF_AUTO};
    lf_headers_init(&a->headers);
    int at = 1;
    while (at < argc && argv[at][0] == '-' && argv[at][1] && !a->code) {
        if (strcmp(argv[at], "--") == 0) {
            at++;
            break;
        }
        if (!take(a, argc, argv, &at))
            return false;
    }
    if (a->guard && a->proxy && *a->proxy)
        return wrong(a,
                     "--guard cannot see where a --proxy connects to: only one of them");
    if (a->spared && !a->guard)
        return wrong(a, "--allow-host is an exception to --guard public");
    if (a->columns && !(a->output && ends_with(a->output, ".csv")))
        return wrong(a, "--columns is for -o FILE.csv");
    if (!a->code && at < argc)
        a->script = argv[at++];
    if (a->workers > 1 && a->script && strcmp(a->script, "-") == 0)
        return wrong(
            a, "--workers wants a script that each of them can read: a file, or -e");
    if (a->workers > 1 && a->limit && a->limit < a->workers)
        return wrong(a, "--limit %u is too few for --workers %u: each needs one request",
                     a->limit, a->workers);
    a->first = at;
    if (!a->code && !a->script && !a->help && !a->version && !a->list)
        return wrong(a, "no script given; see luafetch --help");
    return true;
}

void lf_args_free(struct lf_args *a)
{
    lf_headers_free(&a->headers);
    free(a->spared);
}

/* Spaces that make the text, which is UTF-8, so many characters wide. */
static int padding(const char *text, int width)
{
    for (; *text; text++)
        width -= ((unsigned char)*text & 0xc0) != 0x80;
    return width > 0 ? width : 0;
}

void lf_args_help(FILE *out)
{
    fputs("usage: luafetch [options] script.lua [args…]   run a script\n"
          "       luafetch [options] NAME [args…]         run a bundled example\n"
          "       luafetch [options] - [args…]            read the script from stdin\n"
          "       luafetch [options] -e CODE [args…]      run CODE\n"
          "       luafetch job FILE COMMAND               look after a job; luafetch job "
          "--help\n\noptions:\n",
          out);
    for (size_t i = 0; i < OPTIONS; i++) {
        const struct option *o = &options[i];
        char left[64];
        const char *arg = o->arg ? o->arg : "";
        snprintf(left, sizeof left, "%c%c%s --%s%s%s%s", o->letter ? '-' : ' ',
                 o->letter ? o->letter : ' ', o->letter ? "," : " ", o->name,
                 *arg == '=' ? "[" : (*arg ? " " : ""), arg, *arg == '=' ? "]" : "");
        fprintf(out, "  %s%*s %s\n", left, padding(left, 28), "", o->help);
    }
    fputs(
        "\nexit: 0; 1 script error; 2 wrong use; 3 with --strict when a request failed;\n"
        "4 over --max-requests, --max-memory or --max-time;\n"
        "130 or 143 after SIGINT or SIGTERM (a second signal ends at once)\n",
        out);
}
