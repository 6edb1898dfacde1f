/* Looking after workers: one poll loop over signals, news of the board and what the
 * workers write. */
#include "bind/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "bind/progress.h"
#include "bind/stop.h"

enum {
    MOST_RESTARTS = 5, /* in a run */
    ROOM = 64 << 10,   /* of a line that is not whole yet */
    EXIT_SCRIPT = 1,
    EXIT_USAGE = 2,
    EXIT_SIGNAL = 128,
};
#define DRAW_EVERY 0.2 /* seconds */
#define GRACE      3.0 /* seconds from the end of the time until they are killed */

struct relay { /* what a worker writes, on its way */
    int from;  /* -1: none */
    int to;
    size_t len;
    char *held; /* owned: ROOM bytes, the beginning of a line */
};

struct worker {
    pid_t pid; /* 0: it has ended */
    bool halted;
    struct relay err, out;
};

struct crew {
    const struct lf_workers_conf *conf; /* borrowed */
    struct lf_board *board;             /* owned: a mapping */
    struct worker *workers;             /* owned: conf->n of them */
    struct pollfd *fds;                 /* owned: what is waited for, room for all */
    unsigned child;                     /* we are this worker; 0: the parent */
    unsigned live, restarts;
    bool ending;                  /* none is started any more */
    bool paused;                  /* all of them, by us */
    int forced, worst;            /* exit codes: ours; theirs */
    int signals;                  /* owned: a signalfd */
    sigset_t before;              /* the mask that workers have */
    struct lf_tally past;         /* of those that have ended */
    struct lf_progress *progress; /* owned; NULL: no line */
    char why[200];                /* the sentence of a limit */
};

/* ---- what they write ---- */

static void put_all(int fd, const char *p, size_t n)
{
    lf_log_clear_line();
    while (n) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            struct pollfd ready = {.fd = fd, .events = POLLOUT};
            poll(&ready, 1, -1);
        } else if (done < 0 && errno != EINTR) {
            return; /* nobody reads it */
        } else if (done > 0) {
            p += done;
            n -= (size_t)done;
        }
    }
}

/* False when nothing is there now. A line that does not end is not waited for. */
static bool pass_on(struct relay *r)
{
    ssize_t n = r->from >= 0 ? read(r->from, r->held + r->len, ROOM - r->len) : 0;
    if (n <= 0)
        return n < 0 && errno == EINTR;
    r->len += (size_t)n;
    const char *last = memrchr(r->held, '\n', r->len);
    size_t whole = last ? (size_t)(last - r->held) + 1 : r->len == ROOM ? ROOM : 0;
    put_all(r->to, r->held, whole);
    memmove(r->held, r->held + whole, r->len - whole);
    r->len -= whole;
    return true;
}

static void relay_close(struct relay *r)
{
    if (r->from >= 0)
        close(r->from);
    free(r->held);
    *r = (struct relay){.from = -1};
}

/* Its children may have the other end still: the end of file is not waited for. */
static void relay_end(struct relay *r)
{
    while (pass_on(r))
        ;
    if (r->len) {
        r->held[r->len++] = '\n';
        put_all(r->to, r->held, r->len);
    }
    relay_close(r);
}

/* A pipe to what is now `to`; its other end is returned, -1: there is none. */
static int relay_open(struct relay *r, int to)
{
    int ends[2];
    r->held = malloc(ROOM + 1);
    if (!r->held || pipe2(ends, O_CLOEXEC) != 0) {
        relay_close(r);
        return -1;
    }
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    r->from = ends[0];
    r->to = to;
    return ends[1];
}

/* ---- starting one ---- */

static struct lf_slot *slot_of(const struct crew *c, const struct worker *w)
{
    return &c->board->slots[w - c->workers];
}

static unsigned number_of(const struct crew *c, const struct worker *w)
{
    return (unsigned)(w - c->workers) + 1;
}

/* In the child. The terminal's keys signal the parent alone, which passes them on. Only
 * the first one reads what is given on standard input. */
