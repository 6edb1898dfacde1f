/* Boundaries, part headers and their escapes, and content types by file name. */
#include "http/multipart.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "http/headers.h"

static const struct type {
    const char *ending, *type;
} types[] = {
    {"7z", "application/x-7z-compressed"},
    {"avif", "image/avif"},
    {"bmp", "image/bmp"},
    {"bz2", "application/x-bzip2"},
    {"css", "text/css"},
    {"csv", "text/csv"},
    {"doc", "application/msword"},
    {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {"epub", "application/epub+zip"},
    {"gif", "image/gif"},
    {"gz", "application/gzip"},
    {"htm", "text/html"},
    {"html", "text/html"},
    {"ico", "image/vnd.microsoft.icon"},
    {"ics", "text/calendar"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript"},
    {"json", "application/json"},
    {"md", "text/markdown"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"odt", "application/vnd.oasis.opendocument.text"},
    {"ogg", "audio/ogg"},
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"svg", "image/svg+xml"},
    {"tar", "application/x-tar"},
    {"tif", "image/tiff"},
    {"tiff", "image/tiff"},
    {"tsv", "text/tab-separated-values"},
    {"txt", "text/plain"},
    {"wav", "audio/wav"},
    {"webm", "video/webm"},
    {"webp", "image/webp"},
    {"xls", "application/vnd.ms-excel"},
    {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {"xml", "application/xml"},
    {"yaml", "application/yaml"},
    {"yml", "application/yaml"},
    {"zip", "application/zip"},
};

const char *lf_multipart_type(const char *filename, size_t n)
{
    size_t dot = n;
    while (dot && filename[dot - 1] != '.' && filename[dot - 1] != '/')
        dot--;
    bool ends = dot && filename[dot - 1] == '.';
    for (size_t i = 0; ends && i < sizeof types / sizeof *types; i++)
        if (strlen(types[i].ending) == n - dot &&
            strncasecmp(types[i].ending, filename + dot, n - dot) == 0)
            return types[i].type;
    return "application/octet-stream";
}

void lf_multipart_boundary(char out[static LF_BOUNDARY_SIZE],
                           const uint8_t random[static LF_BOUNDARY_RANDOM])
{
    size_t n = (size_t)snprintf(out, LF_BOUNDARY_SIZE, "----luafetch");
    for (size_t i = 0; i < LF_BOUNDARY_RANDOM; i++)
        n += (size_t)snprintf(out + n, LF_BOUNDARY_SIZE - n, "%02x", random[i]);
}

/* ---- names ---- */

static const char *escape_of(char c)
{
    switch (c) {
    case '"':
        return "%22";
    case '\r':
        return "%0D";
    case '\n':
        return "%0A";
    default:
        return NULL;
    }
}

static enum lf_err add_escaped(struct lf_buf *out, const char *s, size_t n)
{
    enum lf_err err = LF_OK;
    for (size_t i = 0; !err && i < n; i++) {
        const char *escape = escape_of(s[i]);
        err = escape ? lf_buf_adds(out, escape) : lf_buf_addc(out, s[i]);
    }
    return err;
}

/* The name of a field, not that of a file, has its line breaks made CRLF first. */
static enum lf_err add_name(struct lf_buf *out, const char *s, size_t n)
{
    enum lf_err err = LF_OK;
    for (size_t i = 0; !err && i < n; i++) {
        if (s[i] != '\r' && s[i] != '\n') {
            err = add_escaped(out, s + i, 1);
            continue;
        }
        err = lf_buf_adds(out, "%0D%0A");
        if (s[i] == '\r' && i + 1 < n && s[i + 1] == '\n')
            i++;
    }
    return err;
}

/* ---- around the contents ---- */

static enum lf_err add_type(struct lf_buf *out, const struct lf_multipart_part *part)
{
    if (!part->type)
        return LF_OK;
    if (!lf_value_valid(part->type, part->type_len))
        return LF_EREQUEST;
    enum lf_err err = lf_buf_adds(out, "\r\nContent-Type: ");
    return err ? err : lf_buf_add(out, part->type, part->type_len);
}

enum lf_err lf_multipart_head(struct lf_buf *out, const char *boundary, bool first,
                              const struct lf_multipart_part *part)
{
    enum lf_err err =
        lf_buf_addf(out, "%s--%s\r\nContent-Disposition: form-data; name=\"",
                    first ? "" : "\r\n", boundary);
    if (!err)
        err = add_name(out, part->name, part->name_len);
    if (!err && part->filename)
        err = lf_buf_adds(out, "\"; filename=\"");
    if (!err && part->filename)
        err = add_escaped(out, part->filename, part->filename_len);
    if (!err)
        err = lf_buf_addc(out, '"');
    if (!err)
        err = add_type(out, part);
    return err ? err : lf_buf_adds(out, "\r\n\r\n");
}

enum lf_err lf_multipart_tail(struct lf_buf *out, const char *boundary, bool first)
{
    return lf_buf_addf(out, "%s--%s--\r\n", first ? "" : "\r\n", boundary);
}
