/* spawn: runs one server for a test and makes sure that nothing of it stays behind.
 *
 *   spawn [--dir DIR] [--fill FILE] [--announced] [--wait SECONDS] -- COMMAND ARGS…
 *
 * The command gets its own process group, standard input from /dev/null (or, with
 * --announced, a pipe that ends when we do) and its output in DIR/log. Every @PORT@ and
 * @DIR@ in the arguments and in DIR/FILE is replaced first. When the port accepts
 * connections, or with --announced when the command says "port N", we print
 *
 *   ready PID PORT
 *
 * and wait. At the end of our standard input, at a signal or when our parent dies the
 * whole group is stopped, waited for, and DIR removed: exit 0. A command that ends by
 * itself gives "died …" and the tail of its log on standard output: exit 3. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Below the range the kernel gives to outgoing connections, so that no client of the
 * tests takes the port between our look and the server's bind. */
#define FIRST_PORT 20000
#define PORTS      12000

#define STOP_MS  5000 /* after this long the polite signal becomes SIGKILL */
#define LOG_TAIL 4096
#define MAX_FILL (1 << 20)

struct job {
    const char *dir;  /* borrowed; removed at the end, if given */
    const char *fill; /* borrowed; a file in dir */
    bool announced;
    int wait_ms;
    char **argv; /* owned copies after substitution */
    int port;
    int log;     /* descriptor of DIR/log, or of our stderr */
    int signals; /* signalfd: the stops and SIGCHLD */
    int output;  /* with announced: what the command prints */
    int input;   /* with announced: the command's standard input */
    pid_t pid;
    int status; /* once the command has ended */
    bool ended;
};

static void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

static void fail(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("failed ", stdout);
    vprintf(fmt, ap);
    putchar('\n');
    va_end(ap);
    exit(1);
}

static void *must(void *p)
{
    if (!p)
        fail("out of memory");
    return p;
}

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static bool port_is_free(int port)
{
    struct sockaddr_in addr = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    bool ok = bind(fd, (struct sockaddr *)&addr, sizeof addr) == 0;
    close(fd);
    return ok;
}

static int choose_port(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    unsigned at = (unsigned)getpid() * 7919u + (unsigned)t.tv_nsec / 1000u;
    for (unsigned i = 0; i < PORTS; i++) {
        int port = FIRST_PORT + (int)((at + i) % PORTS);
        if (port_is_free(port))
            return port;
    }
    fail("no free port");
}

/* ---- substitution ---- */

static char *replace_all(const char *text, const char *mark, const char *with)
{
    size_t hits = 0, m = strlen(mark), w = strlen(with);
    for (const char *p = text; (p = strstr(p, mark)); p += m)
        hits++;
    char *out = must(malloc(strlen(text) + hits * w + 1)), *to = out;
    for (const char *p; (p = strstr(text, mark)); text = p + m) {
        to = mempcpy(to, text, (size_t)(p - text));
        to = mempcpy(to, with, w);
    }
    memcpy(to, text, strlen(text) + 1);
    return out;
}

static char *substitute(const struct job *j, const char *text)
{
    char port[16];
    snprintf(port, sizeof port, "%d", j->port);
    char *half = replace_all(text, "@PORT@", port);
    char *whole = replace_all(half, "@DIR@", j->dir ? j->dir : ".");
    free(half);
    return whole;
}

static char *path_in(const char *dir, const char *name)
{
    char *path;
    if (asprintf(&path, "%s/%s", dir, name) < 0)
        fail("out of memory");
    return path;
}

static void fill_file(const struct job *j)
{
    char *path = path_in(j->dir, j->fill), *text = must(calloc(1, MAX_FILL + 1));
    FILE *f = fopen(path, "r");
    if (!f || fread(text, 1, MAX_FILL, f) == 0)
        fail("cannot read %s", path);
    fclose(f);
    char *filled = substitute(j, text);
    f = fopen(path, "w");
    if (!f || fputs(filled, f) < 0 || fclose(f) != 0)
        fail("cannot write %s", path);
    free(filled);
    free(text);
    free(path);
}

/* ---- the command ---- */

static void open_log(struct job *j)
{
    j->log = STDERR_FILENO;
    if (!j->dir)
        return;
    char *path = path_in(j->dir, "log");
    j->log = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (j->log < 0)
        fail("cannot write %s: %s", path, strerror(errno));
    free(path);
}

static void become_command(const struct job *j, pid_t parent, int in, int out)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(1);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(j->log, STDERR_FILENO);
    execvp(j->argv[0], j->argv);
    dprintf(STDERR_FILENO, "cannot run %s: %s\n", j->argv[0], strerror(errno));
    _exit(127);
}

static void start(struct job *j)
{
    int in[2] = {open("/dev/null", O_RDONLY | O_CLOEXEC), -1}, out[2] = {-1, j->log};
    if (j->announced && (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0))
        fail("cannot make a pipe: %s", strerror(errno));
    pid_t parent = getpid();
    j->pid = fork();
    if (j->pid < 0)
        fail("cannot fork: %s", strerror(errno));
    if (j->pid == 0)
        become_command(j, parent, in[0], out[1]);
    setpgid(j->pid, j->pid); /* both sides: whoever is first */
    close(in[0]);
    if (j->announced)
        close(out[1]);
    j->input = in[1];
    j->output = out[0];
}

/* Reaps whatever has ended, adopted grandchildren too. */
static void reap(struct job *j)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == j->pid) {
            j->ended = true;
            j->status = status;
        }
}

