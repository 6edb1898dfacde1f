/* The cookie jar: what is taken, what is sent, limits, files. Times are given, so that
 * everything is exact. */
#include "http/cookie.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "check.h"

static const int64_t NOW = 1700000000;
static struct lf_jar *jar;

/* Start over with an empty jar. */
static void fresh(void)
{
    lf_jar_free(jar);
    jar = lf_jar_new();
    CHECK(jar != NULL);
}

static const char *set_at(const char *url, const char *value, size_t n, int64_t now)
{
    struct lf_url u = LF_URL_INIT;
    const char *why = "the URL is bad";
    if (CHECK_INT(lf_url_parse(&u, url, strlen(url), NULL, &why), LF_OK))
        CHECK_INT(lf_jar_set(jar, &u, value, n, now, &why), LF_OK);
    lf_url_free(&u);
    return why;
}

static const char *set(const char *url, const char *value)
{
    return set_at(url, value, strlen(value), NOW);
}

/* The Cookie header; the text lives until the next call. */
static const char *sent_at(const char *url, int64_t now)
{
    static char text[16384];
    struct lf_url u = LF_URL_INIT;
    struct lf_buf out;
    const char *why;
    lf_buf_init(&out, LF_BUF_MAX);
    CHECK_INT(lf_url_parse(&u, url, strlen(url), NULL, &why), LF_OK);
    CHECK_INT(lf_jar_header(jar, &u, now, &out), LF_OK);
    snprintf(text, sizeof text, "%s", out.p ? out.p : "");
    lf_buf_free(&out);
    lf_url_free(&u);
    return text;
}

static const char *sent(const char *url)
{
    return sent_at(url, NOW);
}

static void test_pairs(void)
{
    static const char url[] = "https://a.example/";
    fresh();
    CHECK(set(url, " a = b c \t; x") == NULL);
    CHECK(set(url, "q=\"x\"") == NULL);
    CHECK(set(url, "=nameless") == NULL);
    CHECK(set(url, "e=") == NULL);
    CHECK_STR(sent(url), "a=b c; q=\"x\"; nameless; e=");
    CHECK_STR(set(url, "; Path=/"), "it has neither a name nor a value");
    CHECK_STR(set(url, "a=\x01"), "it contains a control character");
    CHECK_STR(set_at(url, "a=b\0c", 5, NOW), "it contains a control character");
    CHECK(set_at(url, "", 0, NOW) != NULL);
    CHECK_STR(set(url, "=__Secure-a=b"),
              "it has no name, and a value that looks like a prefixed one");
}

static void test_sizes(void)
{
    static const char url[] = "https://a.example/";
    char s[6000];
    fresh();
    memset(s, 'x', sizeof s);
    memcpy(s, "n=", 2);
    CHECK(set_at(url, s, 4097, NOW) == NULL);
    CHECK_STR(set_at(url, s, 4098, NOW), "name and value have more than 4096 bytes");
    /* A Path of 1,024 bytes is one, of 1,025 none. */
    memcpy(s, "n=1;path=/", 10);
    fresh();
    CHECK(set_at(url, s, 9 + 1024, NOW) == NULL);
    CHECK_STR(sent(url), "");
    CHECK(set_at(url, s, 9 + 1025, NOW) == NULL);
    CHECK_STR(sent(url), "n=1");
}

