/* The price of cancelling with libcurl alone:
 *
 *   removal URL COUNT
 *
 * starts COUNT transfers of a URL that never answers in one multi, waits until all are
 * waiting for an answer, and removes every handle. Prints one JSON line; remove_s is the
 * wall time of the curl_multi_remove_handle calls alone. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

static long waiting;

static void die(const char *what)
{
    fprintf(stderr, "removal: %s\n", what);
    exit(1);
}

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int on_prereq(void *arg, char *remote, char *local, int remote_port,
                     int local_port)
{
    (void)arg, (void)remote, (void)local, (void)remote_port, (void)local_port;
    waiting++;
    return CURL_PREREQFUNC_OK;
}

static CURL *start(CURLM *multi, const char *url)
{
    CURL *easy = curl_easy_init();
    if (!easy || curl_easy_setopt(easy, CURLOPT_URL, url) ||
        curl_easy_setopt(easy, CURLOPT_PROXY, "") ||
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) ||
        curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_prereq) ||
        curl_multi_add_handle(multi, easy))
        die("cannot start a transfer");
    return easy;
}

static void wait_for_all(CURLM *multi, long count)
{
    int running = 0;
    while (waiting < count) {
        if (curl_multi_perform(multi, &running) || running < count ||
            curl_multi_poll(multi, NULL, 0, 100, NULL))
            die("a transfer ended");
    }
}

static void raise_fd_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    long count = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
    if (count < 1) {
        fputs("usage: removal URL COUNT\n", stderr);
        return 2;
    }
    raise_fd_limit();
    CURL **easy = calloc((size_t)count, sizeof *easy);
    CURLM *multi = curl_global_init(CURL_GLOBAL_ALL) ? NULL : curl_multi_init();
    if (!easy || !multi)
        die("out of memory");
    for (long i = 0; i < count; i++)
        easy[i] = start(multi, argv[1]);
    wait_for_all(multi, count);
    double wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    for (long i = 0; i < count; i++)
        curl_multi_remove_handle(multi, easy[i]);
    wall = now(CLOCK_MONOTONIC) - wall;
    cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    printf("{\"count\":%ld,\"remove_s\":%.6f,\"remove_cpu_s\":%.6f}\n", count, wall, cpu);
    for (long i = 0; i < count; i++)
        curl_easy_cleanup(easy[i]);
    curl_multi_cleanup(multi);
    free(easy);
    curl_global_cleanup();
    return 0;
}