/* Waits for events until something happens or the time is over. True: we are to stop. */
static bool wait_events(struct job *j, int extra_fd, int ms)
{
    struct pollfd fds[] = {
        {.fd = STDIN_FILENO, .events = POLLIN},
        {.fd = j->signals, .events = POLLIN},
        {.fd = extra_fd, .events = POLLIN},
    };
    bool stop = false;
    struct signalfd_siginfo info;
    char rest[256];
    if (poll(fds, 3, ms) <= 0)
        return false;
    if (fds[0].revents)
        stop = read(STDIN_FILENO, rest, sizeof rest) <= 0;
    while (fds[1].revents && read(j->signals, &info, sizeof info) > 0)
        if (info.ssi_signo != SIGCHLD)
            stop = true;
    reap(j);
    return stop;
}

/* ---- readiness ---- */

static bool accepts(int port)
{
    struct sockaddr_in addr = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0;
    close(fd);
    return ok;
}

static bool announced(struct job *j)
{
    char line[64];
    struct pollfd p = {.fd = j->output, .events = POLLIN};
    if (poll(&p, 1, 0) <= 0)
        return false;
    ssize_t n = read(j->output, line, sizeof line - 1);
    line[n > 0 ? n : 0] = '\0';
    return sscanf(line, "port %d", &j->port) == 1;
}

enum outcome { READY, STOPPED, DIED, TOO_LATE };

static enum outcome wait_ready(struct job *j)
{
    uint64_t until = now_ms() + (uint64_t)j->wait_ms;
    while (now_ms() < until) {
        if (!j->ended && (j->announced ? announced(j) : accepts(j->port)))
            return READY;
        if (wait_events(j, j->announced ? j->output : -1, 5))
            return STOPPED;
        if (j->ended)
            return DIED;
    }
    return TOO_LATE;
}

static enum outcome wait_end(struct job *j)
{
    while (!j->ended)
        if (wait_events(j, -1, -1))
            return STOPPED;
    return DIED;
}

/* ---- the end ---- */

static bool group_lives(const struct job *j)
{
    return kill(-j->pid, 0) == 0;
}

static void stop_group(struct job *j)
{
    uint64_t until = now_ms() + STOP_MS;
    kill(-j->pid, SIGTERM);
    if (j->announced)
        close(j->input);
    while (reap(j), group_lives(j) && now_ms() < until)
        poll(NULL, 0, 2);
    kill(-j->pid, SIGKILL);
    while (reap(j), group_lives(j))
        poll(NULL, 0, 2);
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    remove(path);
    return 0;
}

static void print_log_tail(const struct job *j)
{
    char tail[LOG_TAIL];
    if (!j->dir)
        return;
    off_t size = lseek(j->log, 0, SEEK_END);
    off_t from = size > LOG_TAIL ? size - LOG_TAIL : 0;
    ssize_t n = pread(j->log, tail, sizeof tail, from);
    if (n > 0)
        fwrite(tail, 1, (size_t)n, stdout);
}

static int report(const struct job *j, enum outcome outcome)
{
    if (outcome == STOPPED)
        return 0;
    if (outcome == TOO_LATE)
        printf("failed %s does not listen after %d ms\n", j->argv[0], j->wait_ms);
    else if (WIFSIGNALED(j->status))
        printf("died %s: signal %d\n", j->argv[0], WTERMSIG(j->status));
    else
        printf("died %s: exit code %d\n", j->argv[0], WEXITSTATUS(j->status));
    print_log_tail(j);
    fflush(stdout);
    return 3;
}

/* The stopping signals and SIGCHLD come through a descriptor. */
static int take_signals(void)
{
    static const int taken[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
    pid_t parent = getppid();
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        sigaddset(&set, taken[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        exit(1);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int read_options(struct job *j, int argc, char **argv)
{
    int i = 1;
    for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
        bool more = i + 1 < argc;
        if (strcmp(argv[i], "--announced") == 0)
            j->announced = true;
        else if (strcmp(argv[i], "--dir") == 0 && more)
            j->dir = argv[++i];
        else if (strcmp(argv[i], "--fill") == 0 && more)
            j->fill = argv[++i];
        else if (strcmp(argv[i], "--wait") == 0 && more)
            j->wait_ms = 1000 * (int)strtol(argv[++i], NULL, 10);
        else
            fail("unknown option %s", argv[i]);
    }
    if (i + 1 >= argc)
        fail("no command");
    if (j->fill && !j->dir)
        fail("--fill needs --dir");
    return i + 1;
}

static void prepare(struct job *j, int argc, char **argv)
{
    int first = read_options(j, argc, argv);
    if (!j->announced)
        j->port = choose_port();
    j->argv = must(calloc((size_t)(argc - first) + 1, sizeof *j->argv));
    for (int i = first; i < argc; i++)
        j->argv[i - first] = substitute(j, argv[i]);
    if (j->fill)
        fill_file(j);
    open_log(j);
}

int main(int argc, char **argv)
{
    struct job j = {.wait_ms = 20000};
    j.signals = take_signals();
    prepare(&j, argc, argv);
    start(&j);
    enum outcome outcome = wait_ready(&j);
    if (outcome == READY) {
        printf("ready %d %d\n", (int)j.pid, j.port);
        fflush(stdout);
        outcome = wait_end(&j);
    }
    stop_group(&j);
    int code = report(&j, outcome);
    if (j.dir)
        nftw(j.dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    for (char **arg = j.argv; *arg; arg++)
        free(*arg);
    free(j.argv);
    return code;
}
