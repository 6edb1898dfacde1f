-- Rows 38 to 44: TLS, proxies, further attempts, robots.txt.
local function https(server, path) return ("https://site.test:%d%s"):format(server.port, path or "/") end

-- Names of the bad certificates, and what the sentence says of each.
local CERTIFICATES = {
  ["expired.test"] = "has expired", ["own.test"] = "self-signed", ["unknown.test"] = "issuer",
  ["wrong.test"] = "another name", ["future.test"] = "not valid yet", ["no-san.test"] = "another name",
}

return {
  { 38, "certificates that are not good", cases = function(c)
    local s = c.servers
    local cases = {}
    for name, says in pairs(CERTIFICATES) do
      cases[#cases + 1] = { ("https://%s:%d/"):format(name, s.tls.port), kind = "tls", says = says, retryable = false,
        opts = { tls = { ca = s.certs.ca }, resolve = { [name] = "127.0.0.1" } } }
    end
    cases[#cases + 1] = { https(s.tls), ok = true, opts = { tls = { ca = s.certs.ca },
      resolve = { ["site.test"] = "127.0.0.1" } } }
    cases[#cases + 1] = { ("https://expired.test:%d/"):format(s.tls.port), ok = true,
      opts = { tls = { verify = false }, resolve = { ["expired.test"] = "127.0.0.1" } } }
    table.sort(cases, function(a, b) return a[1] < b[1] end)
    return cases
  end },
  { 39, "TLS that is none, or breaks off", cases = function(c)
    local s = c.servers
    local opts = { tls = { ca = s.certs.ca }, resolve = { ["site.test"] = "127.0.0.1" } }
    return {
      { https(s.old), kind = "tls", says = "version", opts = opts },
      { https(s.ciphers), kind = "tls", says = "cipher", opts = opts },
      { https(s.robots), kind = "tls", opts = opts, retryable = false },
      { https(s.tls_close), kind = "tls|closed", opts = opts, retryable = true },
      { https(s.tls_reset), kind = "tls|closed", opts = opts, retryable = true },
    }
  end },
  { 40, "TLS cut in the answer", class = "silent", cases = function(c)
    local s = c.servers
    local opts = { tls = { ca = s.certs.ca }, resolve = { ["site.test"] = "127.0.0.1" } }
    local cases = {}
    for i, scene in ipairs { "tls-cut", "tls-cut-length", "tls-cut-chunked", "tls-cut-head" } do
      cases[i] = { https(s[scene]), kind = i < 4 and "truncated" or "closed|truncated", opts = opts, retryable = true }
    end
    cases[5] = { https(s["tls-end"]), ok = true, body = "all of it", opts = opts }
    return cases
  end },
  { 41, "proxies that refuse, break or die", class = "leak", cases = function(c)
    local s = c.servers
    local function through(port) return { proxy = ("http://user:s3cret@127.0.0.1:%d"):format(port), timeout = 1.5,
      tls = { ca = s.certs.ca } } end
    local cases = { { "http://a.test/x", kind = "proxy", says = "proxy", opts = through(1) } }
    for _, scene in ipairs { "407", "502", "close", "garbage", "tunnel-closed" } do
      cases[#cases + 1] = { https(s.tls), kind = "proxy", says = "proxy", opts = through(s["proxy-" .. scene].port) }
    end
    cases[#cases + 1] = { https(s.tls, "/big"), kind = "proxy|closed|truncated", says = "proxy",
      opts = through(s["proxy-tunnel-short"].port) }
    return cases
  end, run = function(c)
    for name in io.popen("ls " .. c.dir):lines() do
      if name:find "%.out$" or name:find "%.err$" then
        local f = io.open(c.dir .. "/" .. name)
        c:must(not f:read "a":find "s3cret", "the proxy's password is shown")
        f:close()
      end
    end
  end },
  { 42, "429 and 503 with Retry-After", run = function(c)
    local got = c:ask([=[
      local url, out = arg[1], {}
      local function try(path)
        local s <close> = lf.session { retry = { times = 2, backoff = 0.01, max_retry_after = 1 } }
        local began = lf.now()
        local res, err = s:get(url .. path, { timeout = 5 })
        return { res and res.status or err.kind, (res or err).attempts, lf.now() - began, tostring(res and res.error
          or err) }
      end
      local function always(value)
        return "/respond?status=503&h=" .. lf.url.encode("Retry-After: " .. value)
      end
      out.seconds = try "/fail/1?key=after&status=429&after=1"
      out.negative, out.rubbish = try(always "-5"), try(always "soon")
      out.years = try(always "315360000")
      out.ends = try(always(os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() - 5)))
      print(lf.json.encode(out))
    ]=], { c.servers.web.url })
    local function is(name, status, attempts, least, most)
      local r = got[name] or { "nothing", 0, 0 }
      c:must(r[1] == status and r[2] == attempts, ("%s: %s after %s attempts"):format(name, tostring(r[1]),
        tostring(r[2])))
      c:must(r[3] >= least and r[3] <= most, ("%s took %.2f s"):format(name, r[3]))
    end
    is("seconds", 200, 2, 0.9, 2.5)
    is("negative", 503, 3, 0, 2)
    is("rubbish", 503, 3, 0, 2)
    is("ends", 503, 3, 0, 2)
    is("years", 503, 3, 1.9, 3) -- capped
    c:say(got.years and got.years[4])
  end },
  { 43, "failures that pass, and that do not", run = function(c)
    local got = c:ask([=[
      local url, out = arg[1], {}
      local waits = {}
      local retry = { times = 3, backoff = 0.05, jitter = false, on_retry = function(r) waits[#waits + 1] = r.wait end }
      local function try(path, opts)
        opts = opts or {}
        opts.retry = retry
        local res, err = fetch(url .. path, opts)
        return { res and res.status or err.kind, (res or err).attempts, tostring(res and res.error or err) }
      end
      out.passes = try "/fail/3?key=passes"
      out.waits, waits = waits, {}
      out.never = try "/fail/1000?key=never"
      out.closed = try "/fail/1000?key=closed&status=0"
      out.post = try("/fail/1000?key=post", { method = "POST", body = "x" })
      out.missing = try "/status/404"
      out.count = fetch(url .. "/count?key=never"):json()
      print(lf.json.encode(out))
    ]=], { c.servers.web.url })
    local function is(name, what, attempts)
      local r = got[name] or {}
      c:must(r[1] == what and r[2] == attempts, ("%s: %s after %s attempts"):format(name, tostring(r[1]),
        tostring(r[2])))
    end
    is("passes", 200, 4)
    is("never", 503, 4)
    is("closed", "closed", 4)
    is("post", 503, 1)
    is("missing", 404, 1)
    local w = got.waits or {}
    c:must(#w == 3 and w[1] < w[2] and w[2] < w[3], "waits do not grow")
    c:must(got.count and got.count.count == 4, "the server saw another number")
    c:say(got.never and got.never[3])
  end },
  { 44, "robots.txt that is missing, broken, huge or down", run = function(c)
    local has = c:script("print(lf.crawl ~= nil)", {}, { beside = false }).out
    if has ~= "true\n" then c:skip "lf.crawl is not in this version" end
    local got = c:ask([=[
      local out = {}
      for name, url in pairs(lf.json.decode(arg[1])) do
        local pages, why = 0, nil
        lf.crawl { start = url .. "/page", page = function() pages = pages + 1 end,
          failed = function(_, err) why = tostring(err) end }
        out[name] = { pages, why }
      end
      print(lf.json.encode(out))
    ]=], { require("luafetch").json.encode(c.servers.robots.urls) })
    local function is(name, pages)
      c:must(got[name] and got[name][1] == pages, ("%s: %s pages"):format(name, tostring(got[name] and got[name][1])))
    end
    is("missing", 1)
    is("forbidden", 1)
    is("down", 0)
    is("closed", 0)
    is("huge", 0)
    is("html", 1)
    c:say(got.down and got.down[2])
  end },
}
