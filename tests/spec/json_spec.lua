-- lf.json: what is read, what is refused and how the refusal reads, what is written.
local json = require "luafetch.json"

local function refused(text, sentence)
  local value, err = json.decode(text)
  assert.is_nil(value)
  assert.equal("parse", err.kind)
  assert.equal(sentence, err.message)
end

local function raises(sentence, value, options)
  local ok, message = pcall(json.encode, value, options)
  assert.is_false(ok)
  assert.equal(sentence, (message:gsub("^%S+:%d+: ", "")))
end

local function nested(depth)
  return ("["):rep(depth) .. ("]"):rep(depth)
end

describe("json.decode", function()
  it("reads every kind of value", function()
    local v = json.decode ' {"a":[1,-2.5,"x",true,false,null],"b":{"c":{}},"":0}\r\n\t'
    assert.same({1, -2.5, "x", true, false, json.null}, v.a)
    assert.same({}, v.b.c)
    assert.equal(0, v[""])
    assert.equal("alone", json.decode '"alone"')
    assert.is_false(json.decode "false")
    assert.equal(json.null, json.decode "null")
  end)

  it("keeps integers of 64 bits and makes floats of the rest", function()
    local cases = {
      {"0", 0}, {"-0", 0}, {"9007199254740993", 9007199254740993},
      {"9223372036854775807", math.maxinteger}, {"-9223372036854775808", math.mininteger},
      {"9223372036854775808", 9223372036854775808.0}, {"-9223372036854775809", -9223372036854775809.0},
      {"123456789012345678901234567890", 123456789012345678901234567890.0},
      {"1.0", 1.0}, {"1e3", 1000.0}, {"1E+2", 100.0}, {"-0.0", -0.0}, {"1e400", math.huge},
    }
    for _, case in ipairs(cases) do
      local v = json.decode(case[1])
      assert.equal(case[2], v, case[1])
      assert.equal(math.type(case[2]), math.type(v), case[1])
    end
    assert.equal(-math.huge, 1 / json.decode "-0.0")
  end)

  it("reads floats as Lua does", function()
    local seed = 1
    for _ = 1, 3000 do
      seed = (seed * 6364136223846793005 + 1442695040888963407)
      local text = ("%d.%0" .. 1 + (seed >> 60) .. "d"):format(seed >> 50, seed >> 30 & 0xffff)
      assert.equal(tonumber(text), json.decode(text), text)
      text = text .. "e" .. (seed >> 40 & 63) - 32
      assert.equal(tonumber(text), json.decode("[" .. text .. "]")[1], text)
    end
  end)

  it("decodes escapes, pairs and NUL", function()
    assert.equal('"\\/\b\f\n\r\t', json.decode [["\"\\\/\b\f\n\r\t"]])
    assert.equal("é€😀\0.", json.decode [["\u00e9\u20AC\ud83d\uDE00\u0000."]])
  end)

  it("makes U+FFFD of half a surrogate pair and loses nothing around it", function()
    assert.equal("a\u{fffd}bc", json.decode [["a\ud800bc"]])
    assert.equal("\u{fffd}", json.decode [["\udc00"]])
    assert.equal("\u{fffd}A", json.decode [["\ud800\u0041"]])
    assert.equal("\u{fffd}😀\u{fffd}", json.decode [["\ud83d\ud83d\ude00\ude00"]])
    assert.equal("\\ud800", json.decode [["\\ud800"]])
    assert.equal("\\\u{fffd}", json.decode [["\\\ud800"]])
  end)

  it("accepts a byte order mark", function()
    assert.equal(1, json.decode "\u{feff}1")
  end)

  it("lets the last of equal keys win", function()
    assert.same({a = 3, b = 2}, json.decode '{"a":1,"b":2,"a":3}')
  end)

  it("marks arrays", function()
    assert.equal("[[],{},[1]]", json.encode(json.decode "[[],{},[1]]"))
  end)

  it("names line and column", function()
    refused('{\n  "a": 1,\n  "é": x}', "invalid JSON at line 3 column 8: unexpected character")
    refused("", "invalid JSON: the text is empty")
    refused("\u{feff}", "invalid JSON: the text is empty")
    refused(" \n ", "invalid JSON at line 2 column 1: the text ends too early")
    refused("<html>", "invalid JSON at line 1 column 1: unexpected character")
    refused("[1 2]", "invalid JSON at line 1 column 4: ',' or ']' is missing")
    refused("[1,]", "invalid JSON at line 1 column 4: a value is missing here")
    refused('{"a" 1}', "invalid JSON at line 1 column 6: ':' is missing")
    refused('{"a":1,}', "invalid JSON at line 1 column 8: a key is missing, which must be a string")
    refused("[1] x", "invalid JSON at line 1 column 5: more text after the value")
    refused('["é" "é"]', "invalid JSON at line 1 column 6: ',' or ']' is missing")
    refused("1 2", "invalid JSON at line 1 column 3: more text after the value")
    refused("[nul]", "invalid JSON at line 1 column 2: unexpected word")
    refused('["a', "invalid JSON at line 1 column 3: the text ends too early")
    refused("/* one */ 1", "invalid JSON at line 1 column 1: comments are not JSON")
  end)

  it("refuses control characters and what is not UTF-8", function()
    refused("[\f1]", "invalid JSON at line 1 column 2: control character")
    refused("[\v1]", "invalid JSON at line 1 column 2: control character")
    refused("1\f", "invalid JSON at line 1 column 2: control character")
    refused('"\0"', "invalid JSON at line 1 column 2: control character")
    for _, bytes in ipairs {"\xff", "\x80", "\xc3", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                            "\xf5\x80\x80\x80", "\xe2\x82"} do
      refused('["' .. bytes .. '"]', "invalid JSON at line 1 column 3: the text is not UTF-8")
    end
  end)

  it("takes 512 levels and says so beyond", function()
    assert.is_table(json.decode(nested(512)))
    refused(nested(513), "invalid JSON at line 1 column 513: nested deeper than 512 levels")
    refused(("["):rep(1000000), "invalid JSON at line 1 column 513: nested deeper than 512 levels")
    refused(('{"a":'):rep(1000000), "invalid JSON at line 1 column 2561: nested deeper than 512 levels")
  end)

  it("refuses every beginning of a text", function()
    local text = [[{"a":[1.5e3,"b\u00e9\n",true,null,{"c":-1}],"d":"é"}]]
    for n = 1, #text - 1 do
      local value, err = json.decode(text:sub(1, n))
      assert.is_nil(value, n)
      assert.equal("parse", err.kind)
    end
    assert.is_table(json.decode(text))
  end)

  it("raises for what is not a string", function()
    assert.has_error(function() json.decode {} end)
    assert.has_error(function() json.decode() end)
  end)

  it("leaves no memory behind, whether it succeeds or fails", function()
    local texts = {'{"a":[1,2,{"b":"c\\n"}]}', '{"a":[1,2,{"b":"c\\n"', "[1,2,,]", [["\ud800"]]}
    local function rounds(n)
      for _ = 1, n do
        for _, text in ipairs(texts) do json.decode(text) end
      end
      collectgarbage() collectgarbage()
      return collectgarbage "count"
    end
    local before = rounds(100)
    assert.is_true(rounds(2000) - before < 4)
  end)
end)