static void become(struct crew *c, const struct worker *w, pid_t parent, int err, int out)
{
    unsigned number = number_of(c, w);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_SIGNAL + SIGKILL);
    setpgid(0, 0);
    dup2(err, STDERR_FILENO);
    close(err);
    if (out >= 0) {
        dup2(out, STDOUT_FILENO);
        close(out);
    }
    int null = number > 1 || isatty(STDIN_FILENO) ? open("/dev/null", O_RDONLY) : -1;
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
        close(null);
    }
    setvbuf(stdout, NULL, _IOLBF, ROOM);
    lf_worker_become(c->board, number);
    sigprocmask(SIG_SETMASK, &c->before, NULL);
    c->child = number;
}

/* False when the system has no more of what it takes. */
static bool start(struct crew *c, struct worker *w)
{
    pid_t parent = getpid(), pid = -1;
    bool shown = isatty(STDOUT_FILENO);
    lf_log_clear_line();
    int err = relay_open(&w->err, STDERR_FILENO);
    int out = shown ? relay_open(&w->out, STDOUT_FILENO) : -1;
    if (err >= 0 && (out >= 0 || !shown))
        pid = fork();
    if (pid == 0) {
        become(c, w, parent, err, out);
        return true;
    }
    int why = errno;
    if (err >= 0)
        close(err);
    if (out >= 0)
        close(out);
    if (pid < 0) {
        relay_close(&w->err);
        relay_close(&w->out);
        lf_log(LF_LOG_ERROR, "cannot start worker %u: %s", number_of(c, w),
               strerror(why));
        return false;
    }
    setpgid(pid, pid);
    w->pid = pid;
    c->live++;
    return true;
}

/* ---- ending them ---- */

static void signal_all(const struct crew *c, int signum)
{
    for (unsigned i = 0; i < c->conf->n; i++)
        if (c->workers[i].pid)
            kill(c->workers[i].pid, signum);
}

/* In order; one that is stopped has to go on for that. */
static void end_run(struct crew *c, int code, int signum)
{
    if (c->ending)
        return;
    c->ending = true;
    c->forced = code;
    signal_all(c, signum);
    signal_all(c, SIGCONT);
}

static void end_at_once(struct crew *c, int code)
{
    c->ending = true;
    c->forced = code;
    signal_all(c, SIGKILL);
}

static void start_or_end(struct crew *c, struct worker *w)
{
    if (!start(c, w))
        end_run(c, EXIT_SCRIPT, SIGTERM);
}

/* ---- how they end ---- */

/* The next one in this place begins anew. */
static void forget(struct crew *c, struct worker *w)
{
    struct lf_slot *s = slot_of(c, w);
    relay_end(&w->err);
    relay_end(&w->out);
    w->pid = 0;
    w->halted = false;
    c->live--;
    lf_tally_add(&c->past, &s->said[s->told & 1]);
    memset(s, 0, sizeof *s);
}

/* One limit that all of them keep to together is met by each when it is its turn. */
static void limited(struct crew *c, const char *why)
{
    static const char shared[] = "the run was ended by max-requests";
    if (!*c->why)
        snprintf(c->why, sizeof c->why, "%s", why);
    if (strncmp(why, shared, sizeof shared - 1) != 0)
        end_run(c, LF_EXIT_LIMIT, SIGTERM);
}

static void killed(struct crew *c, struct worker *w, pid_t pid, int signum)
{
    unsigned number = number_of(c, w);
    const char *name = strsignal(signum);
    if (c->restarts == MOST_RESTARTS) {
        lf_log(
            LF_LOG_ERROR,
            "worker %u (process %d) was killed by signal %d (%s); %d have been started "
            "again before, so the run ends",
            number, (int)pid, signum, name, MOST_RESTARTS);
        end_run(c, EXIT_SCRIPT, SIGTERM);
        return;
    }
    c->restarts++;
    lf_log(LF_LOG_WARN,
           "worker %u (process %d) was killed by signal %d (%s); it is "
           "started again",
           number, (int)pid, signum, name);
    start_or_end(c, w);
}

static void ended(struct crew *c, struct worker *w, int status)
{
    pid_t pid = w->pid;
    char why[sizeof slot_of(c, w)->why];
    memcpy(why, slot_of(c, w)->why, sizeof why);
    forget(c, w);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    if (code > c->worst)
        c->worst = code;
    if (code == LF_EXIT_LIMIT && *why)
        limited(c, why);
    if (WIFSIGNALED(status) && !c->ending)
        killed(c, w, pid, WTERMSIG(status));
}

