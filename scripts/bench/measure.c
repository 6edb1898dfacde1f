/* What a command costs: runs it on one processor and says so in a last line of its own.
 *
 *   measure CPU COMMAND ARGS…
 *
 * prints, behind what the command prints, "measured WALL USER SYS PEAK CODE": seconds,
 * seconds of CPU of the process and all it waited for, kilobytes, exit code. A
 * measurement begins here, before exec, so that starting up is part of the price. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void become(int cpu, char **argv)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof set, &set); /* a machine with fewer: anywhere */
    execvp(argv[0], argv);
    perror(argv[0]);
    _exit(127);
}

int main(int argc, char **argv)
{
    struct rusage used;
    int status;
    if (argc < 3) {
        fputs("usage: measure CPU COMMAND ARGS...\n", stderr);
        return 2;
    }
    double start = now();
    pid_t pid = fork();
    if (pid == 0)
        become((int)strtol(argv[1], NULL, 10), argv + 2);
    if (pid < 0 || wait4(pid, &status, 0, &used) != pid) {
        perror("measure");
        return 1;
    }
    double wall = now() - start;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    printf("\nmeasured %.6f %.6f %.6f %ld %d\n", wall, seconds(used.ru_utime),
           seconds(used.ru_stime), used.ru_maxrss, code);
    return code;
}
