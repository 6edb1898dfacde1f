/* What bare libxml2 does with a folder of pages: parse, take all a/@href as strings, find
 * all p and all img[@src], with expressions compiled once.
 *
 *   pages DIR PASSES
 *
 * prints one JSON line: seconds of CPU of the fastest pass, and what was found in one. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <libxml/HTMLparser.h>
#include <libxml/xpath.h>

enum { MAX_PAGES = 1000 };

struct page {
    char *bytes; /* owned; until the end */
    int n;
};

static struct page pages[MAX_PAGES];
static int npages;
static unsigned long found[3]; /* links, paragraphs, images */

static double cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void load(const char *path)
{
    FILE *f = fopen(path, "rb");
    struct page *p = &pages[npages];
    if (!f || fseek(f, 0, SEEK_END))
        exit(1);
    p->n = (int)ftell(f);
    rewind(f);
    p->bytes = malloc((size_t)p->n + 1);
    if (!p->bytes || fread(p->bytes, 1, (size_t)p->n, f) != (size_t)p->n)
        exit(1);
    fclose(f);
    npages++;
}

static void load_all(const char *dir)
{
    DIR *d = opendir(dir);
    char path[4096];
    for (struct dirent *e; d && npages < MAX_PAGES && (e = readdir(d));) {
        if (!strstr(e->d_name, ".html"))
            continue;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        load(path);
    }
    if (d)
        closedir(d);
}

static void query(xmlXPathContext *ctx, xmlXPathCompExpr *expr, int at, int strings)
{
    xmlXPathObject *r = xmlXPathCompiledEval(expr, ctx);
    xmlNodeSet *set = r ? r->nodesetval : NULL;
    found[at] += set ? (unsigned long)set->nodeNr : 0;
    for (int i = 0; strings && set && i < set->nodeNr; i++)
        xmlFree(xmlNodeGetContent(set->nodeTab[i]));
    xmlXPathFreeObject(r);
}

static void pass(xmlXPathCompExpr *const exprs[3])
{
    memset(found, 0, sizeof found);
    for (int i = 0; i < npages; i++) {
        xmlDoc *doc = htmlReadMemory(pages[i].bytes, pages[i].n, NULL, NULL,
                                     HTML_PARSE_RECOVER | HTML_PARSE_NOERROR |
                                         HTML_PARSE_NOWARNING | HTML_PARSE_NONET |
                                         HTML_PARSE_COMPACT);
        xmlXPathContext *ctx = xmlXPathNewContext(doc);
        for (int k = 0; k < 3; k++)
            query(ctx, exprs[k], k, k == 0);
        xmlXPathFreeContext(ctx);
        xmlFreeDoc(doc);
    }
}

static void drop_message(void *arg, const char *fmt, ...)
{
    (void)arg, (void)fmt;
}

int main(int argc, char **argv)
{
    static const char *const texts[3] = {"//a/@href", "//p", "//img[@src]"};
    xmlXPathCompExpr *exprs[3];
    double best = 1e9;
    if (argc != 3) {
        fputs("usage: pages DIR PASSES\n", stderr);
        return 2;
    }
    xmlSetGenericErrorFunc(NULL, drop_message);
    load_all(argv[1]);
    for (int k = 0; k < 3; k++)
        exprs[k] = xmlXPathCompile((const xmlChar *)texts[k]);
    for (long i = strtol(argv[2], NULL, 10); i > 0; i--) {
        double start = cpu();
        pass(exprs);
        double spent = cpu() - start;
        best = spent < best ? spent : best;
    }
    printf(
        "{\"seconds\":%.6f,\"pages\":%d,\"links\":%lu,\"paragraphs\":%lu,\"images\":%lu}"
        "\n",
        best, npages, found[0], found[1], found[2]);
    return 0;
}