/* When all others are through, nothing is left for one that is stopped, but to hear of
 * it. */
static void wake_the_last(struct crew *c)
{
    unsigned halted = 0;
    for (unsigned i = 0; i < c->conf->n; i++)
        halted += c->workers[i].halted;
    if (c->paused || !halted || halted < c->live || c->live == c->conf->n)
        return;
    lf_log(LF_LOG_WARN, "the other workers are through: %u that %s stopped %s on", halted,
           halted == 1 ? "is" : "are", halted == 1 ? "goes" : "go");
    signal_all(c, SIGCONT);
}

static void halt(struct crew *c, struct worker *w, bool halted)
{
    w->halted = halted;
    slot_of(c, w)->halted = halted;
    if (halted && !c->paused && !c->ending)
        lf_log(LF_LOG_WARN,
               "worker %u (process %d) is stopped; what it holds goes to others when its "
               "leases end",
               number_of(c, w), (int)w->pid);
}

static void reap(struct crew *c)
{
    int status;
    pid_t pid;
    while (!c->child &&
           (pid = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED)) > 0) {
        struct worker *w = c->workers;
        while (w < c->workers + c->conf->n && w->pid != pid)
            w++;
        if (w == c->workers + c->conf->n)
            continue;
        if (WIFSTOPPED(status) || WIFCONTINUED(status))
            halt(c, w, WIFSTOPPED(status));
        else
            ended(c, w, status);
    }
    if (!c->child)
        wake_the_last(c);
}

/* ---- what happens ---- */

static void pause_all(struct crew *c)
{
    c->paused = true;
    signal_all(c, SIGSTOP);
    kill(getpid(), SIGSTOP); /* until somebody lets us go on */
    signal_all(c, SIGCONT);
    c->paused = false;
}

static void on_signals(struct crew *c)
{
    struct signalfd_siginfo info;
    while (!c->child && read(c->signals, &info, sizeof info) == sizeof info) {
        int signum = (int)info.ssi_signo;
        if (signum == SIGCHLD)
            continue; /* several may have become one */
        if (signum == SIGTSTP)
            pause_all(c);
        else if (c->ending)
            end_at_once(c, EXIT_SIGNAL + signum);
        else
            end_run(c, EXIT_SIGNAL + signum, signum);
    }
    reap(c);
}

static void on_news(struct crew *c)
{
    uint64_t n;
    if (read(c->board->news, &n, sizeof n) != sizeof n)
        return;
    for (unsigned i = 1; i < c->conf->n && !c->ending && !c->child; i++)
        start_or_end(c, &c->workers[i]);
}

static void add_up(const struct crew *c, struct lf_tally *sum)
{
    *sum = c->past;
    for (unsigned i = 0; i < c->conf->n; i++) {
        const struct lf_slot *s = &c->board->slots[i];
        lf_tally_add(sum, &s->said[s->told & 1]);
    }
}

static void draw(const struct crew *c)
{
    struct lf_tally sum;
    if (!c->progress)
        return;
    add_up(c, &sum);
    lf_progress_show(c->progress, &sum.engine, sum.under_way,
                     lf_clock_now() - c->board->began);
}

/* They end by themselves when the time is over, unless one cannot. */
static void look_at_time(struct crew *c)
{
    double over = c->board->began + c->conf->max_time + GRACE;
    if (c->conf->max_time <= 0 || lf_clock_now() < over || !c->live)
        return;
    if (!*c->why)
        snprintf(c->why, sizeof c->why,
                 "the run was ended by max-time: it was over, and a worker did not end");
    end_at_once(c, LF_EXIT_LIMIT);
}

static int patience(const struct crew *c)
{
    double left = c->progress ? DRAW_EVERY : 3600;
    double over = c->board->began + c->conf->max_time + GRACE - lf_clock_now();
    if (c->conf->max_time > 0 && over < left)
        left = over > 0 ? over : 0.01;
    return (int)(left * 1000) + 1;
}

