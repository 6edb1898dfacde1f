---@meta
-- lf.json: JSON as RFC 8259 has it, both ways.
-- luacheck: ignore 212

---What a JSON null is in Lua. It is true as a condition, so compare: `v == json.null`.
---`tostring` gives "null".
---@class luafetch.json
---@field null lightuserdata
local json = {}

---@class luafetch.json.style
---@field indent? integer Spaces per level, 0 to 16. Default 0: all in one line.
---@field sort_keys? boolean Integers first, then strings by their bytes. Default false: any order.

---Read one JSON text.
---
---Objects become tables, arrays become tables with the mark of `json.array`, null becomes
---`json.null`. Integers of 64 bits stay integers; larger ones, and all with a fraction or an
---exponent, become floats (`1.0` and `1e3` too; beyond the range of a float, `math.huge`).
---Of equal keys the last wins. A byte order mark is skipped. An escaped half of a surrogate
---pair becomes U+FFFD. Everything else that RFC 8259 does not allow is refused, as are bytes
---that are not UTF-8 and more than 512 levels.
---@param text string
---@return any value nil only on failure
---@return luafetch.Error? err kind `parse`: "invalid JSON at line 3 column 7: …"; columns count characters
---@nodiscard
function json.decode(text) end

---Write a value as JSON text.
---
---A table with the keys 1 … n and no other, or with the mark of `json.array`, is an array;
---any other, an empty one too, is an object, whose integer keys become strings. Tables are
---read raw, without metamethods. Integers are written without a fraction, floats with one
---(`1.0`) or an exponent, in the fewest digits that read back as the same float.
---
---Raises, naming the place (`cannot encode a function at .items[3].fn`), for functions,
---threads, userdata, nan, infinities, strings that are not UTF-8, keys that are neither
---strings nor integers, marked arrays with holes or other keys, tables that contain
---themselves and more than 512 levels.
---@param value any nil is null
---@param style? luafetch.json.style
---@return string text
---@nodiscard
function json.encode(value, style) end

---Mark a table as an array, so that it is written as `[]` however empty it is.
---Raises when the table has a metatable of its own.
---@generic T: table
---@param t? T default: a new table
---@return T t the same table
function json.array(t) end

return json
