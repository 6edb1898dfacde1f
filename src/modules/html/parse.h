/* Documents from bytes, for html.parse and xml.parse: large ones in a thread, while the
 * task waits and others go on. */
#ifndef LF_HTML_PARSE_H
#define LF_HTML_PARSE_H

#include <lua.h>
#include <stdbool.h>

/* From this many bytes on, where the task may wait, a document is parsed in a thread: a
 * millisecond or two of work, of which handing it over is a few per cent. */
#define LF_PARSE_LARGE ((size_t)128 << 10)

/* Lua: (bytes, options) → document | nil, err. */
int lf_parse_html(lua_State *L);
int lf_parse_xml(lua_State *L);

#endif