/* One wait. */
static void attend(struct crew *c)
{
    struct pollfd *fds = c->fds;
    nfds_t n = 2;
    fds[0] = (struct pollfd){.fd = c->signals, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = c->board->news, .events = POLLIN};
    for (unsigned i = 0; i < c->conf->n; i++) {
        fds[n++] = (struct pollfd){.fd = c->workers[i].err.from, .events = POLLIN};
        fds[n++] = (struct pollfd){.fd = c->workers[i].out.from, .events = POLLIN};
    }
    if (poll(fds, n, patience(c)) > 0) {
        for (unsigned i = 0; i < c->conf->n; i++) {
            if (fds[2 + 2 * i].revents)
                pass_on(&c->workers[i].err);
            if (fds[3 + 2 * i].revents)
                pass_on(&c->workers[i].out);
        }
        if (fds[1].revents)
            on_news(c);
        if (fds[0].revents && !c->child)
            on_signals(c);
    }
}

static void look_after(struct crew *c)
{
    double drawn = 0;
    while (c->live && !c->child) {
        attend(c);
        if (c->child)
            return;
        look_at_time(c);
        if (lf_clock_now() - drawn >= DRAW_EVERY) {
            draw(c);
            drawn = lf_clock_now();
        }
    }
}

/* ---- the face ---- */

static bool open_board(struct crew *c)
{
    pthread_mutexattr_t attr;
    size_t size = sizeof *c->board + c->conf->n * sizeof c->board->slots[0];
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return false;
    c->board = p;
    c->board->n = c->conf->n;
    c->board->began = lf_clock_now();
    c->board->news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    int rc = pthread_mutex_init(&c->board->output, &attr);
    pthread_mutexattr_destroy(&attr);
    return rc == 0 && c->board->news >= 0;
}

/* From here on signals are read, not delivered. */
static bool open_signals(struct crew *c)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGTSTP, SIGCHLD};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaddset(&set, signals[i]);
    sigprocmask(SIG_BLOCK, &set, &c->before);
    signal(SIGPIPE, SIG_IGN);
    c->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return c->signals >= 0;
}

static bool open_all(struct crew *c)
{
    c->workers = calloc(c->conf->n, sizeof *c->workers);
    for (unsigned i = 0; c->workers && i < c->conf->n; i++)
        c->workers[i].err.from = c->workers[i].out.from = -1;
    c->fds = calloc(2 + 2 * (size_t)c->conf->n, sizeof *c->fds);
    if (!c->workers || !c->fds || !open_board(c) || !open_signals(c))
        return false;
    if (c->conf->progress)
        c->progress = lf_progress_new(NULL);
    return true;
}

/* In a worker, too: of the parent's nothing but the board is its own. */
static void close_all(struct crew *c)
{
    lf_progress_free(c->progress);
    c->progress = NULL;
    for (unsigned i = 0; c->workers && i < c->conf->n; i++) {
        relay_close(&c->workers[i].err);
        relay_close(&c->workers[i].out);
    }
    free(c->workers);
    free(c->fds);
    if (c->signals >= 0)
        close(c->signals);
}

static void judge(const struct crew *c, struct lf_workers_end *end)
{
    end->code = c->ending ? c->forced : c->worst;
    end->elapsed = lf_clock_now() - c->board->began;
    add_up(c, &end->tally);
    if (*c->why)
        lf_log(LF_LOG_ERROR, "%s", c->why);
    if (end->code || c->board->joined)
        return;
    lf_log(LF_LOG_ERROR,
           "--workers %u: the script opens no job that they could share; give lf.crawl a "
           "job = \"NAME.db\" or \"redis://HOST/NAME\"",
           c->conf->n);
    end->code = EXIT_USAGE;
}

struct lf_board *lf_workers_run(const struct lf_workers_conf *conf,
                                struct lf_workers_end *end)
{
    struct crew c = {.conf = conf, .signals = -1};
    *end = (struct lf_workers_end){.code = EXIT_SCRIPT};
    if (!open_all(&c))
        lf_log(LF_LOG_ERROR, "cannot start workers: %s", strerror(errno));
    else if (start(&c, c.workers))
        look_after(&c);
    bool opened = c.signals >= 0;
    close_all(&c);
    if (!c.child && opened)
        judge(&c, end);
    return c.child ? c.board : NULL;
}
