/* faultd: a scripted HTTP/1.1 server for tests. The path chooses what happens on the
 * wire, sound or broken; `GET /` lists it all. One thread, no libraries.
 *
 *   faultd [--bind 127.0.0.1] [--port 0] [--deaf]
 *
 * Prints "port N" when it listens. Ends at SIGTERM, when its standard input reaches its
 * end, or when its parent dies, so that it cannot outlive a crashed test run. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "faultd/conn.h"
#include "faultd/loop.h"
#include "faultd/tally.h"

struct options {
    const char *bind;
    int port;
    bool deaf; /* listens, but its queue is full: connecting never ends */
};

static int fail(const char *what)
{
    fprintf(stderr, "faultd: %s: %s\n", what, strerror(errno));
    return 1;
}

static int usage(void)
{
    fputs("usage: faultd [--bind ADDRESS] [--port N] [--deaf]\n", stderr);
    return 2;
}

static bool read_options(struct options *o, int argc, char **argv)
{
    *o = (struct options){.bind = "127.0.0.1"};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--deaf") == 0)
            o->deaf = true;
        else if (strcmp(argv[i], "--bind") == 0 && i + 1 < argc)
            o->bind = argv[++i];
        else if (strcmp(argv[i], "--port") == 0 && i + 1 < argc)
            o->port = (int)strtol(argv[++i], NULL, 10);
        else
            return false;
    }
    return o->port >= 0 && o->port < 65536;
}

static bool address_of(const struct options *o, struct sockaddr_storage *addr,
                       socklen_t *len)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)addr;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)addr;
    memset(addr, 0, sizeof *addr);
    if (inet_pton(AF_INET, o->bind, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)o->port);
        *len = sizeof *v4;
        return true;
    }
    if (inet_pton(AF_INET6, o->bind, &v6->sin6_addr) != 1)
        return false;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons((uint16_t)o->port);
    *len = sizeof *v6;
    return true;
}

/* The listening socket; -1 and errno. TCP_NODELAY is inherited by what it accepts. */
static int listen_on(const struct options *o, struct sockaddr_storage *addr,
                     socklen_t *len)
{
    errno = EINVAL;
    if (!address_of(o, addr, len))
        return -1;
    int fd = socket(addr->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (bind(fd, (struct sockaddr *)addr, *len) == 0 &&
        listen(fd, o->deaf ? 0 : 4096) == 0 &&
        getsockname(fd, (struct sockaddr *)addr, len) == 0)
        return fd;
    close(fd);
    return -1;
}

static int port_of(const struct sockaddr_storage *addr)
{
    if (addr->ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)addr)->sin6_port);
    return ntohs(((const struct sockaddr_in *)addr)->sin_port);
}

/* Connections of our own take every place of the queue; the kernel then drops the SYNs of
 * all others. They stay open until we end. */
static void fill_queue(const struct sockaddr_storage *addr, socklen_t len)
{
    for (int i = 0; i < 4; i++) {
        int fd = socket(addr->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd >= 0)
            (void)connect(fd, (const struct sockaddr *)addr, len);
    }
}

static int spare = -1; /* given up for a moment when descriptors run out */

/* Without a free descriptor the queue cannot be emptied, and would wake us for ever:
 * the client gets a closed connection instead. */
static void turn_away(int listener)
{
    close(spare);
    int fd = accept(listener, NULL, NULL);
    if (fd >= 0)
        close(fd);
    spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_accept(struct watch *w, uint32_t events)
{
    (void)events;
    for (int i = 0; i < 256; i++) {
        int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            conn_open(fd);
        else if (errno == EMFILE || errno == ENFILE)
            turn_away(w->fd);
        else if (errno != EINTR && errno != ECONNABORTED)
            return;
    }
}

static void on_signal(struct watch *w, uint32_t events)
{
    (void)w;
    (void)events;
    loop_stop();
}

static void on_stdin(struct watch *w, uint32_t events)
{
    (void)events;
    char rest[256];
    ssize_t n = read(w->fd, rest, sizeof rest);
    if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
        loop_stop();
}

/* Terminating signals become events; false when the parent is gone already. */
static bool follow_parent(struct watch *signals)
{
    pid_t parent = getppid();
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signals->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    return signals->fd >= 0 && getppid() == parent;
}

static void raise_fd_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int serve(struct watch *listener, bool deaf)
{
    struct watch signals = {-1, on_signal}, input = {STDIN_FILENO, on_stdin};
    if (!follow_parent(&signals) || !loop_open() || !loop_watch(&signals, EPOLLIN))
        return fail("cannot start");
    if (!deaf && !loop_watch(listener, EPOLLIN))
        return fail("cannot watch the listener");
    loop_watch(&input,
               EPOLLIN); /* a file or /dev/null cannot be watched: then it has no end */
    loop_run();
    conn_close_all();
    tally_free();
    loop_close();
    return 0;
}

int main(int argc, char **argv)
{
    struct options o;
    struct sockaddr_storage addr;
    socklen_t len;
    if (!read_options(&o, argc, argv))
        return usage();
    raise_fd_limit();
    spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct watch listener = {listen_on(&o, &addr, &len), on_accept};
    if (listener.fd < 0)
        return fail("cannot listen");
    if (o.deaf)
        fill_queue(&addr, len);
    printf("port %d\n", port_of(&addr));
    fflush(stdout);
    return serve(&listener, o.deaf);
}
