/* Netscape cookie files: any file is read; what was read is written, and read again it is
 * written the same.
 *
 * seed: # Netscape HTTP Cookie
 * File\n.example.com\x09TRUE\x09/\x09TRUE\x092000000000\x09a\x09b\n seed:
 * #HttpOnly_example.com\x09FALSE\x09/x\x09FALSE\x090\x09\x09v\r\nno cookie\n seed:
 * www.example.com\x09FALSE\x09/\x09FALSE\x0999999999999999999\x09n */
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "fuzz.h"
#include "http/cookie.h"

enum { NOW = 1700000000 };

static char dir[] = "/dev/shm/lf-fuzz-XXXXXX", path[64];

static void remove_dir(void)
{
    unlink(path);
    rmdir(dir);
}

static void make_dir(void)
{
    if (path[0])
        return;
    FUZZ_CHECK(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/cookies", dir);
    atexit(remove_dir);
}

static void put(const uint8_t *data, size_t size)
{
    FILE *f = fopen(path, "wb");
    FUZZ_CHECK(f && fwrite(data, 1, size, f) == size);
    fclose(f);
}

static void get(struct lf_buf *text)
{
    char p[4096];
    size_t n;
    FILE *f = fopen(path, "rb");
    FUZZ_CHECK(f);
    while ((n = fread(p, 1, sizeof p, f)))
        FUZZ_CHECK(lf_buf_add(text, p, n) == LF_OK);
    fclose(f);
}

/* Read the file into a new jar and write it again; what is written then. */
static void load_and_save(struct lf_buf *text, bool own)
{
    struct lf_jar *jar = lf_jar_new();
    struct lf_buf why;
    lf_buf_init(&why, LF_BUF_MAX);
    struct lf_jar_report r = {.why = &why};
    FUZZ_CHECK(jar);
    enum lf_err err = lf_jar_load(jar, path, NOW, &r);
    FUZZ_CHECK(err == LF_OK || ((err == LF_EPARSE || err == LF_ETOOLARGE) && why.len));
    FUZZ_CHECK(!own || (err == LF_OK && r.left_out == 0));
    r = (struct lf_jar_report){.why = &why};
    FUZZ_CHECK(lf_jar_save(jar, path, NOW, &r) == LF_OK);
    FUZZ_CHECK(r.cookies + r.left_out == lf_jar_count(jar));
    get(text);
    lf_buf_free(&why);
    lf_jar_free(jar);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lf_buf once, twice;
    make_dir();
    put(data, size);
    lf_buf_init(&once, LF_BUF_MAX);
    lf_buf_init(&twice, LF_BUF_MAX);
    load_and_save(&once, false);
    load_and_save(&twice, true);
    FUZZ_CHECK(fuzz_same(&once, &twice));
    lf_buf_free(&once);
    lf_buf_free(&twice);
    return 0;
}
