-- lf.text: character sets, entities, words, dates.
local lf = require "luafetch"
local text = lf.text

local function fails(kind, message, value, err)
  assert.is_nil(value)
  assert.equal(kind, err.kind)
  assert.equal(message, err.message)
end

describe("text.to_utf8", function()
  it("reads by the web's labels", function()
    assert.equal("é€", text.to_utf8("\xe9\x80", "latin1"))
    assert.equal("日本", text.to_utf8("\x93\xfa\x96\x7b", "Shift_JIS"))
    assert.equal("привет", text.to_utf8("\xef\xf0\xe8\xe2\xe5\xf2", "windows-1251"))
    assert.equal("a\u{fffd}b", text.to_utf8("a\xffb", "utf-8"))
    fails("decode", "unknown character set 'klingon'", text.to_utf8("a", "klingon"))
  end)

  it("goes by the byte order mark first, and guesses without a label", function()
    assert.equal("aé", text.to_utf8("\xff\xfea\0\xe9\0", "utf-8"))
    assert.equal("é", text.to_utf8("\u{feff}é", "latin1"))
    assert.equal("é", text.to_utf8 "é")
    assert.equal("é", text.to_utf8 "\xe9")
    assert.equal("", text.to_utf8 "")
  end)
end)

describe("text.from_utf8", function()
  it("writes by the web's labels", function()
    assert.equal("\xe9\x80", text.from_utf8("é€", "iso-8859-1"))
    assert.equal("\x93\xfa\x96\x7b", text.from_utf8("日本", "shift_jis"))
    assert.equal("a\0\xac\x20", text.from_utf8("a€", "utf-16le"))
    assert.equal("\27$BF|\27(B", text.from_utf8("日", "iso-2022-jp"))
    local long = ("é"):rep(10000)
    assert.equal(("\xe9"):rep(10000), text.from_utf8(long, "latin1"))
    assert.equal(long, text.from_utf8(long, "utf-8"))
  end)

  it("names what it cannot write, or replaces it", function()
    fails("parse", "latin1 cannot say the character at byte 3", text.from_utf8("é日b", "latin1"))
    fails("parse", "utf-8 cannot say the character at byte 2", text.from_utf8("a\xff", "utf-8"))
    fails("decode", "unknown character set 'klingon'", text.from_utf8("a", "klingon"))
    assert.equal("\xe9?b?", text.from_utf8("é日b\xe2\x82", "latin1", "?"))
    assert.equal("b", text.from_utf8("日b", "latin1", ""))
    assert.is_nil((text.from_utf8("日", "latin1", "日")))
  end)
end)