static void test_expiry(void)
{
    static const char url[] = "https://a.example/";
    fresh();
    CHECK(set(url, "a=1; max-age=10; expires=Thu, 01 Jan 1970 00:00:00 GMT") == NULL);
    CHECK(set(url, "b=1; expires=Thu, 01 Jan 1970 00:00:00 GMT; max-age=20") == NULL);
    CHECK(set(url, "c=1; max-age=99999999999999999999999") == NULL);
    CHECK(set(url, "d=1; max-age=1x; max-age=; max-age=-; max-age=+1") == NULL);
    CHECK(set(url, "e=1; expires=Tue, 14 Nov 2023 22:13:25 GMT") == NULL); /* 5 s */
    CHECK(set(url, "f=1; expires=never") == NULL);
    CHECK_STR(sent_at(url, NOW + 4), "a=1; b=1; c=1; d=1; e=1; f=1");
    CHECK_STR(sent_at(url, NOW + 5), "a=1; b=1; c=1; d=1; f=1");
    CHECK_STR(sent_at(url, NOW + 10), "b=1; c=1; d=1; f=1");
    CHECK_STR(sent_at(url, NOW + LF_COOKIE_LIFE - 1), "c=1; d=1; f=1");
    CHECK_STR(sent_at(url, NOW + LF_COOKIE_LIFE), "d=1; f=1");
    CHECK(set_at(url, "d=2; max-age=0", 14, NOW) == NULL);
    CHECK(set_at(url, "f=2; max-age=-5", 15, NOW) == NULL);
    CHECK_STR(sent(url), "");
    CHECK_INT(lf_jar_count(jar), 0);
}

static void test_domains(void)
{
    fresh();
    CHECK(set("https://a.b.example/", "host=1") == NULL);
    CHECK(set("https://a.b.example/", "below=1; domain=.B.Example") == NULL);
    CHECK_STR(sent("https://a.b.example/"), "host=1; below=1");
    CHECK_STR(sent("https://b.example/"), "below=1");
    CHECK_STR(sent("https://x.y.b.example/"), "below=1");
    CHECK_STR(sent("https://ab.example/"), "");
    CHECK_STR(sent("https://x.a.b.example/"), "below=1");
    static const char other[] = "the Domain is not that of the host";
    CHECK_STR(set("https://a.b.example/", "x=1; domain=c.example"), other);
    CHECK_STR(set("https://a.b.example/", "x=1; domain=x.a.b.example"), other);
    CHECK_STR(set("https://a.b.example/", "x=1; domain=.example"),
              "the Domain is a public suffix");
    CHECK_STR(set("https://a.b.co.uk/", "x=1; domain=co.uk"),
              "the Domain is a public suffix");
    CHECK_STR(set("https://a.b.example./", "x=1; domain=example."),
              "the Domain is a public suffix");
    CHECK(set("https://a.b.example/", "x=1; domain=b.example; domain=") == NULL);
    CHECK_STR(sent("https://b.example/"), "below=1");
}

static void test_odd_hosts(void)
{
    fresh();
    CHECK(set("https://github.io/", "s=1; domain=github.io") == NULL);
    CHECK_STR(sent("https://github.io/"), "s=1");
    CHECK_STR(sent("https://a.github.io/"), "");
    CHECK(set("http://localhost:8080/", "l=1; domain=localhost") == NULL);
    CHECK_STR(sent("http://localhost/"), "l=1");
    CHECK(set("http://127.0.0.1/", "ip=1; domain=127.0.0.1") == NULL);
    CHECK_STR(sent("http://127.0.0.1:99/"), "ip=1");
    CHECK(set("http://127.0.0.1/", "ip=1; domain=0.0.1") != NULL);
    CHECK(set("http://[::1]/", "six=1; domain=[::1]") == NULL);
    CHECK_STR(sent("http://[::1]/"), "six=1");
    CHECK(set("https://b\xc3\xbc"
              "cher.example/",
              "u=1; domain=xn--bcher-kva.example") == NULL);
    CHECK_STR(sent("https://www.xn--bcher-kva.example/"), "u=1");
    CHECK_STR(set("https://b\xc3\xbc"
                  "cher.example/",
                  "u=1; domain=b\xc3\xbc"
                  "cher.example"),
              "the Domain is not ASCII");
    CHECK_STR(set("mailto:x", "a=1"), "the URL has no host");
    CHECK_STR(sent("mailto:x"), "");
}

static void test_paths(void)
{
    fresh();
    CHECK(set("https://a.example/docs/x/y?z", "d=1") == NULL);
    CHECK(set("https://a.example/docs/x/y", "r=1; path=/") == NULL);
    CHECK(set("https://a.example/", "w=1; path=/docs/") == NULL);
    CHECK(set("https://a.example/top", "t=1; path=relative") == NULL);
    CHECK_STR(sent("https://a.example/docs/x"), "d=1; w=1; r=1; t=1");
    CHECK_STR(sent("https://a.example/docs/x/y"), "d=1; w=1; r=1; t=1");
    CHECK_STR(sent("https://a.example/docs/xy"), "w=1; r=1; t=1");
    CHECK_STR(sent("https://a.example/docs"), "r=1; t=1");
}

