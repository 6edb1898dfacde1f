/* The unit tests' kit: checks that count, go on after a failure and name file and line.
 * A program ends with `return check_done();` and fails when nothing was checked. */
#ifndef LF_TEST_CHECK_H
#define LF_TEST_CHECK_H

#include <stdio.h>
#include <string.h>

static int check_passed, check_failed;

#define CHECK(cond)          check_one((cond) != 0, #cond, __FILE__, __LINE__)
#define CHECK_STR(got, want) check_str((got), (want), #got, __FILE__, __LINE__)
#define CHECK_INT(got, want)                                                             \
    check_int((long long)(got), (long long)(want), #got, __FILE__, __LINE__)

static inline int check_one(int ok, const char *what, const char *file, int line)
{
    ok ? check_passed++ : check_failed++;
    if (!ok)
        printf("%s:%d: failed: %s\n", file, line, what);
    return ok;
}

static inline int check_str(const char *got, const char *want, const char *what,
                            const char *file, int line)
{
    if (got && want && strcmp(got, want) == 0)
        return check_one(1, what, file, line);
    printf("%s:%d: %s is \"%s\", wanted \"%s\"\n", file, line, what, got ? got : "(null)",
           want ? want : "(null)");
    return check_one(0, what, file, line);
}

static inline int check_int(long long got, long long want, const char *what,
                            const char *file, int line)
{
    if (got != want)
        printf("%s:%d: %s is %lld, wanted %lld\n", file, line, what, got, want);
    return check_one(got == want, what, file, line);
}

static inline int check_done(void)
{
    printf("%d passed, %d failed\n", check_passed, check_failed);
    return check_failed || !check_passed;
}

#endif
