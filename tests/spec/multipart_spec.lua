-- multipart: the bytes on the wire, files from disk, and what a real server makes of them.
local servers = require "tests.support.servers"
local core = require "luafetch.core"

local server, dir

local function write(name, text)
  local path = dir .. "/" .. name
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
  return path
end

local function echo(parts, opts)
  opts = opts or {}
  opts.multipart = parts
  local res = assert(fetch(server.url .. "/echo", opts))
  local head, body = res.body:match "^(.-\r\n)\r\n(.*)$"
  local boundary = head:match "\r\nContent%-Type: multipart/form%-data; boundary=([^\r\n]+)"
  return { head = head, body = body, boundary = boundary }
end

-- The body with its boundary called B.
local function wire(parts)
  local r = echo(parts)
  local from = 1
  local out = {}
  while true do
    local at, to = r.body:find("--" .. r.boundary, from, true)
    if not at then break end
    out[#out + 1] = r.body:sub(from, at - 1)
    from = to + 1
  end
  out[#out + 1] = r.body:sub(from)
  assert.equal(tostring(#r.body), r.head:match "Content%-Length: (%d+)")
  return table.concat(out, "--B")
end

local function misuse(parts)
  local ok, message = pcall(fetch, server.url, { multipart = parts })
  assert.is_false(ok)
  assert.is_string(message)
  return message
end

local function failure(parts)
  local res, err = fetch(server.url .. "/echo?key=none", { multipart = parts })
  assert.is_nil(res)
  return err
end

describe("multipart", function()
  setup(function()
    server = servers.fault()
    dir = os.tmpname()
    os.remove(dir)
    assert(os.execute("mkdir " .. dir))
  end)
  teardown(function()
    server:stop()
    os.execute("rm -rf " .. dir)
  end)

  after_each(function()
    assert.equal(0, core.leftovers().requests)
  end)

  it("sends fields in order, repeated names too", function()
    assert.equal('--B\r\nContent-Disposition: form-data; name="a"\r\n\r\none\r\n'
      .. '--B\r\nContent-Disposition: form-data; name="b"\r\n\r\n2\r\n'
      .. '--B\r\nContent-Disposition: form-data; name="a"\r\n\r\ntrue\r\n--B--\r\n',
      wire { { name = "a", value = "one" }, { name = "b", value = 2 }, { name = "a", value = true } })
  end)

  it("sends bytes as a file", function()
    assert.equal('--B\r\nContent-Disposition: form-data; name="a"; filename="blob"\r\n'
      .. "Content-Type: application/octet-stream\r\n\r\n\0\r\n\255\r\n--B--\r\n",
      wire { { name = "a", data = "\0\r\n\255" } })
    assert.equal('--B\r\nContent-Disposition: form-data; name="a"; filename="x.png"\r\n'
      .. "Content-Type: image/png\r\n\r\n\r\n--B--\r\n",
      wire { { name = "a", data = "", filename = "x.png" } })
  end)

  it("sends a file under its own name", function()
    local path = write("hello.txt", "hello")
    assert.equal('--B\r\nContent-Disposition: form-data; name="f"; filename="hello.txt"\r\n'
      .. "Content-Type: text/plain\r\n\r\nhello\r\n--B--\r\n", wire { { name = "f", file = path } })
    assert.equal('--B\r\nContent-Disposition: form-data; name="f"\r\nContent-Type: a/b\r\n\r\nhello\r\n--B--\r\n',
      wire { { name = "f", file = path, filename = false, type = "a/b" } })
    assert.equal('--B\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\nhello\r\n--B--\r\n',
      wire { { name = "f", file = path, filename = "x", type = false } })
  end)

  it("escapes names as browsers do", function()
    assert.equal('--B\r\nContent-Disposition: form-data; name="ü%22%0D%0A"; filename="日%22%0A.bin"\r\n'
      .. "Content-Type: application/octet-stream\r\n\r\n\r\n--B--\r\n",
      wire { { name = 'ü"\n', data = "", filename = '日"\n.bin' } })
  end)

  it("may be empty", function()
    assert.equal("--B--\r\n", wire {})
  end)

  it("has a boundary of its own every time", function()
    assert.is_true(echo({}).boundary ~= echo({}).boundary)
  end)

  it("leaves a Content-Type that was given", function()
    local r = echo({}, { headers = { ["Content-Type"] = "multipart/mixed; boundary=x" } })
    assert.matches("Content%-Type: multipart/mixed; boundary=x\r\n", r.head)
  end)

  it("is sent again on 307 and dropped on 303", function()
    local parts = { { name = "f", file = write("again.txt", "again") }, { name = "a", value = "b" } }
    local res = assert(fetch(server.url .. "/redirect-to?status=307&url=/echo", { multipart = parts }))
    assert.matches("POST /echo ", res.body, 1, true)
    assert.matches("\r\n\r\nagain\r\n", res.body, 1, true)
    res = assert(fetch(server.url .. "/redirect-to?status=303&url=/echo", { multipart = parts }))
    assert.matches("^GET /echo ", res.body)
    assert.is_nil(res.body:find("Content-", 1, true))
  end)

  it("keeps its strings while the answer streams", function()
    local function value() return ("x"):rep(300000) .. "end" end
    local res = assert(fetch(server.url .. "/early/200", {
      stream = true, multipart = { { name = "a", value = value() } },
    }))
    collectgarbage()
    collectgarbage()
    res:read()
    res:close()
    res = assert(fetch(server.url .. "/echo", { stream = true, multipart = { { name = "a", value = value() } } }))
    local parts = {}
    for part in res:chunks() do
      parts[#parts + 1] = part
      collectgarbage "step"
    end
    assert.matches("xend\r\n%-%-", table.concat(parts))
  end)

  it("tells of a file that cannot be read before anything is sent", function()
    for path, why in pairs { ["/nonexistent/a"] = "No such file", ["/tmp"] = "directory", ["/dev/zero"] = "regular" } do
      local err = failure { { name = "a", value = "b" }, { name = "f", file = path } }
      assert.equal("io", err.kind)
      assert.matches(path, err.message, 1, true)
      assert.matches(why, err.message, 1, true)
      assert.is_false(err.sent)
    end
  end)

  it("streams a large file with little memory", function()
    local path = write("large", "")
    assert(os.execute("truncate -s 200M " .. path))
    local function peak()
      return tonumber(io.open("/proc/self/status"):read("a"):match "VmHWM:%s+(%d+)")
    end
    local before = peak()
    local res = assert(fetch(server.url .. "/upload", { multipart = { { name = "f", file = path } } }))
    assert.is_true(res:json().bytes > 200 << 20)
    assert.is_false(res:json().chunked)
    if not os.getenv "LF_SANITIZED" then assert.is_true(peak() - before < 8 * 1024, peak() - before .. " KB") end
    os.remove(path)
  end)

  it("works in gather", function()
    local items = {}
    for i = 1, 20 do
      items[i] = { url = server.url .. "/upload", multipart = { { name = "f", data = ("x"):rep(i * 1000) } } }
    end
    local results, failed = gather(items)
    collectgarbage()
    assert.equal(0, failed)
    assert.equal(1000, results[20]:json().bytes - results[19]:json().bytes)
  end)

  it("says what is wrong", function()
    assert.matches("part 1: unknown option 'vaule' (did you mean 'value'?)",
      misuse { { name = "a", vaule = 1 } }, 1, true)
    assert.matches("part 1 has no name", misuse { { value = 1 } }, 1, true)
    assert.matches("part 2 wants one of value, data and file",
      misuse { { name = "a", value = 1 }, { name = "b" } }, 1, true)
    assert.matches("part 1 wants one of", misuse { { name = "a", value = 1, data = "x" } }, 1, true)
    assert.matches("'value' of part 1 must be a string, a number or a boolean, got table",
      misuse { { name = "a", value = {} } }, 1, true)
    assert.matches("'data' of part 1 must be a string, got number", misuse { { name = "a", data = 1 } }, 1, true)
    assert.matches("'filename' of part 1 must be a string or false, got number",
      misuse { { name = "a", data = "", filename = 1 } }, 1, true)
    assert.matches("'file' of part 1 holds a NUL", misuse { { name = "a", file = "a\0b" } }, 1, true)
    assert.matches("part 1 must be a table, got string", misuse { "a" }, 1, true)
    assert.matches("must be a list of parts", misuse { a = "b" }, 1, true)
    assert.matches("must be a list of parts", misuse "a", 1, true)
    local ok, message = pcall(fetch, server.url, { multipart = {}, json = {} })
    assert.is_false(ok)
    assert.matches("only one of body, json, form and multipart can be given", message, 1, true)
    local err = failure { { name = "a", value = "x", type = "a\r\nb" } }
    assert.equal("request", err.kind)
  end)

  it("is understood by a real server", function()
    local bin = servers.httpbin()
    local res = assert(fetch(bin.url .. "/post", {
      multipart = {
        { name = "größe", value = "1 m²" },
        { name = "f", file = write("größe.txt", "inhalt"), filename = "größe.txt" },
        { name = "g", data = "{}", filename = "x.json" },
      },
    }))
    bin:stop()
    local answer = res:json()
    assert.same({ ["größe"] = "1 m²" }, answer.form)
    assert.same({ f = "inhalt", g = "{}" }, answer.files)
  end)
end)
