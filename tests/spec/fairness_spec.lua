-- Fairness: who is slow holds up nobody else. On the clock that jumps, so the times are exact.
local lf = require "luafetch"
local test = require "luafetch.test"

local HOSTS, PAGES = 50, 40

-- Every host has some pages, which take 50 ms each; those of one host may be dead slow.
local function site(slow)
  local pages, urls = {}, {}
  for page = 1, PAGES do
    for host = 1, HOSTS do
      local url = ("http://host%d.test/%d"):format(host, page)
      pages[url] = { delay = host == slow and 20 or 0.05, body = "x" }
      urls[#urls + 1] = url
    end
  end
  return pages, urls
end

-- Orders in which a script may have its URLs.
local orders = {
  ["host by host in turn"] = function(urls) return urls end,
  ["the slow host's first"] = function(urls)
    local first, rest = {}, {}
    for _, url in ipairs(urls) do
      local list = url:find("host7.test", 1, true) and first or rest
      list[#list + 1] = url
    end
    return table.move(rest, 1, #rest, #first + 1, first)
  end,
  ["shuffled"] = function(urls)
    local list = table.move(urls, 1, #urls, 1, {})
    math.randomseed(42)
    for i = #list, 2, -1 do
      local j = math.random(i)
      list[i], list[j] = list[j], list[i]
    end
    return list
  end,
}

-- When the last page of each host but number 7 was there.
local function last_of_others(slow, order, fetch_all)
  local pages, urls = site(slow)
  local last = 0
  test.run(pages, function()
    local start = lf.now()
    fetch_all(order(urls), function(url)
      if not url:find("host7.test", 1, true) then last = math.max(last, lf.now() - start) end
    end)
  end)
  return last
end

local ways = {
  gather = function(urls, seen)
    for i = 1, #urls do
      local url = urls[i]
      urls[i] = function()
        local r = lf.fetch(url)
        seen(url)
        return r
      end
    end
    lf.gather(urls, { limit = 2000 })
  end,
  as_completed = function(urls, seen)
    for _, _, url in lf.as_completed(urls, { limit = 100, per_host = 8, timeout = false }) do seen(url) end
  end,
  ["a session"] = function(urls, seen)
    local s <close> = lf.session { limit = 100, per_host = 8 }
    for _, _, url in s:as_completed(urls, { timeout = false }) do seen(url) end
  end,
}

describe("50 hosts, one dead slow: the other 49 take at most 1.2 times as long", function()
  for name, order in pairs(orders) do
    for way, fetch_all in pairs(ways) do
      it(("(%s, %s)"):format(way, name), function()
        local without = last_of_others(nil, order, fetch_all)
        local with = last_of_others(7, order, fetch_all)
        assert.is_true(without > 0)
        assert.is_true(with <= 1.2 * without, ("%.3f s against %.3f s"):format(with, without))
      end)
    end
  end
end)

describe("those of a group and the others of its session", function()
  -- How long a group of ten takes while three tasks ask for the same host without end.
  local function took(opts, reply)
    local pages, urls, time = { ["http://a.test/"] = reply }, {}, nil
    for i = 1, 10 do
      urls[i] = "http://a.test/" .. i
      pages[urls[i]] = reply
    end
    test.run(pages, function()
      local s <close> = lf.session(opts)
      local start = lf.now()
      for _ = 1, 3 do
        lf.background(function() while lf.now() < start + 1000 do s:get "http://a.test/" end end)
      end
      s:gather(urls, { limit = 4 })
      time = lf.now() - start
    end)
    return time
  end

  it("take turns when the rate holds them back", function()
    assert.is_true(took({ rate = 1 }, { body = "x" }) <= 21)
  end)

  it("take turns when the limit per host does", function()
    assert.is_true(took({ per_host = 1 }, { body = "x", delay = 1 }) <= 22)
  end)
end)

describe("limits", function()
  it("of a group that was left by wrong use hold for nobody else", function()
    local page = { delay = 1 }
    test.run({ ["http://a.test/1"] = page, ["http://b.test/"] = page }, function()
      local items = { "http://a.test/1", { url = "http://a.test/2", no_such_option = 1 } }
      local left = lf.as_completed(items, { limit = 1 })
      assert(not pcall(left))
      local start = lf.now()
      lf.fetch "http://b.test/"
      assert.equal(1, lf.now() - start)
      left:close()
    end)
  end)

  it("of a scope: a place goes on when the one who got it is cancelled before it runs", function()
    local ran = {}
    local _, err = lf.timeout(5, lf.scope, { limit = 1 }, function(s)
      local done = lf.event()
      s:spawn(done.wait, done)
      local b = lf.spawn(function() s:spawn(function() ran[#ran + 1] = "b" end) end)
      lf.spawn(function() s:spawn(function() ran[#ran + 1] = "c" end) end)
      lf.sleep(0)
      lf.sleep(0)
      done:set()
      lf.sleep(0) -- it has ended, and b has its place
      b:cancel()
    end)
    assert.is_nil(err)
    assert.same({ "c" }, ran)
  end)
end)

describe("tasks", function()
  it("run in turn: a busy one does not keep others from running", function()
    local turns, busy = 0, true
    lf.background(function() while busy do lf.sleep(0) end end)
    for _ = 1, 100 do
      lf.sleep(0)
      turns = turns + 1
    end
    busy = false
    assert.equal(100, turns)
  end)

  it("of `each` over a hundred items share a limiter evenly", function()
    local count = {}
    test.run({}, function()
      local l = lf.limiter { rate = 10 }
      lf.each({ 1, 2, 3, 4 }, function(i)
        for _ = 1, 25 do
          l:acquire()
          count[i] = (count[i] or 0) + 1
          local least, most = 25, 0
          for k = 1, 4 do
            least, most = math.min(least, count[k] or 0), math.max(most, count[k] or 0)
          end
          assert(most - least <= 2) -- the first one stood in line before the others came
        end
      end)
    end)
    assert.same({ 25, 25, 25, 25 }, count)
  end)
end)
