/* Finding the folders of the installation or the build tree, and the bundled examples. */
#include "bind/home.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct layout {
    const char *lua, *examples, *modules; /* below the folder that is looked from */
};

/* Below the executable's folder, in this order. */
static const struct layout layouts[] = {
    {"../share/luafetch/lua", "../share/luafetch/examples",
     "../lib/luafetch"},                        /* PREFIX */
    {"../lua", "../examples", "modules"},       /* build */
    {"../../lua", "../../examples", "modules"}, /* build/asan */
};
static const struct layout home_layout = {"lua", "examples", "modules"};

static bool join(char out[PATH_MAX], const char *dir, const char *name, const char *tail)
{
    int n = snprintf(out, PATH_MAX, "%s/%s%s", dir, name, tail);
    return n > 0 && n < PATH_MAX;
}

static bool readable(const char *dir, const char *name, const char *tail)
{
    char path[PATH_MAX];
    return join(path, dir, name, tail) && access(path, R_OK) == 0;
}

/* Without "..", as far as it exists: these paths show up in tracebacks. */
static bool locate(char out[PATH_MAX], const char *from, const char *name)
{
    char path[PATH_MAX];
    if (!join(path, from, name, ""))
        return false;
    if (!realpath(path, out))
        memcpy(out, path, sizeof path);
    return true;
}

static bool look(struct lf_home *h, const char *from, const struct layout *l)
{
    return locate(h->lua, from, l->lua) && locate(h->examples, from, l->examples) &&
           locate(h->modules, from, l->modules) &&
           readable(h->lua, "luafetch/init", ".lua");
}

bool lf_home_find(struct lf_home *h)
{
    const char *home = getenv("LUAFETCH_HOME");
    if (home && *home)
        return look(h, home, &home_layout);
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (n <= 0)
        return snprintf(h->lua, sizeof h->lua, "/proc/self/exe"), false;
    exe[n] = '\0';
    *strrchr(exe, '/') = '\0';
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
        if (look(h, exe, &layouts[i]))
            return true;
    return false;
}

bool lf_home_example(const struct lf_home *h, const char *name, char path[PATH_MAX])
{
    return *name && !strchr(name, '/') && join(path, h->examples, name, ".lua") &&
           access(path, R_OK) == 0;
}

bool lf_home_command(const struct lf_home *h, const char *name, char path[PATH_MAX])
{
    static const char *const commands[][2] = {{"job", "luafetch/command/job"}};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i][0], name) == 0)
            return join(path, h->lua, commands[i][1], ".lua");
    return false;
}

static int is_script(const struct dirent *d)
{
    const char *dot = strrchr(d->d_name, '.');
    return dot && dot != d->d_name && strcmp(dot, ".lua") == 0;
}

/* The text behind "-- name.lua: " of the first comment, or "". */
static const char *summary(const char *path, char line[256])
{
    FILE *f = fopen(path, "r");
    if (!f)
        return "";
    const char *text = "";
    while (!*text && fgets(line, 256, f) && (line[0] == '-' || line[0] == '#')) {
        char *colon = strstr(line, ".lua: ");
        if (colon && line[0] == '-')
            text = colon + strlen(".lua: ");
    }
    fclose(f);
    line[strcspn(line, "\r\n")] = '\0';
    return text;
}

void lf_home_list(const struct lf_home *h, FILE *out)
{
    struct dirent **names;
    int n = scandir(h->examples, &names, is_script, alphasort);
    for (int i = 0; i < n; i++) {
        char path[PATH_MAX], line[256] = "";
        char *name = names[i]->d_name;
        name[strlen(name) - strlen(".lua")] = '\0';
        if (join(path, h->examples, name, ".lua"))
            fprintf(out, "%-16s %s\n", name, summary(path, line));
        free(names[i]);
    }
    if (n >= 0)
        free(names);
}