describe("json.encode", function()
  it("writes every kind of value", function()
    assert.equal("null", json.encode(json.null))
    assert.equal("null", json.encode(nil))
    assert.equal("true", json.encode(true))
    assert.equal('"x"', json.encode "x")
    assert.equal('[1,"a",false,null,[2]]', json.encode {1, "a", false, json.null, {2}})
    assert.equal('{"a":{"b":[]}}', json.encode {a = {b = json.array()}})
    assert.equal("{}", json.encode {})
  end)

  it("writes numbers so that they read back the same", function()
    local cases = {
      {0, "0"}, {-1, "-1"}, {math.maxinteger, "9223372036854775807"}, {math.mininteger, "-9223372036854775808"},
      {1.0, "1.0"}, {-0.0, "-0.0"}, {0.0, "0.0"}, {0.1, "0.1"}, {1 / 3, "0.3333333333333333"}, {-2.5, "-2.5"},
      {1e15, "1e+15"}, {2^53, "9007199254740992.0"}, {1e300, "1e+300"}, {5e-324, "4.94065645841247e-324"},
      {0.1 + 0.2, "0.30000000000000004"}, {-12.25, "-12.25"}, {0.3, "0.3"}, {9.2, "9.2"}, {1e-7, "0.0000001"},
      {1e-16, "1e-16"}, {99999999999999.9, "99999999999999.9"}, {0.000123456789012345, "0.000123456789012345"},
      {123456789012345.0, "123456789012345.0"},
    }
    for _, case in ipairs(cases) do
      local text = json.encode(case[1])
      assert.equal(case[2], text)
      local back = json.decode(text)
      assert.equal(case[1], back)
      assert.equal(math.type(case[1]), math.type(back))
    end
  end)

  it("writes floats with no more digits than needed", function()
    local seed = 1
    for _ = 1, 3000 do
      seed = (seed * 6364136223846793005 + 1442695040888963407)
      local value = string.unpack("d", string.pack("j", seed))
      if value == value and value - value == 0 then
        assert.equal(value, json.decode(json.encode(value)))
      end
      local text = ("%d.%d"):format((seed >> 24) % 10 ^ (1 + (seed >> 60) % 7) // 1 | 0, (seed >> 44) * 10 + 1)
      assert.equal(text, json.encode(tonumber(text)))
    end
  end)

  it("escapes what must be and nothing else", function()
    assert.equal([["\"\\/\b\f\n\r\t\u0000\u001f]] .. '\x7f€😀"', json.encode '"\\/\b\f\n\r\t\0\x1f\x7f€😀')
    for length = 0, 40 do -- every place in the word-wise scan
      for at = 1, length do
        local text = ("x"):rep(at - 1) .. '"' .. ("é"):rep(length - at)
        assert.equal(text, json.decode(json.encode(text)))
      end
    end
  end)

  it("tells arrays from objects", function()
    assert.equal("[1,2,3]", json.encode {1, 2, 3})
    assert.equal("[1,2]", json.encode {[2] = 2, [1] = 1})
    assert.equal('{"2":"x"}', json.encode {[2] = "x"})
    assert.equal('{"1":"a","n":1}', json.encode({"a", n = 1}, {sort_keys = true}))
    assert.equal('{"1":1,"3":3}', json.encode({1, nil, 3}, {sort_keys = true}))
    assert.equal("[]", json.encode(json.array {}))
  end)

  it("sorts keys: integers, then strings by bytes", function()
    local t = {b = 1, a = 2, aa = 3, [10] = 4, [9] = 5, [-1] = 6, ["é"] = 7, [""] = 8, c = {z = 1, y = 2}}
    assert.equal('{"-1":6,"9":5,"10":4,"":8,"a":2,"aa":3,"b":1,"c":{"y":2,"z":1},"é":7}',
                 json.encode(t, {sort_keys = true}))
    local many, expected = {}, {}
    for i = 1, 5000 do
      many[("k%05d"):format(i)] = i
      expected[i] = ('"k%05d":%d'):format(i, i)
    end
    assert.equal("{" .. table.concat(expected, ",") .. "}", json.encode(many, {sort_keys = true}))
  end)

  it("indents", function()
    assert.equal('{\n  "a": [\n    1,\n    {}\n  ],\n  "b": []\n}',
                 json.encode({a = {1, {}}, b = json.array()}, {indent = 2, sort_keys = true}))
  end)

  it("names the path of what it cannot encode", function()
    raises("cannot encode a function", print)
    raises("cannot encode a function at .items[3].fn", {items = {1, 2, {fn = print}}})
    raises("cannot encode nan at [1]", {0 / 0 ~= 0 and 0 / 0})
    raises("cannot encode inf at .x", {x = math.huge})
    raises("cannot encode -inf at .x", {x = -math.huge}, {sort_keys = true})
    raises('cannot encode a thread at ["odd key"][7]', {["odd key"] = {[7] = coroutine.create(print)}})
    raises("cannot encode a string that is not UTF-8 (byte 3) at .a", {a = "ab\xff"})
    raises('cannot encode a string that is not UTF-8 (byte 1) at ["\xff"]', {["\xff"] = 1})
    raises("cannot encode a key that is a boolean at .a[boolean]", {a = {[true] = 1}})
    raises("cannot encode a key that is a number at [number]", {[1.5] = 1})
    raises("cannot encode a key that is a number at [number]", {[1.5] = 1}, {sort_keys = true})
    raises("cannot encode an array with holes or other keys at .a", {a = json.array {1, n = 1}})
    raises("cannot encode a userdata", io.stdout)
  end)

  it("sees cycles and depth", function()
    local t = {}
    t.t = t
    local ok, message = pcall(json.encode, t)
    assert.is_false(ok)
    assert.truthy(message:find("a table that contains itself at .t.t.t", 1, true))
    assert.truthy(#message < 400)
    assert.equal(nested(512), json.encode(json.decode(nested(512))))
    ok, message = pcall(json.encode, {json.decode(nested(512))})
    assert.is_false(ok)
    assert.truthy(message:find("more than 512 levels at [1][1][1]", 1, true))
  end)

  it("writes a table twice that is met twice", function()
    local shared = {1}
    assert.equal("[[1],[1]]", json.encode {shared, shared})
  end)

  it("ignores metamethods", function()
    local t = setmetatable({kind = "dns"}, {__index = {error = 1}, __pairs = error, __len = error, __tostring = error})
    assert.equal('{"kind":"dns"}', json.encode(t))
  end)

  it("raises for unknown options, naming them", function()
    raises("unknown option 'sorted' of json.encode (there are indent and sort_keys)", 1, {sorted = true})
    raises("option 'indent' must be a number of spaces from 0 to 16", 1, {indent = true})
    raises("option 'sort_keys' must be true or false, not a number", 1, {sort_keys = 1})
  end)
end)

describe("json.null and json.array", function()
  it("has a name for null, and only for null", function()
    assert.equal("null", tostring(json.null))
    assert.is_truthy(json.null)
    assert.equal(json.null, json.decode "[null]"[1])
  end)

  it("marks a table in place and leaves others' tables alone", function()
    local t = {}
    assert.equal(t, json.array(t))
    assert.equal(t, json.array(t))
    assert.has_error(function() json.array(setmetatable({}, {})) end)
    assert.has_error(function() json.array "x" end)
  end)
end)