static void test_order(void)
{
    static const char url[] = "https://a.example/x/y";
    fresh();
    CHECK(set(url, "a=1; path=/") == NULL);
    CHECK(set(url, "b=1; path=/x") == NULL);
    CHECK(set(url, "c=1; path=/") == NULL);
    CHECK(set_at(url, "a=2; path=/", 11, NOW + 5) == NULL);
    CHECK_STR(sent(url), "b=1; a=2; c=1");
}

static void test_secure(void)
{
    fresh();
    CHECK_STR(set("http://a.example/", "s=1; secure"),
              "it is Secure, the connection is not");
    CHECK(set("https://a.example/login", "s=1; secure; path=/login") == NULL);
    CHECK_STR(sent("http://a.example/login"), "");
    CHECK_STR(sent("wss://a.example/login"), "s=1");
    CHECK_STR(sent("ws://a.example/login"), "");
    static const char why[] = "there is a Secure one of that name";
    CHECK_STR(set("http://a.example/", "s=2; path=/login/en"), why);
    CHECK_STR(set("http://a.example/", "s=2; path=/login; max-age=0"), why);
    CHECK_STR(set("http://x.a.example/", "s=2; path=/login; domain=a.example"), why);
    CHECK(set("http://a.example/", "s=2; path=/") == NULL);
    CHECK(set("http://a.example/", "t=2; path=/login") == NULL);
    CHECK_STR(sent("https://a.example/login"), "s=1; t=2; s=2");
    CHECK_STR(set("https://a.example/", "n=1; samesite=none"),
              "SameSite=None wants Secure");
    CHECK(set("https://a.example/", "n=1; samesite=none; secure") == NULL);
}

static void test_prefixes(void)
{
    static const char url[] = "https://a.example/x/";
    fresh();
    CHECK_STR(set(url, "__Secure-a=1"), "its prefix wants Secure");
    CHECK_STR(set(url, "__sEcURE-a=1"), "its prefix wants Secure");
    CHECK(set(url, "__Secure-a=1; secure; domain=a.example") == NULL);
    CHECK_STR(set(url, "__host-a=1; secure; path=/; domain=a.example"),
              "__Host- allows no Domain");
    CHECK_STR(set(url, "__Host-a=1; secure"), "__Host- wants Path=/");
    CHECK_STR(set("https://a.example/", "__Host-a=1; secure"), "__Host- wants Path=/");
    CHECK(set(url, "__Host-a=1; secure; path=/") == NULL);
    CHECK_STR(sent("https://a.example/"), "__Host-a=1");
}

static void test_limits(void)
{
    char s[128], url[64];
    fresh();
    for (int i = 0; i < 50; i++) {
        snprintf(s, sizeof s, "n%d=1%s", i, i == 0 || i == 2 ? "; secure" : "");
        CHECK(set_at("https://a.example/", s, strlen(s), NOW + i) == NULL);
    }
    CHECK_INT(lf_jar_count(jar), 50);
    /* n1 is the least recently used that is not secure. */
    CHECK(set_at("https://a.example/", "new=1", 5, NOW + 60) == NULL);
    CHECK_INT(lf_jar_count(jar), 50);
    CHECK(strncmp(sent_at("https://a.example/", NOW + 61), "n0=1; n2=1; n3=1; ", 18) ==
          0);
    CHECK(set("https://x.a.example/", "other=1") == NULL);
    CHECK_INT(lf_jar_count(jar), 51);
    fresh();
    for (int i = 0; i < 3000; i++) {
        snprintf(url, sizeof url, "https://h%d.example/", i / 3);
        snprintf(s, sizeof s, "n%d=1", i % 3);
        CHECK(set_at(url, s, strlen(s), NOW) == NULL);
    }
    CHECK_INT(lf_jar_count(jar), 3000);
    CHECK_STR(sent_at("https://h0.example/", NOW + 1), "n0=1; n1=1; n2=1");
    CHECK(set_at("https://z.example/", "a=1", 3, NOW + 2) == NULL);
    CHECK_INT(lf_jar_count(jar), 3000);
    CHECK_STR(sent_at("https://h0.example/", NOW + 3), "n0=1; n1=1; n2=1");
    CHECK_STR(sent_at("https://h1.example/", NOW + 3), "n1=1; n2=1");
    CHECK_INT(lf_jar_evicted(jar), 1);
}

