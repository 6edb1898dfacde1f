/* The raw fault server for unit tests: $LF_SERVERS/faultd, build/servers by default. */
#ifndef LF_TEST_FAULT_KIT_H
#define LF_TEST_FAULT_KIT_H

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "engine_kit.h"

struct server {
    pid_t pid;
    int hold; /* its stdin: it ends when we close it */
    int port;
};

static struct server server;

static inline void server_start(void)
{
    int in[2], out[2];
    const char *dir = getenv("LF_SERVERS") ? getenv("LF_SERVERS") : "build/servers";
    char path[500], line[64];
    snprintf(path, sizeof path, "%s/faultd", dir);
    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
        exit(1);
    server.pid = fork();
    if (server.pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        execl(path, path, "--port", "0", (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    server.hold = in[1];
    FILE *f = fdopen(out[0], "r");
    if (!f || !fgets(line, sizeof line, f) ||
        sscanf(line, "port %d", &server.port) != 1) {
        printf("cannot start %s\n", path);
        exit(1);
    }
    fclose(f);
}

static inline void server_stop(void)
{
    close(server.hold);
    waitpid(server.pid, NULL, 0);
}

static inline const char *at(const char *path)
{
    static char url[300];
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", server.port, path);
    return url;
}

#endif
