/* The labels of the web's character sets (WHATWG Encoding §4.2), sorted for the search.
 */
#include "http/charset.h"

#include <stdlib.h>
#include <string.h>

/* clang-format off */
#define CHARSETS(X) \
    X(CS_UTF_8, "UTF-8", NULL) \
    X(CS_IBM866, "IBM866", "IBM866") \
    X(CS_ISO_8859_2, "ISO-8859-2", "ISO-8859-2") \
    X(CS_ISO_8859_3, "ISO-8859-3", "ISO-8859-3") \
    X(CS_ISO_8859_4, "ISO-8859-4", "ISO-8859-4") \
    X(CS_ISO_8859_5, "ISO-8859-5", "ISO-8859-5") \
    X(CS_ISO_8859_6, "ISO-8859-6", "ISO-8859-6") \
    X(CS_ISO_8859_7, "ISO-8859-7", "ISO-8859-7") \
    X(CS_ISO_8859_8, "ISO-8859-8", "ISO-8859-8") \
    X(CS_ISO_8859_8_I, "ISO-8859-8-I", "ISO-8859-8") \
    X(CS_ISO_8859_10, "ISO-8859-10", "ISO-8859-10") \
    X(CS_ISO_8859_13, "ISO-8859-13", "ISO-8859-13") \
    X(CS_ISO_8859_14, "ISO-8859-14", "ISO-8859-14") \
    X(CS_ISO_8859_15, "ISO-8859-15", "ISO-8859-15") \
    X(CS_ISO_8859_16, "ISO-8859-16", "ISO-8859-16") \
    X(CS_KOI8_R, "KOI8-R", "KOI8-R") \
    X(CS_KOI8_U, "KOI8-U", "KOI8-U") \
    X(CS_MACINTOSH, "macintosh", "MACINTOSH") \
    X(CS_WINDOWS_874, "windows-874", "CP874") \
    X(CS_WINDOWS_1250, "windows-1250", "CP1250") \
    X(CS_WINDOWS_1251, "windows-1251", "CP1251") \
    X(CS_WINDOWS_1252, "windows-1252", NULL) \
    X(CS_WINDOWS_1253, "windows-1253", "CP1253") \
    X(CS_WINDOWS_1254, "windows-1254", "CP1254") \
    X(CS_WINDOWS_1255, "windows-1255", "CP1255") \
    X(CS_WINDOWS_1256, "windows-1256", "CP1256") \
    X(CS_WINDOWS_1257, "windows-1257", "CP1257") \
    X(CS_WINDOWS_1258, "windows-1258", "CP1258") \
    X(CS_X_MAC_CYRILLIC, "x-mac-cyrillic", "MAC-CYRILLIC") \
    X(CS_GBK, "GBK", "GB18030") \
    X(CS_GB18030, "gb18030", "GB18030") \
    X(CS_BIG5, "Big5", "BIG5-HKSCS") \
    X(CS_EUC_JP, "EUC-JP", "EUC-JP-MS") \
    X(CS_ISO_2022_JP, "ISO-2022-JP", "ISO-2022-JP") \
    X(CS_SHIFT_JIS, "Shift_JIS", "CP932") \
    X(CS_EUC_KR, "EUC-KR", "CP949") \
    X(CS_UTF_16BE, "UTF-16BE", "UTF-16BE") \
    X(CS_UTF_16LE, "UTF-16LE", "UTF-16LE")

#define CS_ENUM(id, name, conv) id,
enum { CHARSETS(CS_ENUM) };
#undef CS_ENUM