static void test_expired_go_first(void)
{
    char s[64], url[64];
    fresh();
    for (int i = 0; i < 3000; i++) {
        snprintf(url, sizeof url, "https://h%d.example/", i);
        snprintf(s, sizeof s, "n=1%s", i == 2999 ? ";max-age=5" : "");
        CHECK(set_at(url, s, strlen(s), NOW) == NULL);
    }
    CHECK(set_at("https://z.example/", "a=1", 3, NOW + 5) == NULL);
    CHECK_INT(lf_jar_count(jar), 3000);
    CHECK_INT(lf_jar_evicted(jar), 0);
    CHECK_STR(sent_at("https://h0.example/", NOW + 5), "n=1");
}

/* --- by hand --- */

#define S(text) ((struct lf_span){(text), sizeof(text) - 1})
static const struct lf_span ANY = {NULL, 0};

static const char *add(struct lf_cookie c)
{
    const char *why = NULL;
    enum lf_err err = lf_jar_add(jar, &c, NOW, &why);
    CHECK_INT(err, why ? LF_EREQUEST : LF_OK);
    return why;
}

static void test_by_hand(void)
{
    struct lf_cookie c = {.name = S("a"),
                          .value = S("1"),
                          .domain = S(".B\xc3\xbc"
                                      "cher.example"),
                          .path = S("/"),
                          .expires = LF_COOKIE_SESSION};
    fresh();
    CHECK(add(c) == NULL);
    CHECK_STR(sent("http://www.xn--bcher-kva.example/"), "a=1");
    c.domain = S("com");
    CHECK(add(c) == NULL);
    CHECK_STR(sent("http://example.com/"), "");
    CHECK_STR(sent("http://com/"), "a=1");
    c.domain = S("a b");
    CHECK_STR(add(c), "the domain is not a host");
    c.domain = S(".");
    CHECK_STR(add(c), "the domain is not a host");
    c.domain = S("..x.example");
    CHECK_STR(add(c), "the domain is not a host");
    c.domain = S("x.example");
    c.name = S("a=b");
    CHECK(add(c) != NULL);
    c.name = S("");
    CHECK(add(c) == NULL);
    c.value = S("a;b");
    CHECK(add(c) != NULL);
    c.value = S("a\r\nb");
    CHECK_STR(add(c), "it contains a control character");
    c.value = S("a");
    c.path = S("x");
    CHECK_STR(add(c), "the path does not begin with '/'");
    CHECK_INT(lf_jar_delete(jar, S("com"), ANY, ANY), 1);
    CHECK_INT(lf_jar_delete(jar, ANY, S("/"), S("a")), 1);
    CHECK_INT(lf_jar_delete(jar, ANY, S("/x"), ANY), 0);
    CHECK_INT(lf_jar_count(jar), 1);
    lf_jar_clear(jar);
    CHECK_INT(lf_jar_count(jar), 0);
    CHECK(set("https://a.example/", "x=1") == NULL);
}

