/* multipart/form-data: names escaped as browsers do, types, boundaries. */
#include "check.h"
#include "http/multipart.h"

static struct lf_buf out;

static const char *head(bool first, const char *name, const char *filename,
                        const char *type)
{
    struct lf_multipart_part p = {.name = name, .filename = filename, .type = type};
    p.name_len = strlen(name);
    p.filename_len = filename ? strlen(filename) : 0;
    p.type_len = type ? strlen(type) : 0;
    lf_buf_reset(&out);
    return lf_multipart_head(&out, "B", first, &p) ? "failed" : out.p;
}

static void test_heads(void)
{
    CHECK_STR(head(true, "a", NULL, NULL),
              "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n");
    CHECK_STR(head(false, "a", "x.txt", "text/plain"),
              "\r\n--B\r\nContent-Disposition: form-data; name=\"a\"; filename=\"x.txt\""
              "\r\nContent-Type: text/plain\r\n\r\n");
    CHECK_STR(head(true, "", "", NULL),
              "--B\r\nContent-Disposition: form-data; name=\"\"; filename=\"\"\r\n\r\n");
    CHECK_STR(head(true, "a", NULL, "text/plain\r\nX: y"), "failed");
}

static void test_names(void)
{
    CHECK_STR(head(true, "a\"b", "c\"d", NULL),
              "--B\r\nContent-Disposition: form-data; name=\"a%22b\"; "
              "filename=\"c%22d\"\r\n\r\n");
    /* a field's name is normalized, a file's is not */
    CHECK_STR(head(true, "a\nb\rc\r\nd", "a\nb\rc\r\nd", NULL),
              "--B\r\nContent-Disposition: form-data; "
              "name=\"a%0D%0Ab%0D%0Ac%0D%0Ad\"; "
              "filename=\"a%0Ab%0Dc%0D%0Ad\"\r\n\r\n");
    CHECK_STR(head(true, "größe %41\\", "日本.txt", NULL),
              "--B\r\nContent-Disposition: form-data; name=\"größe %41\\\"; "
              "filename=\"日本.txt\"\r\n\r\n");
}

static void test_tail(void)
{
    lf_buf_reset(&out);
    lf_multipart_tail(&out, "B", false);
    CHECK_STR(out.p, "\r\n--B--\r\n");
    lf_buf_reset(&out);
    lf_multipart_tail(&out, "B", true);
    CHECK_STR(out.p, "--B--\r\n");
}

static void test_boundary(void)
{
    uint8_t random[LF_BOUNDARY_RANDOM] = {0, 255};
    char text[LF_BOUNDARY_SIZE];
    lf_multipart_boundary(text, random);
    CHECK_STR(text, "----luafetch00ff0000000000000000000000000000");
    random[LF_BOUNDARY_RANDOM - 1] = 1;
    lf_multipart_boundary(text, random);
    CHECK_STR(text, "----luafetch00ff0000000000000000000000000001");
}

static void test_types(void)
{
    static const char *const rows[][2] = {
        {"a.png", "image/png"},
        {"A.JPEG", "image/jpeg"},
        {"a.tar.gz", "application/gzip"},
        {"png", "application/octet-stream"},
        {"a.d/png", "application/octet-stream"},
        {"a.", "application/octet-stream"},
        {"", "application/octet-stream"},
        {".txt", "text/plain"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(lf_multipart_type(rows[i][0], strlen(rows[i][0])), rows[i][1]);
}

int main(void)
{
    lf_buf_init(&out, LF_BUF_MAX);
    test_heads();
    test_names();
    test_tail();
    test_boundary();
    test_types();
    lf_buf_free(&out);
    return check_done();
}
