-- Other clients on the card (make faults-peers): curl and aiohttp, with the options that their
-- documentation has for it, on the rows and cases that they can be asked at all. They are judged more
-- mildly than luafetch is: what should fail has to fail in time, whatever is said of it.
-- 2: the right outcome; 1: it failed where it should not; 0: something wrong was taken as good, it
-- hung, or a password was shown.
package.path = "./?.lua;tests/faults/?.lua;" .. package.path
local lf = require "luafetch"
local card = require "card"
local setting = require "setting"
local quote = card.quote

local PATIENCE = 3 -- seconds more than the case allows

-- The request in plain fields; or nil, and what the peers have nothing for.
local function plan_of(case, base)
  local request = card.request(case, base)
  local timeout = type(request.timeout) == "table" and request.timeout or { total = request.timeout }
  local plan = { url = request.url, before = request.before and request.before.url, max_body = request.max_body,
    total = timeout.total or 3, connect = timeout.connect, stall = timeout.stall, method = request.method,
    body = request.body, proxy = request.proxy, resolve = request.resolve }
  local known = { url = true, before = true, max_body = true, timeout = true, method = true, body = true, proxy = true,
    resolve = true, tls = true }
  for name, value in pairs(request.tls or {}) do
    if name == "ca" then plan.ca = value elseif name == "verify" and not value then plan.insecure = true
    else return nil, "tls." .. name end
  end
  for name in pairs(request) do
    if not known[name] then return nil, name end
  end
  return plan
end

-- ---- the peers: each gives the outcomes of a list of plans ----

local function curl_words(plan, url, file)
  local words = { "-sS", "-L", "--max-redirs", "10", "--compressed", "--max-time", plan.total,
    "--max-filesize", plan.max_body, "-o", file, "-w", "%{http_code} %{size_download}\n" }
  local function add(...) table.move({ ... }, 1, select("#", ...), #words + 1, words) end
  if plan.connect then add("--connect-timeout", plan.connect) end
  if plan.stall then add("--speed-limit", 1, "--speed-time", math.ceil(plan.stall)) end
  if plan.ca then add("--cacert", plan.ca) end
  if plan.insecure then add "--insecure" end
  if plan.proxy then add("--proxy", plan.proxy) end
  local host, port = plan.url:match "//([^:/]+):(%d+)"
  for name, address in pairs(plan.resolve or {}) do
    if name == host then add("--resolve", ("%s:%s:%s"):format(name, port, address)) end
  end
  if url == plan.url then
    if plan.method then add("-X", plan.method) end
    if plan.body then add("--data-binary", plan.body) end
  end
  add(url)
  return words
end

-- The length of a file, and how it begins.
local function look_at(name)
  local file <close> = io.open(name, "rb")
  if not file then return 0, "" end
  return file:seek "end", file:seek "set" and file:read(2000) or ""
end

local function curl(c, plans)
  local handles, results = {}, {}
  for i, plan in ipairs(plans) do
    local file = c:path("body" .. i)
    local words = { "exec curl" }
    local function add(list)
      for _, word in ipairs(list) do words[#words + 1] = quote(tostring(word)) end
    end
    if plan.before then
      add(curl_words(plan, plan.before, "/dev/null"))
      words[#words + 1] = "--next"
    end
    add(curl_words(plan, plan.url, file))
    handles[i] = c:start(table.concat(words, " "), { limit = plan.total + PATIENCE + 5 })
  end
  for i, handle in ipairs(handles) do
    local r = handle.wait()
    local len, body = look_at(c:path("body" .. i))
    results[i] = { failed = r.code ~= 0, text = r.err, took = r.took, status = tonumber(r.out:match "(%d+) %d+%s*$"),
      len = len, body = body }
  end
  return results
end

local function aiohttp(c, plans)
  local file = c:path "peer.json"
  card.spit(file, lf.json.encode(lf.json.array(plans)))
  local r = c:start("exec /usr/bin/python3 tests/faults/peer_aiohttp.py " .. quote(file), { limit = 20 }).wait()
  local results = lf.json.decode(r.out)
  c:must(results, "aiohttp ended with " .. r.code .. ": " .. r.err:sub(-200))
  for i = 1, #plans do
    if not results or not results[i] then return nil end
    results[i].text = (results[i].text or "") .. r.err
  end
  return results
end

local PEERS = { { "curl", curl }, { "aiohttp", aiohttp } }

-- ---- the judge ----

local function judge(c, case, got)
  local what = ("%s: %s"):format(case[1], got.failed and got.text:match "[^\n]*"
    or ("%s, %d bytes taken as good"):format(got.status, got.len))
  c:must(got.took <= (case.within or 3) + PATIENCE, ("%s took %.1f s"):format(case[1], got.took))
  c:must(not got.text or not got.text:find("s3cret", 1, true), "a password in " .. what)
  if case.either then return end
  if case.kind then
    c:must(got.failed, what)
  elseif got.failed then
    c:must(false, what, 1)
  else
    c:must((not case.status or case.status == got.status) and (not case.body or case.body == got.body)
      and (not case.len or case.len == got.len), what)
  end
end

local function asking(peer)
  return function(c, row, cases)
    if not cases then c:skip "no single requests" end
    if row.words then c:skip "options of luafetch itself" end
    local plans, asked = {}, {}
    for _, case in ipairs(cases) do
      local plan = plan_of(case, c.servers[case.at or "web"].url)
      if plan then plans[#plans + 1], asked[#asked + 1] = plan, case end
    end
    if #plans == 0 then c:skip "options that others have not" end
    local results = peer(c, plans) or {}
    for i, got in ipairs(results) do judge(c, asked[i], got) end
  end
end

local function main()
  local s <close> = setting.servers()
  local totals, rows, told = {}, 0, {}
  print(("%3s  %-58s %8s %8s"):format("row", "", PEERS[1][1], PEERS[2][1]))
  for _, row in ipairs(setting.rows()) do
    local points = {}
    for i, peer in ipairs(PEERS) do
      local c = card.run(row, s, asking(peer[2]))
      points[i] = c.points or "-"
      local t = totals[i] or { points = 0, silent = 0, leak = 0 }
      totals[i] = t
      if c.points then
        t.points = t.points + c.points
        if row.class and c.points == 0 then t[row.class] = t[row.class] + 1 end
        for k = 1, math.min(#c.notes, 3) do
          told[#told + 1] = ("%3d  %-8s %s"):format(row[1], peer[1], lf.text.cut(c.notes[k], 130))
        end
      end
    end
    if points[1] ~= "-" then
      rows = rows + 1
      print(("%3d  %-58s %8s %8s"):format(row[1], row[2], points[1], points[2]))
      io.stdout:flush()
    end
  end
  print(table.concat(told, "\n"))
  for i, peer in ipairs(PEERS) do
    print(("%s: %d of %d points; silent wrong data in %d rows"):format(peer[1], totals[i].points, 2 * rows,
      totals[i].silent))
  end
end

main()