static void test_list(void)
{
    struct lf_buf out;
    const struct lf_cookie *list = NULL;
    size_t n = 9;
    fresh();
    lf_buf_init(&out, LF_BUF_MAX);
    CHECK_INT(lf_jar_list(jar, NOW, &out, &list, &n), LF_OK);
    CHECK_INT(n, 0);
    set("https://a.example/x/", "b=1; secure; httponly; samesite=lax; max-age=60");
    set("https://b.example/", "a=2; domain=b.example");
    set("https://b.example/", "gone=2; max-age=1");
    CHECK_INT(lf_jar_list(jar, NOW + 1, &out, &list, &n), LF_OK);
    lf_jar_clear(jar);
    if (CHECK_INT(n, 2)) {
        CHECK_STR(list[0].name.p, "b");
        CHECK_STR(list[0].domain.p, "a.example");
        CHECK_STR(list[0].path.p, "/x");
        CHECK(list[0].secure && list[0].http_only && list[0].host_only);
        CHECK_INT(list[0].same_site, LF_SAME_SITE_LAX);
        CHECK_INT(list[0].expires, NOW + 60);
        CHECK(list[1].expires == LF_COOKIE_SESSION && !list[1].host_only);
    }
    lf_buf_free(&out);
}

/* --- files --- */

static char dir[] = "/tmp/test_cookie.XXXXXX";
static char path[64];
static struct lf_buf why;
static struct lf_jar_report report;

static enum lf_err load(const char *text)
{
    FILE *f = fopen(path, "w");
    if (CHECK(f != NULL)) {
        fputs(text, f);
        fclose(f);
    }
    lf_buf_reset(&why);
    report = (struct lf_jar_report){.why = &why};
    return lf_jar_load(jar, path, NOW, &report);
}

static void test_load(void)
{
    fresh();
    CHECK_INT(load("# Netscape HTTP Cookie File\r\n\n"
                   ".a.example\tTRUE\t/\tFALSE\t0\ts\t1\r\n"
                   "#HttpOnly_b.example\tFALSE\t/x\tTRUE\t1700000100\tt\t2=\t3\n"
                   "b.example\tFALSE\t/\tFALSE\t1699999999\told\t1\n"
                   "b.example\tFALSE\t/\tFALSE\t99999999999\tempty\n"),
              LF_OK);
    CHECK_INT(report.cookies, 3);
    CHECK_STR(sent("http://www.a.example/"), "s=1");
    CHECK_STR(sent("https://b.example/x"), "t=2=\t3; empty=");
    CHECK_STR(sent_at("https://b.example/x", NOW + 100), "empty=");
    fresh();
    CHECK_INT(load("{\"not\": \"cookies\"}\n.a.example\tTRUE\t/\tFALSE\t0\ts\t1\nx\ty\n"),
              LF_EPARSE);
    CHECK(strstr(why.p, " line 1: there are not seven fields between tabs (1 cookie read,"
                        " 2 lines left out)"));
    CHECK_STR(sent("http://a.example/"), "s=1");
    CHECK_INT(load("a.example\tYES\t/\tFALSE\t0\ts\t1"), LF_EPARSE);
    CHECK_INT(load("a.example\tTRUE\t/\tFALSE\tsoon\ts\t1"), LF_EPARSE);
    CHECK_INT(load("a b\tTRUE\t/\tFALSE\t0\ts\t1"), LF_EPARSE);
    CHECK_INT(load(""), LF_OK);
    unlink(path);
    lf_buf_reset(&why);
    CHECK_INT(lf_jar_load(jar, path, NOW, &report), LF_EIO);
    CHECK(strstr(why.p, "cannot read the cookies of /tmp/") &&
          strstr(why.p, "No such file"));
    CHECK_INT(lf_jar_load(jar, dir, NOW, &report), LF_EIO);
}

static void test_load_too_many(void)
{
    struct lf_buf text;
    lf_buf_init(&text, LF_BUF_MAX);
    for (int i = 0; i < 51; i++)
        lf_buf_addf(&text, "a.example\tFALSE\t/\tFALSE\t0\tn%d\t1\n", i);
    fresh();
    CHECK_INT(load(text.p), LF_ETOOLARGE);
    CHECK(strstr(why.p, "is more than a jar holds") && strstr(why.p, ": 1 had to go"));
    CHECK_INT(load("a.example\tFALSE\t/\tFALSE\t0\tn50\t2\n"), LF_OK);
    lf_buf_free(&text);
}

static int count_files(void)
{
    char command[96];
    int n = -1;
    snprintf(command, sizeof command, "ls -A %s | wc -l", dir);
    FILE *f = popen(command, "r");
    if (!f || fscanf(f, "%d", &n) != 1)
        n = -1;
    if (f)
        pclose(f);
    return n;
}