describe("text entities", function()
  it("are decoded as browsers do", function()
    local cases = {
      ["&lt;&gt;&amp;&quot;&apos;&nbsp;"] = "<>&\"'\u{a0}", ["&eacute;&Eacute;&hellip;&euro;"] = "éÉ…€",
      ["&#8364;&#x20AC;&#X20ac;&#8364 &#x20AC."] = "€€€€ €.", ["&#128;&#x92;"] = "€’",
      ["&#0;&#xD800;&#x110000;&#99999999999999999999;"] = ("\u{fffd}"):rep(4),
      ["&amp;lt;"] = "&lt;", ["&copy 2020&reg"] = "© 2020®", ["&notit;"] = "¬it;",
      ["&nosuch; &euro &apos &; & &# &#x &#;"] = "&nosuch; &euro &apos &; & &# &#x &#;", ["a&b"] = "a&b", [""] = "",
      ["&amp\0"] = "&\0",
    }
    for given, wanted in pairs(cases) do assert.equal(wanted, text.decode_entities(given), given) end
  end)

  it("are encoded where text could be markup", function()
    assert.equal("&lt;a href=&quot;x&#39;&quot;&gt;&amp;amp; é", text.encode_entities "<a href=\"x'\">&amp; é")
    for _, s in ipairs { "", "&", "<&amp;>", "é&#39;'\0" } do
      assert.equal(s, text.decode_entities(text.encode_entities(s)))
    end
  end)

  it("take time linear in the text", function()
    local start = lf.now()
    assert.equal(4e5, #text.decode_entities(("&x"):rep(2e5)))
    assert.is_true(lf.now() - start < 5)
  end)
end)

describe("text.squeeze", function()
  it("folds white space of every kind", function()
    assert.equal("a b c", text.squeeze "  a\r\n\t b\u{a0}\u{3000}\u{2003}c\u{85} ")
    assert.equal("é\u{200b}x\0", text.squeeze "é\u{200b}x\0")
    assert.equal("", text.squeeze " \n\u{a0}")
    assert.equal("a \xff b", text.squeeze "a \xff\t b")
  end)
end)

describe("text.slug", function()
  it("makes names of letters, digits and dashes", function()
    local cases = {
      ["  Hello, World!  "] = "hello-world", ["Ünïcödé — Straße"] = "unicode-strasse", ["don't ’stop’"] = "dont-stop",
      ["C++ & Co. 2.0"] = "c-co-2-0", ["Łódź Ørsted Æsir"] = "lodz-orsted-aesir", ["e\u{301}a"] = "ea",
      ["Привет, Мир!"] = "привет-мир", ["日本語"] = "日本語", ["हिन्दी"] = "हिन्दी",
      ["--a--b--"] = "a-b", ["Ᵽ ᵽ"] = "p-p", ["!?"] = "", [""] = "", ["a\xffb"] = "a-b", ["a_b/c\0d"] = "a-b-c-d",
    }
    for given, wanted in pairs(cases) do assert.equal(wanted, text.slug(given), given) end
  end)
end)

describe("text.cut", function()
  it("counts characters and parts none", function()
    assert.equal("hé", text.cut("héllo", 2))
    assert.equal("", text.cut("héllo", 0))
    assert.equal("héllo", text.cut("héllo", 5))
    assert.equal("日", text.cut("日本", 1))
    assert.equal("e\u{301}", text.cut("e\u{301}x", 1))
    assert.equal("👩\u{200d}👧", text.cut("👩\u{200d}👧!", 1))
    assert.equal("\xff", text.cut("\xff\xfe", 1))
  end)

  it("ends in an ellipsis that counts", function()
    assert.equal("hél…", text.cut("héllo", 4, "…"))
    assert.equal("h...", text.cut("héllo", 4, "..."))
    assert.equal("héllo", text.cut("héllo", 5, "…"))
    assert.equal("hé", text.cut("héllo", 2, "..."))
    assert.equal("…", text.cut("héllo", 1, "…"))
    assert.error_matches(function() text.cut("a", -1) end, "a number of characters")
  end)
end)

describe("text dates", function()
  it("are read as ISO 8601 and as HTTP has them", function()
    local cases = {
      ["1970-01-01"] = 0, ["1970"] = 0, ["1970-02"] = 31 * 86400, ["19700102"] = 86400,
      ["1994-11-06T08:49:37Z"] = 784111777, ["1994-11-06 08:49:37"] = 784111777,
      ["19941106T084937Z"] = 784111777, ["1994-11-06t09:49:37+01:00"] = 784111777,
      ["1994-11-06T03:19:37-0530"] = 784111777, ["1994-11-06T08:49"] = 784111740,
      ["1994-11-06T09:49:37 +01"] = 784111777, [" 1994-11-06T08:49:37Z\n"] = 784111777,
      ["1994-11-06T24:00Z"] = 784166400, ["2016-12-31T23:59:60Z"] = 1483228800, ["2024-02-29"] = 1709164800,
      ["Sun, 06 Nov 1994 08:49:37 GMT"] = 784111777, ["Sunday, 06-Nov-94 08:49:37 GMT"] = 784111777,
      ["Sun Nov  6 08:49:37 1994"] = 784111777, ["Sun, 6 Nov 1994 09:49:37 +0100"] = 784111777,
      ["0000-01-01"] = -62167219200, ["1969-12-31T23:59:59Z"] = -1,
    }
    for given, wanted in pairs(cases) do
      local t = assert(text.parse_date(given), given)
      assert.equal(wanted, t, given)
      assert.equal("integer", math.type(t), given)
    end
    assert.equal(0.25, text.parse_date "1970-01-01T00:00:00.25Z")
    assert.equal(-0.5, text.parse_date "1969-12-31T23:59:59,5Z")
  end)

  it("are refused when they are none", function()
    for _, given in ipairs { "", "x", "2023-02-29", "2024-13-01", "2024-1-1", "2024-01-01T25:00", "2024-01-01T10:60",
                             "2024-01-01T10:00:61", "2024-01-01T24:00:01", "2024-01-01T10:00:00.", "2024-01-01T",
                             "2024-01-01T10:00+25:00", "2024-01-01T10:00Zx", "20", "2024-01-" } do
      local t, err = text.parse_date(given)
      assert.is_nil(t, given)
      assert.equal("parse", err.kind)
    end
  end)

  it("are written", function()
    assert.equal("Sun, 06 Nov 1994 08:49:37 GMT", text.http_date(784111777))
    assert.equal("1994-11-06T08:49:37Z", text.iso_date(784111777))
    assert.equal("1994-11-06T08:49:37.500Z", text.iso_date(784111777.5))
    assert.equal("1969-12-31T23:59:59.250Z", text.iso_date(-0.75))
    assert.equal("Wed, 31 Dec 1969 23:59:59 GMT", text.http_date(-0.75))
    assert.equal("9999-12-31T23:59:59Z", text.iso_date(1e14))
    assert.is_true(math.abs(os.time() - text.parse_date(text.iso_date())) <= 2)
    assert.is_true(math.abs(os.time() - text.parse_date(text.http_date())) <= 2)
    assert.has_error(function() text.iso_date(0 / 0) end)
    assert.has_error(function() text.http_date(math.huge) end)
  end)

  it("come back the same", function()
    local seed = 1
    for _ = 1, 2000 do
      seed = seed * 6364136223846793005 + 1442695040888963407
      local t = (seed >> 20) % 253402300799 - 30000000000
      assert.equal(t, text.parse_date(text.iso_date(t)))
      if t > -12000000000 then assert.equal(t, text.parse_date(text.http_date(t))) end
    end
  end)
end)
