/* libcurl's lanes against a real server: connections that are found again, lanes that
 * end, handles that serve a second request and those that must not, certificate stores.
 * The clock can be put forward, and epoll_ctl is counted. */
#include "clock_kit.h"
#include "fault_kit.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include "engine/lane.h"
#include "engine/req.h"

enum { MANY = 200, FEW = 20 };

static unsigned changes; /* calls of epoll_ctl */

/* Instead of libc's, for libev as well. */
int epoll_ctl(int ep, int op, int fd, struct epoll_event *event)
{
    changes++;
    return (int)syscall(SYS_epoll_ctl, ep, op, fd, event);
}

static void fetch_ok(const char *path)
{
    struct ask a;
    ask(at(path), &a);
    CHECK_INT(wait_for(&a)->err, LF_OK);
    drop(&a);
}

static void fetch_many(const char *path)
{
    static struct ask a[MANY];
    for (int i = 0; i < MANY; i++)
        ask(at(path), &a[i]);
    for (int i = 0; i < MANY; i++) {
        CHECK_INT(wait_for(&a[i])->err, LF_OK);
        drop(&a[i]);
    }
}

static unsigned descriptors(void)
{
    unsigned n = 0;
    DIR *d = opendir("/proc/self/fd");
    if (!d)
        exit(1);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

/* A request on a kept connection changes nothing about what epoll watches. */
static void test_lazy(void)
{
    kit_open(false);
    for (int i = 0; i < 3; i++)
        fetch_ok("/ok");
    CHECK(changes > 0); /* or the count is none */
    changes = 0;
    for (int i = 0; i < FEW; i++)
        fetch_ok("/ok");
    CHECK_INT(changes, 0);
    CHECK_INT(lf_engine_stats(eng)->conns_opened, 1);
    kit_close();
}

/* Many at once, one after the other, many again: over the same connections, though they
 * are spread over lanes. */
static void test_rise_and_fall(void)
{
    kit_open(false);
    fetch_many("/delay/50");
    CHECK_INT(lf_engine_stats(eng)->conns_opened, MANY);
    for (int i = 0; i < FEW; i++)
        fetch_ok("/ok");
    fetch_many("/delay/50");
    CHECK_INT(lf_engine_stats(eng)->conns_opened, MANY);
    CHECK_INT(lf_engine_stats(eng)->conns_reused, MANY + FEW);
    kit_close();
}

/* Lanes that had nothing to do for a minute are gone, with their connections. */
static void test_retire(void)
{
    kit_open(false);
    unsigned before = descriptors();
    fetch_many("/delay/50");
    CHECK(descriptors() >= before + MANY);
    ahead += 30; /* not yet */
    lf_engine_step(eng, false);
    CHECK(descriptors() >= before + MANY);
    for (int i = 0; i < 2; i++) {
        ahead += 61;
        lf_engine_step(eng, false);
    }
    CHECK(descriptors() < before + FEW);
    fetch_ok("/ok");
    CHECK_INT(lf_engine_stats(eng)->conns_opened, MANY + 1);
    kit_close();
}

/* ---- handles ---- */

/* How many handles rest in the lane after a request with that header. */
static unsigned resting(const char *name, const char *value)
{
    struct lf_headers h;
    struct ask a;
    unsigned n = 0;
    kit_open(false);
    lf_headers_init(&h);
    if (name)
        lf_headers_add(&h, name, strlen(name), value, strlen(value));
    opts.headers = &h;
    ask(at("/ok"), &a);
    lf_headers_free(&h);
    const struct lf_handle *handle = a.req->x.handle;
    if (!CHECK(handle != NULL))
        exit(1);
    const struct lf_lane *lane = handle->lane;
    CHECK_INT(wait_for(&a)->err, LF_OK);
    drop(&a);
    for (const struct lf_list *it = lane->idle.next; it != &lane->idle; it = it->next)
        n++;
    kit_close();
    return n;
}

static void test_secrets(void)
{
    CHECK_INT(resting(NULL, NULL), 1);
    CHECK_INT(resting("X-Plain", "1"), 1);
    CHECK_INT(resting("Authorization", "Bearer s3cret"), 0);
    CHECK_INT(resting("Cookie", "a=b"), 0);
    CHECK_INT(resting("Host", "other.example"), 0);
}

/* ---- certificate stores ---- */

static bool copy_file(const char *from, const char *to)
{
    char block[4096];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t n = in < 0 || out < 0 ? -1 : 1;
    while (n > 0 && (n = read(in, block, sizeof block)) > 0)
        if (write(out, block, (size_t)n) != n)
            n = -1;
    close(in);
    close(out);
    return n == 0;
}

/* A store is made once a file, and anew when the file has changed. */
static void test_stores(void)
{
    static const char bundle[] = "/etc/ssl/certs/ca-certificates.crt";
    char path[] = "/tmp/luafetch-stores-XXXXXX";
    const struct timespec old[2] = {{1000000000, 0}, {1000000000, 0}};
    const char *why;
    close(mkstemp(path));
    struct lf_tls *tls = lf_tls_new(bundle);
    if (!tls || !copy_file(bundle, path)) {
        printf("skip: no %s\n", bundle);
        lf_tls_free(tls);
        return;
    }
    X509_STORE *first = lf_tls_store(tls, path, &why);
    CHECK(first != NULL);
    CHECK(lf_tls_store(tls, path, &why) == first);
    CHECK(lf_tls_store(tls, NULL, &why) != first);
    CHECK(lf_tls_store(tls, path, &why) == first);
    X509_STORE_up_ref(first); /* or another one could take its place in memory */
    utimensat(AT_FDCWD, path, old, 0);
    X509_STORE *second = lf_tls_store(tls, path, &why);
    CHECK(second && second != first);
    CHECK(lf_tls_store(tls, path, &why) == second);
    X509_STORE_free(first);
    unlink(path);
    CHECK(!lf_tls_store(tls, path, &why));
    CHECK_STR(why, "the CA file cannot be read");
    lf_tls_free(tls);
}

int main(void)
{
    server_start();
    test_lazy();
    test_rise_and_fall();
    test_retire();
    test_secrets();
    test_stores();
    server_stop();
    return check_done();
}
