-- WebSockets against python3-websockets, and against peers that break the rules.
local lf = require "luafetch"
local servers = require "tests.support.servers"
local certs = require "tests.support.certs"

describe("a websocket", function()
  local server, fault

  setup(function()
    server = servers.websocket()
    fault = servers.fault()
  end)
  teardown(function()
    server.stop()
    fault.stop()
  end)

  local function open(path, opts)
    return assert(lf.websocket(server.url .. path, opts))
  end

  -- The code the server saw when its last connection was closed, which may take a moment.
  local function assert_last(code)
    local seen
    for _ = 1, 50 do
      local ws <close> = open "/last"
      seen = ws:receive()
      if seen == tostring(code) then return end
      lf.sleep(0.02)
    end
    assert.equal(tostring(code), seen)
  end

  local function hex(bytes)
    return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
  end

  local function raw(bytes, opts)
    return open("/raw?hex=" .. hex(bytes), opts)
  end

  it("leaves the URL of requests before and after it alone", function()
    local url = fault.url .. "/echo"
    assert.equal(200, assert(fetch(url)).status)
    local ws <close> = open "/echo"
    local res = assert(fetch(url))
    assert.equal(url, res.url)
    assert.matches("^GET /echo HTTP/1.1\r\n", res.body)
    assert.is_true(ws:send "x")
  end)

  describe("sends and receives", function()
    it("texts and bytes, empty ones too", function()
      local ws <close> = open "/echo"
      for _, text in ipairs { "", "a", "häßlich \u{1F600}", ("x"):rep(125), ("x"):rep(126), ("x"):rep(70000) } do
        assert.is_true(ws:send(text))
        assert.same({ text, "text" }, { ws:receive() })
        assert.is_true(ws:send_binary(text .. "\0\255"))
        assert.same({ text .. "\0\255", "binary" }, { ws:receive() })
      end
    end)

    it("5 MB in each direction", function()
      local ws <close> = open "/echo"
      local large = ("0123456789"):rep(500000)
      assert(ws:send_binary(large))
      assert.is_true(ws:receive() == large)
      assert(ws:send(large))
      assert.is_true(ws:receive() == large)
    end)

    it("many at once, in order", function()
      local ws <close> = open "/echo"
      local sender = lf.spawn(function()
        for i = 1, 3000 do assert(ws:send(tostring(i))) end
      end)
      for i = 1, 3000 do assert.equal(tostring(i), (ws:receive())) end
      sender:join()
    end)

    it("messages in fragments, with a ping between them", function()
      local ws <close> = open "/fragments"
      assert.same({ "fragmenté", "text" }, { ws:receive() })
      assert.same({ "\0\1\2", "binary" }, { ws:receive() })
      local between <close> = raw "\x01\x02ab\x89\x00\x00\x00\x80\x01c"
      assert.same({ "abc", "text" }, { between:receive() })
    end)

    it("frames that come byte by byte, or together with the handshake's answer", function()
      local ws <close> = open "/flood?n=5000&size=1"
      for _ = 1, 5000 do assert.equal("x", (ws:receive())) end
    end)

    it("more than a reader takes at once, without keeping it in memory", function()
      local ws <close> = open "/flood?n=200&size=1000000"
      lf.sleep(0.3)
      local n = 0
      for _ = 1, 200 do n = n + #ws:receive() end
      assert.equal(200 * 1000000, n)
    end)

    it("waits in send when the server does not read", function()
      local ws <close> = open "/slow?n=64&wait=0.3"
      local piece, began = ("x"):rep(1 << 20), lf.now()
      for _ = 1, 64 do assert(ws:send_binary(piece)) end
      assert.is_true(lf.now() - began > 0.2)
      assert.equal(tostring(64 << 20), (ws:receive()))
    end)

    it("a text that is not UTF-8 is refused, the connection stays", function()
      local ws <close> = open "/echo"
      local ok, err = ws:send "\xff"
      assert.is_nil(ok)
      assert.equal("request", err.kind)
      assert(ws:send "fine")
      assert.equal("fine", (ws:receive()))
    end)

    it("from several tasks, but only one receives", function()
      local ws <close> = open "/echo"
      local reader = lf.spawn(function() return ws:receive() end)
      lf.sleep(0)
      local ok, err = pcall(ws.receive, ws)
      assert.is_false(ok)
      assert.matches("another task receives", err)
      lf.each({ 1, 2, 3 }, function(i) assert(ws:send(tostring(i))) end)
      assert.truthy(reader:join())
    end)

    it("another task may run while messages stream in", function()
      local ws <close> = open "/flood?n=3000&size=1000"
      local turns = 0
      local other = lf.spawn(function()
        while true do
          turns = turns + 1
          lf.sleep(0)
        end
      end)
      for _ = 1, 3000 do ws:receive() end
      other:cancel()
      other:join()
      assert.is_true(turns > 2, turns)
    end)

    it("a receiver slower than its server keeps no task from its turn", function()
      local ws <close> = open "/flood?n=3000&size=10"
      lf.sleep(0.1)
      local turns = 0
      local other = lf.spawn(function()
        while true do
          turns = turns + 1
          lf.sleep(0)
        end
      end)
      for _ = 1, 100 do
        ws:receive()
        local stop = lf.now() + 0.004
        while lf.now() < stop do end
      end
      other:cancel()
      other:join()
      assert.is_true(turns >= 5, turns)
    end)
  end)

  describe("pings", function()
    it("are answered, also while nobody receives", function()
      local ws <close> = open "/ping"
      lf.sleep(0.1)
      assert.equal("answered", (ws:receive()))
    end)

    it("tell how long the answer took", function()
      local ws <close> = open "/echo"
      local took = assert(ws:ping())
      assert.is_true(took > 0 and took < 5)
    end)

    it("time out", function()
      local ws <close> = open "/deaf"
      local ok, err = ws:ping(0.05)
      assert.is_nil(ok)
      assert.equal("timeout", err.kind)
      assert.matches("no answer to a ping for 0.05 s", tostring(err))
      ws:send "x"
      lf.timeout(0.01, function() ws:close() end)
    end)

    it("find a peer that is gone", function()
      local ws <close> = open("/deaf", { ping = 0.05 })
      local none, kind, err = ws:receive()
      assert.is_nil(none)
      assert.is_nil(kind)
      assert.equal("timeout", err.kind)
      assert.matches("did not answer a ping", tostring(err))
      local ok, same = ws:send "x"
      assert.is_nil(ok)
      assert.equal("timeout", same.kind)
    end)

    it("leave a living peer alone, and one whose messages we do not read", function()
      local ws <close> = open("/echo", { ping = 0.02 })
      lf.sleep(0.2)
      assert(ws:send "x")
      assert.equal("x", (ws:receive()))
      local full <close> = open("/flood?n=10&size=300000", { ping = 0.02 })
      lf.sleep(0.2)
      for _ = 1, 10 do assert.equal(300000, #full:receive()) end
    end)
  end)

  describe("ends", function()
    it("with the code and reason of the script", function()
      local ws = open "/echo"
      assert.is_true(ws:close(4001, "so lange"))
      assert.equal(4001, ws.close_code)
      assert_last(4001)
      assert.is_true(ws:close())
      assert.is_nil(ws:receive())
      local ok, err = ws:send "x"
      assert.is_nil(ok)
      assert.equal("closed", err.kind)
      assert.equal(4001, err.code)
      assert.matches("closed", tostring(ws))
    end)

    it("with the server's code and reason, which ends the loop", function()
      for _, code in ipairs { 1000, 1001, 1011, 3000, 4999 } do
        local ws <close> = open("/close?code=" .. code .. "&reason=weil")
        for _ in ws:messages() do error "no message" end
        assert.equal(code, ws.close_code)
        assert.equal("weil", ws.close_reason)
      end
    end)

    it("without a code, and with those that were registered later", function()
      local none <close> = raw "\x88\x00"
      assert.is_nil(none:receive())
      assert.equal(1005, none.close_code)
      local later <close> = raw "\x88\x02\x03\xf4"
      assert.is_nil(later:receive())
      assert.equal(1012, later.close_code)
    end)

    it("by leaving its scope: 1000, and after an error 1001", function()
      do
        local ws <close> = open "/echo"
        ws:send "x"
      end
      assert_last(1000)
      pcall(function()
        local _ <close> = open "/echo"
        error "x"
      end)
      assert_last(1001)
    end)

    it("what was received before the end is not lost", function()
      local ws <close> = raw "\x81\x01a\x81\x01b\x88\x02\x03\xe8"
      lf.sleep(0.05)
      assert.equal("a", (ws:receive()))
      assert.equal("b", (ws:receive()))
      assert.is_nil(ws:receive())
    end)

    it("by a cut: the loop raises, receive tells", function()
      for _, path in ipairs { "/cut", "/end" } do
        local ws <close> = open(path)
        local got = {}
        local ok, err = pcall(function()
          for msg in ws:messages() do got[#got + 1] = msg end
        end)
        assert.is_false(ok)
        assert.same({ "before" }, got)
        assert.equal("closed", err.kind)
        assert.equal(1006, err.code)
        assert.matches("ws://127.0.0.1", tostring(err))
        local _, _, again = ws:receive()
        assert.equal("closed", again.kind)
      end
    end)

    it("in time when the server does not answer the close", function()
      local ws <close> = open "/deaf"
      local began = lf.now()
      local ok, err = lf.timeout(0.1, function() return ws:close() end)
      assert.is_nil(ok)
      assert.equal("timeout", err.kind)
      assert.is_true(lf.now() - began < 1)
    end)

    it("only with codes and reasons that may be sent", function()
      local ws <close> = open "/echo"
      for _, code in ipairs { 0, 999, 1004, 1005, 1006, 1015, 2000, 5000, -1 } do
        local ok, err = pcall(ws.close, ws, code)
        assert.is_false(ok)
        assert.matches("no code that may be sent", err)
      end
      assert.is_false(pcall(ws.close, ws, 1000, ("x"):rep(124)))
      assert.is_false(pcall(ws.close, ws, 1000, "\xff"))
      assert.is_true(ws:close(1000, ("x"):rep(123)))
    end)
  end)

  describe("refuses of its peer", function()
    local function broken(bytes, kind, code, words, opts)
      local ws <close> = raw(bytes, opts)
      local none, _, err = ws:receive()
      assert.is_nil(none)
      assert.truthy(err, words)
      assert.equal(kind, err.kind)
      assert.equal(code, err.code)
      assert.matches(words, tostring(err), 1, true)
      assert_last(code)
    end

    local cases = {
      { "reserved bits", "\xc1\x01a", "reserved bit" },
      { "masked frames", "\x81\x81\x01\x02\x03\x04a", "masked a frame" },
      { "unknown frames", "\x83\x00", "unknown kind" },
      { "unknown control frames", "\x8b\x00", "unknown kind" },
      { "control frames in fragments", "\x09\x00", "wrong length" },
      { "long control frames", "\x89\x7e\x00\x7e" .. ("x"):rep(126), "wrong length" },
      { "lengths in too many bytes", "\x81\x7e\x00\x01a", "wrong length" },
      { "a continuation of nothing", "\x80\x01a", "had not begun" },
      { "a message inside of another", "\x01\x01a\x81\x01b", "inside of another" },
      { "a close frame of one byte", "\x88\x01a", "valid code" },
      { "close codes that are not for the wire", "\x88\x02\x03\xed", "valid code" },
    }
    for _, case in ipairs(cases) do
      it(case[1], function() broken(case[2], "protocol", 1002, case[3]) end)
    end

    it("texts and reasons that are not UTF-8", function()
      broken("\x81\x01\xff", "protocol", 1007, "not UTF-8")
      broken("\x01\x01\xc3\x80\x01a", "protocol", 1007, "not UTF-8")
      broken("\x88\x03\x03\xe8\xff", "protocol", 1007, "not UTF-8")
    end)

    it("a character split between fragments is none of these", function()
      local ws <close> = raw "\x01\x01\xc3\x80\x01\xa9"
      assert.equal("é", (ws:receive()))
    end)

    it("messages over max_message, in one frame or many", function()
      local small = { max_message = 10 }
      local fits <close> = raw("\x81\x0a0123456789", small)
      assert.equal("0123456789", (fits:receive()))
      broken("\x81\x0b01234567890", "too_large", 1009, "max_message (10)", small)
      broken("\x01\x0601234\x80\x80\x06123456", "too_large", 1009, "max_message (10)", small)
      broken("\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xffx", "too_large", 1009, "max_message")
    end)
  end)

  describe("opens", function()
    it("with a protocol of those offered", function()
      local ws <close> = open("/echo", { protocols = { "x", "chat.v1", "chat.v2" } })
      assert.matches("^chat", ws.protocol)
      local none <close> = open "/echo"
      assert.is_nil(none.protocol)
      local one <close> = open("/echo", { protocols = "chat.v1" })
      assert.equal("chat.v1", one.protocol)
      assert.equal("websocket", one.headers.upgrade)
      assert.equal(server.url .. "/echo", one.url)
    end)

    it("with headers, and credentials from options or the URL", function()
      local function sent(url, opts)
        local ws <close> = assert(lf.websocket(url, opts))
        local list = {}
        for line in ws:messages() do list[#list + 1] = line end
        return table.concat(list, "\n")
      end
      local url = server.url .. "/headers"
      local text = sent(url, { headers = { ["X-A"] = "1", Origin = "https://a.test", Cookie = "a=b" } })
      for _, line in ipairs { "X-A: 1", "Origin: https://a.test", "Cookie: a=b" } do
        assert.truthy(text:find(line, 1, true), text)
      end
      assert.truthy(text:find("Host: 127.0.0.1:" .. server.port, 1, true), text)
      text = sent((url:gsub("//", "//u:p@")))
      assert.truthy(text:find("Authorization: Basic dTpw", 1, true), text)
      text = sent(url, { auth = { bearer = "t" } })
      assert.truthy(text:find("Authorization: Bearer t", 1, true), text)
    end)

    it("by name, through the resolver of the run", function()
      local url = server.url:gsub("127%.0%.0%.1", "localhost")
      local ws <close> = assert(lf.websocket(url .. "/echo", { ip = 4 }))
      ws:send "x"
      assert.equal("x", (ws:receive()))
      url = server.url:gsub("127%.0%.0%.1", "a.test")
      local chosen <close> = assert(lf.websocket(url .. "/echo", { resolve = { ["a.test"] = "127.0.0.1" } }))
      chosen:send "x"
      assert.equal("x", (chosen:receive()))
    end)

    it("in TLS, when the certificate is trusted", function()
      local ca = certs.new()
      local tls = servers.websocket(ca:issue "localhost")
      local url = tls.url:gsub("127%.0%.0%.1", "localhost") .. "/echo"
      do
        local ws <close> = assert(lf.websocket(url, { ip = 4, tls = { ca = ca.ca } }))
        local large = ("x"):rep(3 << 20)
        ws:send(large)
        assert.is_true(ws:receive() == large)
        assert(ws:ping())
      end
      local none, err = lf.websocket(url, { ip = 4 })
      assert.is_nil(none)
      assert.equal("tls", err.kind)
      do
        local ws <close> = assert(lf.websocket(url, { ip = 4, tls = { verify = false } }))
        ws:send "x"
        assert.equal("x", (ws:receive()))
      end
      tls.stop()
      ca:remove()
    end)

    it("through proxies", function()
      local fine = { ["http proxy"] = servers.tinyproxy(), ["socks proxy"] = servers.socks5() }
      for name, proxy in pairs(fine) do
        local scheme = name == "http proxy" and "http" or "socks5h"
        local ws <close> = assert(lf.websocket(server.url .. "/echo",
          { proxy = ("%s://127.0.0.1:%d"):format(scheme, proxy.port) }))
        ws:send(name)
        assert.equal(name, (ws:receive()))
        ws:close()
        proxy.stop()
      end
      local ws, err = lf.websocket(server.url .. "/echo", { proxy = "http://u:secret@127.0.0.1:1" })
      assert.is_nil(ws)
      assert.equal("proxy", err.kind)
      assert.matches("cannot connect to the proxy http://127.0.0.1:1", tostring(err), 1, true)
    end)

    it("not to addresses that the guard refuses", function()
      local ws, err = lf.websocket(server.url .. "/echo", { guard = "public" })
      assert.is_nil(ws)
      assert.equal("blocked", err.kind)
      assert.matches("the guard refuses 127.0.0.1", tostring(err), 1, true)
    end)

    local function refused(url, kind, words, opts)
      local ws, err = lf.websocket(url, opts)
      assert.is_nil(ws)
      assert.equal(kind, err.kind, tostring(err))
      assert.truthy(tostring(err):find(words, 1, true), tostring(err))
      return err
    end

    it("not when the server refuses or redirects", function()
      local err = refused(server.url .. "/refused", "http", "HTTP 403 instead of an upgrade")
      assert.equal(403, err.status)
      err = refused(server.url .. "/moved", "http", "it redirects to /echo, which is not followed")
      assert.equal(302, err.status)
      refused(fault.url .. "/ok", "http", "HTTP 200 instead")
    end)

    it("not when the answer is no proper 101", function()
      local function answer(text)
        return fault.url .. "/raw?end=close&data=" .. lf.url.encode(text)
      end
      local ok = "HTTP/1.1 101 Switching Protocols\r\n"
      refused(answer(ok .. "Connection: Upgrade\r\n\r\n"), "protocol", "another protocol")
      refused(answer(ok .. "Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n"), "protocol", "another protocol")
      refused(answer(ok .. "Upgrade: websocket\r\n\r\n"), "protocol", "no \"Connection: Upgrade\"")
      local upgraded = ok .. "Upgrade: WebSocket\r\nConnection: keep-alive, upgrade\r\n"
      refused(answer(upgraded .. "\r\n"), "protocol", "Sec-WebSocket-Accept is missing or wrong")
      refused(answer(upgraded .. "Sec-WebSocket-Accept: x\r\n\r\n"), "protocol", "missing or wrong")
      refused(answer(upgraded .. "no colon\r\n\r\n"), "protocol", "has no name")
      refused(answer(upgraded .. "a: b\rc\r\n\r\n"), "protocol", "bare CR")
      refused(answer "SSH-2.0-x\r\n", "protocol", "not HTTP/1.1")
      refused(answer(ok), "closed", "closed the connection in its answer")
      refused(answer(ok .. "a: " .. ("x"):rep(70000)), "too_large", "64 KB of headers")
      refused(fault.url .. "/endless-header-line", "too_large", "64 KB of headers")
      refused(fault.url .. "/1xx/20", "protocol", "16 informational")
      refused(fault.url .. "/reset", "closed", "reset")
    end)

    it("not to where nobody is", function()
      refused("ws://127.0.0.1:1/", "connect", "cannot connect to 127.0.0.1 port 1")
      refused("ws://nowhere.invalid/", "dns", "cannot resolve nowhere.invalid")
      refused("wss://127.0.0.1:" .. server.port .. "/", "tls", "wss://127.0.0.1")
    end)

    it("not for ever", function()
      local err = refused(fault.url .. "/delay/60000", "timeout",
        "timeout after 0.05 s waiting for the answer", { timeout = 0.05 })
      assert.equal("headers", err.phase)
      local deaf = servers.deaf()
      refused("ws://127.0.0.1:" .. deaf.port .. "/", "timeout", "timeout after 0.05 s connecting",
        { timeout = { connect = 0.05 } })
      deaf.stop()
    end)

    it("only URLs and options that make sense", function()
      refused("ftp://a.test/", "url", "only ws, wss, http, https URLs")
      refused("ws://", "url", "the host is missing")
      refused(server.url .. "/echo", "request", "header 'Upgrade' is made by the connection",
        { headers = { upgrade = "x" } })
      refused(server.url .. "/echo", "request", "line break", { headers = { a = "b\r\nc" } })
      local wrong = {
        { { pings = 1 }, "unknown option 'pings' (did you mean 'ping'?)" },
        { { body = "x" }, "unknown option 'body'" },
        { { ping = 0 }, "option 'ping' must be a positive number" },
        { { max_message = "x" }, "option 'max_message' must be a whole number" },
        { { protocols = 1 }, "option 'protocols' must be a name" },
        { { protocols = { "a b" } }, "option 'protocols' must be a name" },
        { { protocols = {} }, "option 'protocols' must be a name" },
        { { timeout = "x" }, "option 'timeout'" },
      }
      for _, case in ipairs(wrong) do
        local ok, err = pcall(lf.websocket, server.url, case[1])
        assert.is_false(ok)
        assert.truthy(err:find(case[2], 1, true), err)
      end
      assert.is_false(pcall(lf.websocket))
      assert.is_false(pcall(lf.websocket, server.url, 1))
    end)
  end)

  describe("cancelled", function()
    it("while it connects: name, connection, answer", function()
      for _, url in ipairs { fault.url .. "/delay/60000", "ws://127.0.0.1:" .. server.port .. "/echo" } do
        for _, pause in ipairs { 0, 0.0005, 0.05 } do
          local task = lf.spawn(function()
            local ws <close> = assert(lf.websocket(url))
            ws:receive()
          end)
          lf.sleep(pause)
          task:cancel()
          task:join()
        end
      end
      local deaf = servers.deaf()
      local task = lf.spawn(lf.websocket, "ws://127.0.0.1:" .. deaf.port .. "/")
      lf.sleep(0.02)
      task:cancel()
      task:join()
      deaf.stop()
    end)

    it("while it receives, and goes on in another task", function()
      local ws <close> = open "/echo"
      local task = lf.spawn(function() return ws:receive() end)
      lf.sleep(0.01)
      task:cancel()
      task:join()
      ws:send "x"
      assert.equal("x", (ws:receive()))
    end)

    it("while it sends: nothing of that message has gone out", function()
      local ws <close> = open "/slow?n=20&wait=0.2"
      local piece, sent = ("x"):rep(1 << 20), 0
      lf.timeout(0.05, function()
        while sent < 20 do
          assert(ws:send_binary(piece))
          sent = sent + 1
        end
      end)
      assert.is_true(sent < 20)
      for _ = sent + 1, 20 do assert(ws:send_binary "") end
      assert.equal(tostring(sent << 20), (ws:receive()))
    end)

    it("in a scope, it says 1001 and leaves at once", function()
      lf.timeout(0.03, function()
        local ws <close> = open "/echo"
        ws:receive()
      end)
      assert_last(1001)
    end)
  end)

  it("that is forgotten is closed by the collector", function()
    do open "/echo" end
    collectgarbage()
    collectgarbage()
  end)

  it("cannot wait where Lua cannot yield", function()
    local ws <close> = open "/echo"
    local ok, err = pcall(string.gsub, "a", "a", function() ws:receive() end)
    assert.is_false(ok)
    assert.matches("string.gsub", err)
  end)

  it("by the hundred", function()
    local n = lf.each({ table.unpack({}, 1, 0) }, print)
    assert.equal(0, n)
    local list = {}
    for i = 1, 100 do list[i] = i end
    local failed = lf.each(list, function(i)
      local ws <close> = open "/echo"
      assert(ws:send(tostring(i)))
      assert(ws:receive() == tostring(i))
    end, { limit = 50 })
    assert.equal(0, failed)
  end)
end)
