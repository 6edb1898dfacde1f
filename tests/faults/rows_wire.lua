-- Rows 1 to 29: names, connecting, what comes over the wire.
local function same(kind, says, paths, more)
  local cases = {}
  for i, path in ipairs(paths) do
    cases[i] = { path, kind = kind, says = says }
    for name, value in pairs(more or {}) do cases[i][name] = value end
  end
  return cases
end

local function dns(c) return { "--dns-servers", "127.0.0.1:" .. c.servers.dns.port } end

local function at(c, host, path) return ("http://%s:%d%s"):format(host, c.servers.web.port, path or "/ok") end

return {
  { 1, "a name that does not resolve", words = dns, cases = {
    { "http://no-such-name.invalid/", kind = "dns", says = "no-such-name.invalid", retryable = true, within = 1.5 },
  } },
  { 2, "a name server that is silent", words = dns, cases = function(c)
    return {
      { at(c, "silent.test"), kind = "timeout", says = "resolving the name", phase = "dns", retryable = true,
        opts = { timeout = { connect = 1, total = 5 } }, within = 1.5 },
      { at(c, "slow.test"), ok = true, body = "ok\n" },
    }
  end },
  { 3, "a closed port", cases = {
    { "http://127.0.0.1:1/x", kind = "connect", says = "127.0.0.1 port 1: Connection refused", retryable = true,
      within = 0.5 },
  } },
  { 4, "a SYN that is never answered", cases = function(c)
    return { { c.servers.deaf.url .. "/", kind = "timeout", says = "timeout after 1 s connecting", phase = "connect",
      retryable = true, opts = { timeout = { connect = 1, total = 5 } }, least = 0.9, within = 1.1 } }
  end },
  { 5, "one of two addresses is dead", words = dns, cases = function(c)
    return {
      { at(c, "both.test"), ok = true, body = "ok\n", within = 1 },
      { ("http://both.test:%d/ok"):format(c.servers.half.port), ok = true, body = "ok\n", within = 1 },
    }
  end },
  { 6, "accepts, and never answers",
    cases = same("timeout", "waiting for headers", { "/hang" }, { phase = "headers", retryable = true, within = 2 }) },
  { 7, "headers dripped for ever", cases = same("timeout", "waiting for headers", { "/drip-headers?ms=100" },
    { within = 2 }) },
  { 8, "a body dripped for ever, or that stops", cases = {
    { "/drip?n=100000&ms=50", kind = "timeout", says = "reading the body", phase = "body", within = 2 },
    { "/hang-body", kind = "timeout", says = "no data for 0.5 s reading the body", opts = { timeout = { stall = 0.5 } },
      within = 1.5 },
  } },
  { 9, "closed before any byte", cases = same("closed", "without an answer", { "/empty" }, { retryable = true }) },
  { 10, "a kept connection that is dead", cases = {
    { "/stale?key=get", before = "/stale?key=get", ok = true },
    -- elsewhere: what tries again here must not find the connection that this one is to meet
    { "/stale?key=post", at = "other", before = "/stale?key=post", kind = "closed", says = "was not sent again",
      retryable = false, opts = { method = "POST", body = "x" } },
  }, run = function(c)
    local seen = c:ask("print(fetch(arg[1]).body)", { c.servers.other.url .. "/count?key=post" }, { beside = false })
    c:must((seen.count or 9) <= 2, "the POST came more than once")
  end },
  { 11, "closed inside the headers", class = "silent",
    cases = same("closed", "closed the connection", { "/cut-status", "/cut-headers", "/cut-header-line" },
      { retryable = true }) },
  { 12, "reset in the body", class = "silent", cases = {
    { "/reset-body", kind = "closed", says = "reset reading the body", retryable = true },
    { "/reset-headers", kind = "closed", says = "reset" },
    { "/reset", kind = "closed", says = "reset" },
  } },
  { 13, "fewer bytes than Content-Length", class = "silent",
    cases = same("truncated", "16 of 100 bytes", { "/short" }, { retryable = true }) },
  { 14, "more bytes than Content-Length", cases = {
    { "/excess", ok = true, body = "ok\n" },
    { "/ok", before = "/excess-response", ok = true, body = "ok\n" },
  } },
  { 15, "Content-Length that contradicts itself", cases = same("protocol", "Content-Length", {
    "/two-lengths", "/length-list", "/length-negative", "/length-letters", "/length-mixed", "/length-plus",
      "/length-overflow",
    "/length-empty",
  }, { retryable = false }) },
  { 16, "Content-Length and chunked together", cases = { { "/length-and-chunked", ok = true, body = "ok\n" } } },
  { 17, "chunks that are none", cases = same("protocol", "chunk",
    { "/bad-chunk", "/chunk-negative", "/chunk-overflow", "/chunk-no-crlf" }) },
  { 18, "no last chunk", class = "silent", cases = {
    { "/no-last-chunk", kind = "truncated", says = "chunk", retryable = true },
    { "/cut-chunk", kind = "truncated", says = "chunk", retryable = true },
  } },
  { 19, "trailers and chunk extensions without end", cases = {
    { "/endless-trailers", kind = "protocol|too_large", says = "trailer" },
    { "/endless-extension", kind = "protocol|too_large|timeout" },
  } },
  { 20, "headers without end", cases = same("too_large", "header", { "/endless-headers", "/endless-header-line" },
    { retryable = false }) },
  { 21, "5,000 headers, 1,000 cookies", cases = {
    { "/headers/5000", kind = "protocol|too_large", either = true },
  }, run = function(c)
    local n = c:ask([[
      local s <close> = lf.session()
      local pairs = {}
      for i = 1, 1000 do pairs[i] = ("c%d=%d"):format(i, i) end
      local res = s:get(arg[1] .. "/cookies/set?" .. table.concat(pairs, "&"))
      local sent = s:get(arg[1] .. "/cookies")
      print(lf.json.encode { res and res.status or 0, #s.cookies:list(), sent and #sent.body or 0 })
    ]], { c.servers.web.url })
    c:must(n[2] and n[2] <= 180 and n[3] <= 8190 + 10, "the jar is not bounded: " .. tostring(n[2]))
  end },
  { 22, "interim answers without end", cases = {
    { "/endless-1xx", kind = "protocol", says = "informational" },
    { "/1xx/5", ok = true },
  } },
  { 23, "no HTTP", cases = {
    { "/garbage", kind = "protocol", says = "not HTTP" },
    { "/http09", kind = "protocol", says = "not HTTP" },
    { "/tls", kind = "protocol", says = "not HTTP" },
    { "/version", kind = "protocol" },
    { "/status-letters", kind = "protocol" },
    { "/101", kind = "protocol", says = "101" },
  } },
  { 24, "NUL, bare CR or no colon in a header",
    cases = same("protocol", "header", { "/header-nul", "/header-cr", "/header-no-colon" }, { retryable = false }) },
  { 25, "odd, and accepted", cases = {
    { "/header-fold", ok = true, body = "ok\n" },
    { "/header-lf", ok = true, body = "ok\n" },
    { "/status-no-reason", ok = true, body = "ok\n" },
    { "/status-999", ok = true, status = 999 },
  } },
  { 26, "a body without end", cases = same("too_large", "max_body (1000000 bytes)", { "/endless", "/endless-chunks" },
    { retryable = false }) },
  { 27, "compression bombs", cases = same("too_large", "max_body (1000000 bytes)",
    { "/gzip-bomb", "/deflate-bomb", "/zstd-bomb", "/br-bomb" }, { retryable = false }) },
  { 28, "compressed bodies that are cut or damaged", class = "silent", cases = same("decode", nil, {
    "/gzip-truncated", "/gzip?cut=1", "/gzip?cut=100", "/br?cut=1", "/zstd?cut=1", "/deflate?cut=1", "/gzip-crc",
      "/gzip-size",
    "/gzip-plain",
  }) },
  { 29, "an unknown encoding, or too many", cases = {
    { "/encoding-unknown", kind = "decode", says = "x-mystery", retryable = false },
    { "/encoding-layers/6", kind = "decode", retryable = false },
    { "/encoding-unknown", opts = { decode = false }, ok = true },
  } },
}
