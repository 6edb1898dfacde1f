/* Where the program's own files lie: the Lua library, the modules, the examples. Found
 * relative to the executable, in a build tree as well as installed; LUAFETCH_HOME (a
 * folder with lua/, examples/ and modules/) overrides. */
#ifndef LF_BIND_HOME_H
#define LF_BIND_HOME_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

struct lf_home {
    char lua[PATH_MAX], examples[PATH_MAX], modules[PATH_MAX];
};

/* False when the Lua library is nowhere; `h` then names the last place that was tried. */
bool lf_home_find(struct lf_home *h);

/* The path of a bundled example; false when there is none of that name. */
bool lf_home_example(const struct lf_home *h, const char *name, char path[PATH_MAX]);

/* The path of the file that is the command of this name ("job"); false: there is none. */
bool lf_home_command(const struct lf_home *h, const char *name, char path[PATH_MAX]);

/* One line an example, with the first sentence of its opening comment. */
void lf_home_list(const struct lf_home *h, FILE *out);

#endif
