/* nomem.so, to be preloaded: the n-th allocation from now fails, once, when the program
 * calls remove("nomem:N"); remove("nomem:0") ends that and is 0 when one has failed. With
 * NOMEM_AT=N in the environment it is the n-th of the program; with NOMEM_TIMES=2 the
 * next one fails as well: Lua collects and tries again before it raises an error. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);

static long left; /* 0: off, or it has failed */
static long times = 1;
static long more; /* that fail after it */

static bool fails(void)
{
    if (left > 0 && --left == 0) {
        more = times - 1;
        return true;
    }
    return left == 0 && more > 0 && more-- > 0;
}

__attribute__((constructor)) static void from_environment(void)
{
    const char *at = getenv("NOMEM_AT");
    if (at)
        left = strtol(at, NULL, 10);
    const char *how_many = getenv("NOMEM_TIMES");
    if (how_many)
        times = strtol(how_many, NULL, 10);
}

void *malloc(size_t n)
{
    return fails() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    return fails() ? NULL : __libc_realloc(p, n);
}

int remove(const char *path)
{
    static const char prefix[] = "nomem:";
    if (strncmp(path, prefix, sizeof prefix - 1) == 0) {
        bool over = left == 0;
        left = strtol(path + sizeof prefix - 1, NULL, 10);
        more = 0;
        return over ? 0 : -1;
    }
    int (*real)(const char *) = (int (*)(const char *))dlsym(RTLD_NEXT, "remove");
    return real(path);
}