static enum lf_err save(const char *to)
{
    lf_buf_reset(&why);
    report = (struct lf_jar_report){.why = &why};
    return lf_jar_save(jar, to, NOW, &report);
}

static void test_save(void)
{
    char text[1024] = "";
    struct stat st;
    fresh();
    unlink(path);
    set("https://a.example/x/", "s=1; secure; httponly; max-age=60");
    set("https://b.example/", "t=2; domain=b.example");
    set("https://b.example/", "nameless");
    set("https://.c.example/", "u=3");
    CHECK_INT(save(path), LF_OK);
    CHECK(report.cookies == 2 && report.left_out == 2);
    CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    FILE *f = fopen(path, "r");
    if (CHECK(f != NULL)) {
        CHECK(fread(text, 1, sizeof text - 1, f) > 0);
        fclose(f);
    }
    CHECK(strncmp(text, "# Netscape HTTP Cookie File\n", 28) == 0);
    CHECK(strstr(text, "\n#HttpOnly_a.example\tFALSE\t/x\tTRUE\t1700000060\ts\t1\n"
                       ".b.example\tTRUE\t/\tFALSE\t0\tt\t2\n"));
    fresh();
    CHECK_INT(lf_jar_load(jar, path, NOW, &report), LF_OK);
    CHECK_STR(sent("https://a.example/x"), "s=1");
    CHECK_STR(sent("http://www.b.example/"), "t=2");
    CHECK(chmod(path, 0644) == 0 && save(path) == LF_OK);
    CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0644);
    CHECK_INT(count_files(), 1);
}

static void test_save_fails(void)
{
    char missing[96];
    snprintf(missing, sizeof missing, "%s/no/file", dir);
    CHECK_INT(save(missing), LF_EIO);
    CHECK(strstr(why.p, "/no/file: No such file or directory"));
    CHECK_INT(save(dir), LF_EIO);
    CHECK_INT(save("/dev/null"), LF_EIO);
    struct stat st;
    CHECK(stat("/dev/null", &st) == 0 && S_ISCHR(st.st_mode));
    CHECK_INT(count_files(), 1);
}

static void test_link(void)
{
    char link[96];
    struct stat st;
    snprintf(link, sizeof link, "%s/link", dir);
    CHECK(symlink(path, link) == 0);
    CHECK_INT(save(link), LF_OK);
    CHECK(lstat(link, &st) == 0 && S_ISLNK(st.st_mode));
    unlink(link);
}

/* Any bytes: a small generator, the same in each run. */
static void test_noise(void)
{
    static const char some[] = "ab=;; ,\t./\\\"-0179:%\x01\x80\xff"
                               "Domain=Path=/Expires=Max-Age=Secure__Host-";
    unsigned seed = 1;
    char s[200];
    fresh();
    for (int i = 0; i < 20000; i++) {
        size_t n = 0;
        for (; n < sizeof s && (seed = seed * 1103515245u + 12345u) >> 16 & 63;)
            s[n++] = some[(seed >> 8) % (sizeof some - 1)];
        set_at(i & 1 ? "https://x.a.example/p/q" : "http://a.example/", s, n, NOW + i);
    }
    CHECK(lf_jar_count(jar) > 20 && lf_jar_count(jar) <= 150);
    fresh();
}

int main(void)
{
    if (!mkdtemp(dir))
        return 1;
    snprintf(path, sizeof path, "%s/cookies.txt", dir);
    lf_buf_init(&why, LF_BUF_MAX);
    test_pairs();
    test_sizes();
    test_expiry();
    test_domains();
    test_odd_hosts();
    test_paths();
    test_order();
    test_secure();
    test_prefixes();
    test_limits();
    test_expired_go_first();
    test_by_hand();
    test_list();
    test_load();
    test_load_too_many();
    test_save();
    test_save_fails();
    test_link();
    test_noise();
    lf_jar_free(jar);
    lf_buf_free(&why);
    unlink(path);
    CHECK(rmdir(dir) == 0);
    return check_done();
}
