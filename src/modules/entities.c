/* luafetch.entities: the references of HTML in a text, resolved as the HTML standard has
 * it (§13.2.5.72), with the 253 names that libxml2 knows, those of HTML 4. A name that
 * old pages write without a ';' may be followed by anything. */
#include <ctype.h>
#include <lauxlib.h>
#include <libxml/HTMLparser.h>
#include <lua.h>
#include <stdint.h>
#include <string.h>

int luaopen_luafetch_entities(lua_State *L);

enum { NAME_MAX_LEN = 31, MAX_POINT = 0x10ffff };

static void add_utf8(luaL_Buffer *b, uint32_t c)
{
    char out[4];
    int n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (int i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(lead[n] | c);
    luaL_addlstring(b, out, (size_t)n);
}

/* What the numbers 0x80 to 0x9f are taken to mean, by windows-1252; 0: themselves. */
static const uint16_t c1[32] = {0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020,
                                0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0,
                                0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d,
                                0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a,
                                0x0153, 0,      0x017e, 0x0178};

static uint32_t meant(uint32_t c)
{
    if (c == 0 || c > MAX_POINT || (c >= 0xd800 && c <= 0xdfff))
        return 0xfffd;
    return c >= 0x80 && c <= 0x9f && c1[c - 0x80] ? c1[c - 0x80] : c;
}

static int digit_of(char c, int base)
{
    int letter = c | 0x20;
    if (c >= '0' && c <= '9')
        return c - '0';
    return base == 16 && letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* "#38;" at s: its bytes, or 0. */
static size_t take_number(luaL_Buffer *b, const char *s, const char *end)
{
    const char *p = s + 1;
    int base = p < end && (*p == 'x' || *p == 'X') ? 16 : 10;
    p += base == 16;
    const char *digits = p;
    uint32_t c = 0;
    for (; p < end && digit_of(*p, base) >= 0; p++)
        if (c <= MAX_POINT)
            c = c * (uint32_t)base + (uint32_t)digit_of(*p, base);
    if (p == digits)
        return 0;
    add_utf8(b, meant(c));
    return (size_t)(p - s) + (p < end && *p == ';');
}

static const htmlEntityDesc *look_up(const char *s, size_t n)
{
    xmlChar name[NAME_MAX_LEN + 1];
    memcpy(name, s, n);
    name[n] = '\0';
    return htmlEntityLookup(name);
}

/* "amp;", or the longest beginning that old pages write without the ';': the names of
 * Latin-1 and of what HTML itself is written with. */
static size_t take_name(luaL_Buffer *b, const char *s, const char *end)
{
    size_t n = 0;
    while (s + n < end && n < NAME_MAX_LEN && isalnum((unsigned char)s[n]))
        n++;
    const htmlEntityDesc *d = n && s + n < end && s[n] == ';' ? look_up(s, n) : NULL;
    if (d) {
        add_utf8(b, d->value);
        return n + 1;
    }
    for (; n > 1; n--) {
        d = look_up(s, n);
        if (d && d->value < 0x100 && d->value != '\'') {
            add_utf8(b, d->value);
            return n;
        }
    }
    return 0;
}

static int l_decode(lua_State *L)
{
    size_t n;
    const char *s = luaL_checklstring(L, 1, &n), *end = s + n;
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    while (s < end) {
        const char *amp = memchr(s, '&', (size_t)(end - s));
        luaL_addlstring(&b, s, (size_t)((amp ? amp : end) - s));
        if (!amp)
            break;
        s = amp + 1;
        size_t taken =
            s < end && *s == '#' ? take_number(&b, s, end) : take_name(&b, s, end);
        if (!taken)
            luaL_addchar(&b, '&');
        s += taken;
    }
    luaL_pushresult(&b);
    return 1;
}

int luaopen_luafetch_entities(lua_State *L)
{
    static const luaL_Reg functions[] = {{"decode", l_decode}, {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
