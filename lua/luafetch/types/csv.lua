---@meta
-- lf.csv: CSV as RFC 4180 has it, and as others write it.
-- luacheck: ignore 212

---`require "luafetch.csv"`, or `lf.csv`. All fields are strings; bytes are passed on as they
---are (`lf.text.to_utf8` for other character sets).
---@class luafetch.csv
local csv = {}

---@class luafetch.csv.ReadOptions
---@field delimiter? string One byte. Default ",".
---@field header? boolean|string[] true: the first line has the names of the columns; a list: these are they. Records are then tables by name, and a column without a name has its number. Default false: lists.
---@field strict? boolean Refuse quotes where RFC 4180 allows none, and records with too few fields. Default false: such a quote stands for itself. A quote that is never closed and a field without a column are errors always.
---@field max_record? integer Bytes of one record. Default 16 MiB; more is a `too_large` Error. 100,000 fields at most.

---Read a whole text. Records end at LF, CRLF or CR outside of quotes; empty lines are passed over,
---and so is a byte order mark.
---@param text string
---@param opts? luafetch.csv.ReadOptions
---@return table[]? rows nil on failure
---@return string[]|luafetch.Error|nil columns With `header` the names; on failure the Error, kind `parse` or `too_large`: "line 7: …".
---@nodiscard
function csv.parse(text, opts) end

---The records one by one, with the line where each begins, in memory that does not grow with the
---text. The iterator raises the Error where the text breaks, as `io.lines` does.
---@param source string|luafetch.Response|file*|fun(): string? A Response may be a stream; a function gives the next bytes, or nil.
---@param opts? luafetch.csv.ReadOptions
---@return fun(): table?, integer next
function csv.rows(source, opts) end

---@class luafetch.csv.WriteOptions
---@field delimiter? string One byte. Default ",".
---@field columns? string[] The fields to write of records by name, in this order; others are left out. Default: all fields, in the byte order of their names.
---@field header? boolean Write the names of the columns first. Default true, when there are any.
---@field guard? boolean Put an apostrophe before strings that a spreadsheet would take for a formula: those that begin with `=`, `+`, `-`, `@`, a tab or CR and are no numbers. They do not read back the same then. Default false.
---@field quote_all? boolean Quotes around every field, not only where they are needed. Default false.
---@field eol? "\r\n"|"\n" Default "\r\n".
---@field bom? boolean A byte order mark first, for spreadsheets. Default false.

---Write rows: lists, or records by name. Strings are written as they are, nil and `json.null` as
---nothing, everything else as `lf.json.encode` says it. Raises for what JSON cannot say.
---@param rows table[]
---@param opts? luafetch.csv.WriteOptions
---@return string text
---@nodiscard
function csv.encode(rows, opts) end

---The same row by row. Without `columns` they are the fields of the first record; a later one
---with a field that is none of them raises.
---@param out file*|fun(text: string)
---@param opts? luafetch.csv.WriteOptions
---@return luafetch.csv.Writer
---@nodiscard
function csv.writer(out, opts) end

---@class luafetch.csv.Writer
local Writer = {}

---Write a row. Raises an `io` Error when the file cannot be written.
---@param row table
---@return luafetch.csv.Writer self
function Writer:write(row) end

return csv
