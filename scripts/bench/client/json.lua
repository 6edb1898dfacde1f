-- json.lua FILE BYTES: the document decoded and encoded until so many bytes were read; prints
-- seconds of CPU for each and the bytes that went through.
local json = require "luafetch.json"

local file = assert(io.open(arg[1], "rb"))
local text = file:read "a"
file:close()
local rounds = tonumber(arg[2]) // #text + 1

local function timed(fn, value)
  local result
  local start = os.clock()
  for _ = 1, rounds do result = fn(value) end
  return os.clock() - start, result
end

local decode_s, value = timed(json.decode, text)
local encode_s, out = timed(json.encode, value)
print(json.encode { decode_s = decode_s, encode_s = encode_s, decoded = rounds * #text, encoded = rounds * #out })