static const struct label {
    const char *name;
    unsigned char charset;
} labels[] = {
    {"866", CS_IBM866}, {"ansi_x3.4-1968", CS_WINDOWS_1252}, {"arabic", CS_ISO_8859_6},
    {"ascii", CS_WINDOWS_1252}, {"asmo-708", CS_ISO_8859_6}, {"big5", CS_BIG5},
    {"big5-hkscs", CS_BIG5}, {"chinese", CS_GBK}, {"cn-big5", CS_BIG5},
    {"cp1250", CS_WINDOWS_1250}, {"cp1251", CS_WINDOWS_1251}, {"cp1252", CS_WINDOWS_1252},
    {"cp1253", CS_WINDOWS_1253}, {"cp1254", CS_WINDOWS_1254}, {"cp1255", CS_WINDOWS_1255},
    {"cp1256", CS_WINDOWS_1256}, {"cp1257", CS_WINDOWS_1257}, {"cp1258", CS_WINDOWS_1258},
    {"cp819", CS_WINDOWS_1252}, {"cp866", CS_IBM866}, {"csbig5", CS_BIG5},
    {"cseuckr", CS_EUC_KR}, {"cseucpkdfmtjapanese", CS_EUC_JP}, {"csgb2312", CS_GBK},
    {"csibm866", CS_IBM866}, {"csiso2022jp", CS_ISO_2022_JP}, {"csiso58gb231280", CS_GBK},
    {"csiso88596e", CS_ISO_8859_6}, {"csiso88596i", CS_ISO_8859_6},
    {"csiso88598e", CS_ISO_8859_8}, {"csiso88598i", CS_ISO_8859_8_I},
    {"csisolatin1", CS_WINDOWS_1252}, {"csisolatin2", CS_ISO_8859_2},
    {"csisolatin3", CS_ISO_8859_3}, {"csisolatin4", CS_ISO_8859_4},
    {"csisolatin5", CS_WINDOWS_1254}, {"csisolatin6", CS_ISO_8859_10},
    {"csisolatin9", CS_ISO_8859_15}, {"csisolatinarabic", CS_ISO_8859_6},
    {"csisolatincyrillic", CS_ISO_8859_5}, {"csisolatingreek", CS_ISO_8859_7},
    {"csisolatinhebrew", CS_ISO_8859_8}, {"cskoi8r", CS_KOI8_R},
    {"csksc56011987", CS_EUC_KR}, {"csmacintosh", CS_MACINTOSH},
    {"csshiftjis", CS_SHIFT_JIS}, {"csunicode", CS_UTF_16LE}, {"cyrillic", CS_ISO_8859_5},
    {"dos-874", CS_WINDOWS_874}, {"ecma-114", CS_ISO_8859_6}, {"ecma-118", CS_ISO_8859_7},
    {"elot_928", CS_ISO_8859_7}, {"euc-jp", CS_EUC_JP}, {"euc-kr", CS_EUC_KR},
    {"gb18030", CS_GB18030}, {"gb2312", CS_GBK}, {"gb_2312", CS_GBK},
    {"gb_2312-80", CS_GBK}, {"gbk", CS_GBK}, {"greek", CS_ISO_8859_7},
    {"greek8", CS_ISO_8859_7}, {"hebrew", CS_ISO_8859_8}, {"ibm819", CS_WINDOWS_1252},
    {"ibm866", CS_IBM866}, {"iso-10646-ucs-2", CS_UTF_16LE},
    {"iso-2022-jp", CS_ISO_2022_JP}, {"iso-8859-1", CS_WINDOWS_1252},
    {"iso-8859-10", CS_ISO_8859_10}, {"iso-8859-11", CS_WINDOWS_874},
    {"iso-8859-13", CS_ISO_8859_13}, {"iso-8859-14", CS_ISO_8859_14},
    {"iso-8859-15", CS_ISO_8859_15}, {"iso-8859-16", CS_ISO_8859_16},
    {"iso-8859-2", CS_ISO_8859_2}, {"iso-8859-3", CS_ISO_8859_3},
    {"iso-8859-4", CS_ISO_8859_4}, {"iso-8859-5", CS_ISO_8859_5},
    {"iso-8859-6", CS_ISO_8859_6}, {"iso-8859-6-e", CS_ISO_8859_6},
    {"iso-8859-6-i", CS_ISO_8859_6}, {"iso-8859-7", CS_ISO_8859_7},
    {"iso-8859-8", CS_ISO_8859_8}, {"iso-8859-8-e", CS_ISO_8859_8},
    {"iso-8859-8-i", CS_ISO_8859_8_I}, {"iso-8859-9", CS_WINDOWS_1254},
    {"iso-ir-100", CS_WINDOWS_1252}, {"iso-ir-101", CS_ISO_8859_2},
    {"iso-ir-109", CS_ISO_8859_3}, {"iso-ir-110", CS_ISO_8859_4},
    {"iso-ir-126", CS_ISO_8859_7}, {"iso-ir-127", CS_ISO_8859_6},
    {"iso-ir-138", CS_ISO_8859_8}, {"iso-ir-144", CS_ISO_8859_5},
    {"iso-ir-148", CS_WINDOWS_1254}, {"iso-ir-149", CS_EUC_KR},
    {"iso-ir-157", CS_ISO_8859_10}, {"iso-ir-58", CS_GBK}, {"iso8859-1", CS_WINDOWS_1252},
    {"iso8859-10", CS_ISO_8859_10}, {"iso8859-11", CS_WINDOWS_874},
    {"iso8859-13", CS_ISO_8859_13}, {"iso8859-14", CS_ISO_8859_14},
    {"iso8859-15", CS_ISO_8859_15}, {"iso8859-2", CS_ISO_8859_2},
    {"iso8859-3", CS_ISO_8859_3}, {"iso8859-4", CS_ISO_8859_4},
    {"iso8859-5", CS_ISO_8859_5}, {"iso8859-6", CS_ISO_8859_6},
    {"iso8859-7", CS_ISO_8859_7}, {"iso8859-8", CS_ISO_8859_8},
    {"iso8859-9", CS_WINDOWS_1254}, {"iso88591", CS_WINDOWS_1252},
    {"iso885910", CS_ISO_8859_10}, {"iso885911", CS_WINDOWS_874},
    {"iso885913", CS_ISO_8859_13}, {"iso885914", CS_ISO_8859_14},
    {"iso885915", CS_ISO_8859_15}, {"iso88592", CS_ISO_8859_2},
    {"iso88593", CS_ISO_8859_3}, {"iso88594", CS_ISO_8859_4}, {"iso88595", CS_ISO_8859_5},
    {"iso88596", CS_ISO_8859_6}, {"iso88597", CS_ISO_8859_7}, {"iso88598", CS_ISO_8859_8},
    {"iso88599", CS_WINDOWS_1254}, {"iso_8859-1", CS_WINDOWS_1252},
    {"iso_8859-15", CS_ISO_8859_15}, {"iso_8859-1:1987", CS_WINDOWS_1252},
    {"iso_8859-2", CS_ISO_8859_2}, {"iso_8859-2:1987", CS_ISO_8859_2},
    {"iso_8859-3", CS_ISO_8859_3}, {"iso_8859-3:1988", CS_ISO_8859_3},
    {"iso_8859-4", CS_ISO_8859_4}, {"iso_8859-4:1988", CS_ISO_8859_4},
    {"iso_8859-5", CS_ISO_8859_5}, {"iso_8859-5:1988", CS_ISO_8859_5},
    {"iso_8859-6", CS_ISO_8859_6}, {"iso_8859-6:1987", CS_ISO_8859_6},
    {"iso_8859-7", CS_ISO_8859_7}, {"iso_8859-7:1987", CS_ISO_8859_7},
    {"iso_8859-8", CS_ISO_8859_8}, {"iso_8859-8:1988", CS_ISO_8859_8},
    {"iso_8859-9", CS_WINDOWS_1254}, {"iso_8859-9:1989", CS_WINDOWS_1254},
    {"koi", CS_KOI8_R}, {"koi8", CS_KOI8_R}, {"koi8-r", CS_KOI8_R},
    {"koi8-ru", CS_KOI8_U}, {"koi8-u", CS_KOI8_U}, {"koi8_r", CS_KOI8_R},
    {"korean", CS_EUC_KR}, {"ks_c_5601-1987", CS_EUC_KR}, {"ks_c_5601-1989", CS_EUC_KR},
    {"ksc5601", CS_EUC_KR}, {"ksc_5601", CS_EUC_KR}, {"l1", CS_WINDOWS_1252},
    {"l2", CS_ISO_8859_2}, {"l3", CS_ISO_8859_3}, {"l4", CS_ISO_8859_4},
    {"l5", CS_WINDOWS_1254}, {"l6", CS_ISO_8859_10}, {"l9", CS_ISO_8859_15},
    {"latin1", CS_WINDOWS_1252}, {"latin2", CS_ISO_8859_2}, {"latin3", CS_ISO_8859_3},
    {"latin4", CS_ISO_8859_4}, {"latin5", CS_WINDOWS_1254}, {"latin6", CS_ISO_8859_10},
    {"logical", CS_ISO_8859_8_I}, {"mac", CS_MACINTOSH}, {"macintosh", CS_MACINTOSH},
    {"ms932", CS_SHIFT_JIS}, {"ms_kanji", CS_SHIFT_JIS}, {"shift-jis", CS_SHIFT_JIS},
    {"shift_jis", CS_SHIFT_JIS}, {"sjis", CS_SHIFT_JIS}, {"sun_eu_greek", CS_ISO_8859_7},
    {"tis-620", CS_WINDOWS_874}, {"ucs-2", CS_UTF_16LE}, {"unicode", CS_UTF_16LE},
    {"unicode-1-1-utf-8", CS_UTF_8}, {"unicode11utf8", CS_UTF_8},
    {"unicode20utf8", CS_UTF_8}, {"unicodefeff", CS_UTF_16LE},
    {"unicodefffe", CS_UTF_16BE}, {"us-ascii", CS_WINDOWS_1252}, {"utf-16", CS_UTF_16LE},
    {"utf-16be", CS_UTF_16BE}, {"utf-16le", CS_UTF_16LE}, {"utf-8", CS_UTF_8},
    {"utf8", CS_UTF_8}, {"visual", CS_ISO_8859_8}, {"windows-1250", CS_WINDOWS_1250},
    {"windows-1251", CS_WINDOWS_1251}, {"windows-1252", CS_WINDOWS_1252},
    {"windows-1253", CS_WINDOWS_1253}, {"windows-1254", CS_WINDOWS_1254},
    {"windows-1255", CS_WINDOWS_1255}, {"windows-1256", CS_WINDOWS_1256},
    {"windows-1257", CS_WINDOWS_1257}, {"windows-1258", CS_WINDOWS_1258},
    {"windows-31j", CS_SHIFT_JIS}, {"windows-874", CS_WINDOWS_874},
    {"windows-949", CS_EUC_KR}, {"x-cp1250", CS_WINDOWS_1250},
    {"x-cp1251", CS_WINDOWS_1251}, {"x-cp1252", CS_WINDOWS_1252},
    {"x-cp1253", CS_WINDOWS_1253}, {"x-cp1254", CS_WINDOWS_1254},
    {"x-cp1255", CS_WINDOWS_1255}, {"x-cp1256", CS_WINDOWS_1256},
    {"x-cp1257", CS_WINDOWS_1257}, {"x-cp1258", CS_WINDOWS_1258}, {"x-euc-jp", CS_EUC_JP},
    {"x-gbk", CS_GBK}, {"x-mac-cyrillic", CS_X_MAC_CYRILLIC},
    {"x-mac-roman", CS_MACINTOSH}, {"x-mac-ukrainian", CS_X_MAC_CYRILLIC},
    {"x-sjis", CS_SHIFT_JIS}, {"x-unicode20utf8", CS_UTF_8}, {"x-x-big5", CS_BIG5},
};
/* clang-format on */

#define CS_ROW(id, name, conv) [id] = {name, conv},
static const struct lf_charset charsets[] = {CHARSETS(CS_ROW)};
#undef CS_ROW

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r' && c != '\v');
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static int compare_label(const void *key, const void *row)
{
    return strcmp(key, ((const struct label *)row)->name);
}

const struct lf_charset *lf_charset_utf8(void)
{
    return &charsets[CS_UTF_8];
}

const struct lf_charset *lf_charset_windows_1252(void)
{
    return &charsets[CS_WINDOWS_1252];
}

const struct lf_charset *lf_charset_find(const char *label, size_t n)
{
    char key[32];
    while (n && is_space(*label))
        label++, n--;
    while (n && is_space(label[n - 1]))
        n--;
    if (n >= sizeof key || memchr(label, 0, n))
        return NULL;
    for (size_t i = 0; i < n; i++)
        key[i] = lower(label[i]);
    key[n] = '\0';
    const struct label *found = bsearch(key, labels, sizeof labels / sizeof *labels,
                                        sizeof *labels, compare_label);
    return found ? &charsets[found->charset] : NULL;
}
