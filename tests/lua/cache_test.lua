-- tidelock.cache: what is one key, what goes when, what an invalidation finds, and what raises.
local test = require "tidelock.test"
local cache = require "tidelock.cache"
local json = require "tidelock.json"
local store = require "tidelock.store"
local expect = test.expect

local count = 0
local function open(options)
  count = count + 1
  return cache.open("c" .. count, options)
end

local function keys_of(c)
  local keys = {}
  for i, entry in ipairs(c:entries()) do keys[i] = entry.key end
  return keys
end

test.describe("keys", function()
  local same = {
    ["a string"] = { "a", "a" },
    ["whole numbers"] = { 1, 1.0 },
    ["zeros"] = { 0, -0.0 },
    ["numbers in lists"] = { { "p", 7 }, { "p", 7.0 } },
    ["the order of names"] = { { a = 1, b = { c = 2, d = true } }, { b = { d = true, c = 2.0 }, a = 1 } },
    ["empty tables"] = { {}, json.array {} },
    ["an empty object"] = { { "x", json.object {} }, { "x", {} } },
    ["null in an object"] = { { "x", { a = json.null } }, { "x", {} } },
    ["infinity"] = { math.huge, math.huge },
    ["a list that was decoded"] = { { "x", { 1, 2 } }, json.decode '["x",[1,2]]' },
    ["a string with a zero"] = { "a\0b", "a\0b" },
  }
  for name, pair in pairs(same) do
    test.it("are one: " .. name, function()
      local c = open()
      c:set(pair[1], "here")
      expect(c:get(pair[2])).is("here")
      c:set(pair[2], "again")
      expect(c:stats().size).is(1)
    end)
  end

  test.it("that differ are several", function()
    local c = open()
    local all = { 1, "1", { 1 }, { "1" }, true, "true", false, { false }, {}, { {} }, { { {} } }, "",
      { "" }, 1.5, "a",
      "ab", { "a", "b" }, { "ab" }, { { "a" }, "b" }, { a = 1 }, { a = 2 }, { { a = 1 } }, { b = 1 },
        { json.null },
      { json.null, json.null }, 2 ^ 53, math.maxinteger, math.mininteger, math.huge, -math.huge, { "a",
        1 }, { 1, "a" },
      { a = { b = 1 } }, { a = 1, b = 1 }, "S", "L", { "i\0\0\0\0\0\0\0\1" },
        2 ^ 53 + 1.0 == 2 ^ 53 and 9007199254740993 }
    for i, key in ipairs(all) do c:set(key, i) end
    expect(c:stats().size).is(#all)
    for i, key in ipairs(all) do expect(c:get(key)).is(i) end
  end)

  test.it("are views and drafts, too", function()
    local c = open()
    local s = store.define("keys", { initial = { filter = { "a", { b = 1, c = { true } } },
      empty = json.array {} } })
    c:set({ "a", { c = { true }, b = 1 } }, 1)
    expect(c:get(s:get "filter")).is(1)
    expect(c:get { "q", s:get "filter" }).is_nil()
    c:set({ "q", s:get "filter" }, 2)
    expect(c:get { "q", { "a", { b = 1.0, c = { true } } } }).is(2)
    s:change(function(draft) expect(c:get(draft.filter)).is(1) end)
  end)

  test.it("come back as they were", function()
    local c = open { max_entries = math.huge }
    local all = { "a\0b", 1, 1.5, true, { "p", 7, { a = { 1, false }, b = "" } }, { json.null }, { x = 1,
      y = { z = "w" } } }
    for _, key in ipairs(all) do c:set(key, 1) end
    local found = keys_of(c)
    for i, key in ipairs(all) do expect(found[#all + 1 - i]).equals(key) end
    expect(math.type(found[6])).is "integer"
    local big = {}
    for i = 1, 60 do big["key" .. i] = { i, ("x"):rep(i * 5) } end
    c:set(big, 2)
    expect(c:get(big)).is(2)
    expect(c:entries()[1].key).equals(big)
  end)

  local cycle = { 1 }
  cycle[2] = { cycle }
  local deep = {}
  for _ = 1, 600 do deep = { deep } end
  local shared = { "x" }
  for _ = 1, 60 do shared = { shared, shared } end
  local wrong = {
    { "NaN", 0 / 0, "NaN" }, { "NaN in a list", { "a", 0 / 0 }, "[2]: NaN" }, { "NaN inside", { "a",
      { b = { 0 / 0 } } }, "b" },
    { "a function", print, "a function cannot be kept" }, { "a function inside", { "a", { f = print } },
      "[2].f" },
    { "a hole", { 1, nil, 3 }, "hole" }, { "a hole inside", { "a", { b = { [1] = 1, [3] = 1 } } }, "hole" },
    { "a cycle", cycle, "contains itself" }, { "depth", deep, "nested more than 512" }, { "null",
      json.null, "null is no key" },
    { "mixed names", { 1, a = 2 }, "a string key in an array" }, { "a number as a name", { a = 1,
      [2.5] = 1 }, "key" },
    { "a coroutine", coroutine.create(print), "coroutine" }, { "size", ("x"):rep(65537), "65536 bytes" },
    { "size inside", { ("x"):rep(40000), ("y"):rep(40000) }, "65536 bytes" }, { "size by sharing",
      shared, "65536 bytes" },
  }
  for _, case in ipairs(wrong) do
    test.it("cannot be: " .. case[1], function()
      local c = open()
      for _, name in ipairs { "get", "peek", "delete", "invalidate" } do
        expect(function() c[name](c, case[2]) end).raises(case[3])
        expect(function() c[name](c, case[2]) end).raises("cache_test.lua")
        expect(function() c[name](c, case[2]) end).raises("cache:" .. name .. ": key")
      end
      expect(function() c:set(case[2], 1) end).raises(case[3])
      expect(c:stats()).equals { size = 0, max_entries = 100, hits = 0, misses = 0, evictions = 0, bytes = 0 }
    end)
  end

  test.it("cannot be nil, nor left out", function()
    local c = open()
    expect(function() c:get(nil) end).raises "nil"
    expect(function() c:get() end).raises "value expected"
    expect(function() c:set(nil, 1) end).raises "nil"
  end)

  test.it("of 64 KiB are taken", function()
    local c = open()
    local key = ("x"):rep(65536)
    c:set(key, 1)
    expect(c:get(key)).is(1)
    expect(c:invalidate_pattern "x*x").is(1)
  end)
end)

test.describe("values", function()
  test.it("false and null are values, nil is none", function()
    local c = open()
    c:set("f", false)
    c:set("n", json.null)
    expect(c:get "f").is(false)
    expect(c:get "n" == json.null).is(true)
    expect(c:get "x").is_nil()
    expect(function() c:set("x", nil) end).raises "nil cannot be kept"
    expect(c:stats().hits).is(2)
    expect(c:stats().misses).is(1)
  end)

  test.it("are read-only views, and do not change with the table", function()
    local c = open()
    local t = { list = { 1, 2 } }
    c:set("t", t)
    t.list[1] = "other"
    local view = c:get "t"
    expect(store.is_view(view)).is(true)
    expect(view.list[1]).is(1)
    expect(function() view.list[1] = 2 end).raises "this is a view"
    c:delete "t"
    expect(view.list[2]).is(2)
  end)

  test.it("that are held twice are stored once", function()
    local c, d = open(), open()
    c:set("a", { rows = { { id = 1 }, { id = 2 } } })
    local before = c:stats().bytes
    c:set("b", c:get "a")
    d:set("a", c:get "a")
    expect(c:get "b" == c:get "a").is(true)
    expect(d:get "a" == c:get "a").is(true)
    expect(c:stats().bytes < 2 * before - 100).is(true)
    local s = store.define("source", { initial = { rows = { { 1 } } } })
    c:set("rows", s:get "rows")
    expect(c:get "rows" == s:get "rows").is(true)
  end)

  test.it("that come again keep the parts that are equal", function()
    local c = open()
    c:set("a", { x = { 1, 2 }, y = { 3 } })
    local x, all = c:get("a").x, c:get "a"
    c:set("a", { x = { 1, 2 }, y = { 4 } })
    expect(c:get("a").x == x).is(true)
    expect(c:get("a").y[1]).is(4)
    expect(all.y[1]).is(3)
    local now = c:get "a"
    c:set("a", { x = { 1, 2 }, y = { 4 } })
    expect(c:get "a" == now).is(true)
  end)

  test.it("that cannot be kept raise with the place, and leave what there is", function()
    local c = open()
    c:set("a", 1)
    expect(function() c:set("a", { list = { 1, print } }) end).raises("cache:set: value: list[2]: a function")
    expect(c:get "a").is(1)
  end)
end)

test.describe("bounds", function()
  test.it("what was used longest ago goes first", function()
    local c = open { max_entries = 3 }
    for _, key in ipairs { "a", "b", "c" } do c:set(key, key) end
    expect(c:get "a").is "a"
    c:set("b", "again")
    c:set("d", "d")
    expect(keys_of(c)).equals { "d", "b", "a" }
    expect(c:stats().evictions).is(1)
    expect(c:get "c").is_nil()
  end)

  test.it("100 entries where nothing is said, 300 s", function()
    local c = open()
    for i = 1, 150 do c:set(i, i) end
    expect(c:stats().size).is(100)
    expect(c:get(50)).is_nil()
    expect(c:get(51)).is(51)
    expect(c:entries()[1].ttl).is(300)
  end)

  test.it("bytes: keys, values and tags count", function()
    local c = open { max_entries = math.huge, max_bytes = 100000 }
    for i = 1, 100 do c:set(i, ("x"):rep(9000) .. i) end
    local stats = c:stats()
    expect(stats.bytes <= 100000).is(true)
    expect(stats.size >= 9 and stats.size <= 11).is(true)
    expect(stats.evictions).is(100 - stats.size)
    expect(stats.max_entries).is(math.huge)
    for i = 1, 100 do c:set("t" .. i, 1, { tags = { ("t"):rep(9000) .. i } }) end
    expect(c:stats().bytes <= 100000 and c:stats().size <= 11).is(true)
    for i = 1, 100 do c:set(("k"):rep(9000) .. i, 1) end
    expect(c:stats().bytes <= 100000 and c:stats().size <= 11).is(true)
    c:clear()
    expect(c:stats().bytes).is(0)
  end)

  test.it("one that is larger than all of it is not kept, and what it replaces is gone", function()
    local c = open { max_bytes = 1000 }
    expect(c:set("a", "small")).is(true)
    expect(c:set("b", "small")).is(true)
    expect(c:set("a", ("x"):rep(2000))).is(false)
    expect(c:get "a").is_nil()
    expect(c:get "b").is "small"
  end)

  test.it("bytes come back: by delete, by replacing, by expiry", function()
    local c = open { max_entries = 1000 }
    for i = 1, 1000 do c:set({ "k", i }, { i, { name = "n" .. i } }, { tags = { "t" .. i % 7 } }) end
    for i = 1, 1000 do c:set({ "k", i }, { i, { name = "m" .. i } }) end
    for i = 1, 1000 do expect(c:delete { "k", i }).is(true) end
    expect(c:stats().bytes).is(0)
    expect(c:stats().size).is(0)
  end)
end)

test.describe("invalidating", function()
  test.it("by what keys begin with", function()
    local c = open { max_entries = math.huge }
    for i = 1, 30 do
      c:set({ "projects", i }, i)
      c:set({ "projects", i, "members" }, i)
      c:set({ "projects", i, { page = 1 } }, i)
    end
    c:set({ "projects" }, 0)
    c:set({ { "projects", 7 } }, 0)
    c:set("projects", 0)
    expect(c:invalidate { "projects", 7 }).is(3)
    expect(c:invalidate { "projects", 7.0 }).is(0)
    expect(c:get { "projects", 70 }).is_nil()
    expect(c:get { "projects", 8, "members" }).is(8)
    expect(c:invalidate { "projects", 8, { page = 1.0 } }).is(1)
    expect(c:invalidate { "project" }).is(0)
    expect(c:invalidate { "projects" }).is(30 * 3 - 4 + 1)
    expect(c:invalidate {}).is(1)
    expect(c:get "projects").is(0)
    expect(function() c:invalidate "projects" end).raises "takes a list"
    expect(function() c:invalidate { a = 1 } end).raises "takes a list"
  end)

  test.it("by prefix beside a plain search, over many random keys", function()
    local c, all = open { max_entries = math.huge }, {}
    local seed = 12345
    local function random(n)
      seed = (seed * 1103515245 + 12345) % 2147483648
      return seed // 65536 % n
    end
    for round = 1, 400 do
      local key = {}
      for i = 1, random(4) + 1 do key[i] = random(2) == 0 and random(3) or ("ab"):rep(random(3)) end
      c:set(key, round)
      all[json.encode(key)] = key
      if round % 5 == 0 then
        local prefix, matched = {}, 0
        for i = 1, random(2) + 1 do prefix[i] = random(2) == 0 and random(3) or ("ab"):rep(random(3)) end
        for text, one in pairs(all) do
          local good = #one >= #prefix
          for i = 1, #prefix do good = good and one[i] == prefix[i] end
          if good then matched, all[text] = matched + 1, nil end
        end
        expect(c:invalidate(prefix)).is(matched)
      end
      local left = 0
      for _ in pairs(all) do left = left + 1 end
      expect(c:stats().size).is(left)
    end
  end)

  test.it("by tag", function()
    local c = open()
    c:set("a", 1, { tags = { "user", "x" } })
    c:set("b", 2, { tags = { "user", "user" } })
    c:set("c", 3)
    c:set("d", 4, { tags = { "x" } })
    c:set("d", 4, { tags = { "y" } })
    expect(c:invalidate_tag "x").is(1)
    expect(c:invalidate_tag "user").is(1)
    expect(c:invalidate_tag "user").is(0)
    expect(c:invalidate_tag "none").is(0)
    expect(keys_of(c)).equals { "d", "c" }
    c:set("d", 5)
    expect(c:invalidate_tag "y").is(0)
  end)

  local names = { "user:1", "user:12", "user:", "users", "user", "", "a*b", "aXbXc", "abc",
    "user:1:post:2", "a\0b" }
  local patterns = {
    ["user:*"] = { "user:1", "user:12", "user:", "user:1:post:2" }, ["*"] = names, ["user"] = { "user" },
    ["*1"] = { "user:1" }, ["*:*:*"] = { "user:1:post:2" }, ["user:*:post:*"] = { "user:1:post:2" },
      [""] = { "" },
    ["a*b"] = { "a*b", "a\0b" }, ["a*b*c"] = { "aXbXc", "abc" }, ["**"] = names, ["*c"] = { "aXbXc", "abc" },
    ["user*1*"] = { "user:1", "user:12", "user:1:post:2" }, ["[a]*"] = {}, ["us?r"] = {},
      ["u*s*e*r"] = { "user" },
    ["a\0*"] = { "a\0b" }, ["user:1*1"] = {}, ["*user:1"] = { "user:1" }, ["abcc*"] = {},
  }
  for pattern, matches in pairs(patterns) do
    test.it(("by pattern %q"):format(pattern), function()
      local c = open()
      for _, name in ipairs(names) do
        c:set(name, 1)
        c:set({ name }, 1)
      end
      expect(c:invalidate_pattern(pattern)).is(#matches)
      for _, name in ipairs(matches) do expect(c:get(name)).is_nil() end
      expect(c:stats().size).is(2 * #names - #matches)
    end)
  end

  test.it("a hostile pattern takes no long time", function()
    local c = open()
    c:set(("a"):rep(60000), 1)
    local from = os.clock()
    expect(c:invalidate_pattern(("*a"):rep(2000) .. "*b")).is(0)
    expect(c:invalidate_pattern("*" .. ("a"):rep(30000) .. "b*")).is(0)
    expect(c:invalidate_pattern(("*a"):rep(2000) .. "*")).is(1)
    expect(os.clock() - from < 0.5).is(true)
  end)

  test.it("takes strings", function()
    local c = open()
    expect(function() c:invalidate_tag { "a" } end).raises "string expected"
    expect(function() c:invalidate_pattern(7) end).raises "string expected"
  end)
end)

test.describe("time", function()
  test.it("an entry is gone at its ttl, and not before", function()
    local clock = test.clock()
    local c = open { ttl = 10 }
    c:set("a", 1)
    c:set("b", 2, { ttl = 20 })
    c:set("c", 3, { ttl = math.huge })
    clock.advance(9.5)
    expect(c:get "a").is(1)
    expect(c:entries()[1].age > 9.4 and c:entries()[1].age < 9.6).is(true)
    clock.advance(0.5)
    expect(c:get "a").is_nil()
    expect(c:stats().size).is(2)
    expect(c:invalidate_pattern "*").is(2)
    c:set("a", 1)
    clock.advance(6)
    c:set("a", 2) -- its time begins anew
    clock.advance(6)
    expect(c:get "a").is(2)
    clock.advance(1e8)
    expect(c:stats().size).is(0)
  end)

  test.it("what is over is not counted by an invalidation", function()
    local clock = test.clock()
    local c = open { ttl = 1 }
    c:set({ "a", 1 }, 1, { tags = { "t" } })
    c:set({ "a", 2 }, 1, { tags = { "t" }, ttl = 5 })
    c:set("s", 1)
    clock.advance(2)
    expect(c:invalidate_pattern "*").is(0)
    expect(c:invalidate_tag "t").is(1)
    expect(c:invalidate { "a" }).is(0)
  end)

  test.it("a machine that slept counts", function()
    local clock = test.clock()
    local c = open { ttl = 100 }
    c:set("a", 1)
    clock.suspend(3600)
    expect(c:get "a").is_nil()
    c:set("a", 1)
    clock.step(86400) -- the wall clock alone
    expect(c:get "a").is(1)
  end)

  test.it("peek shows stale ones while they are kept, and counts nothing", function()
    local clock = test.clock()
    local c = open { ttl = 10, keep_stale = 20, max_entries = 2 }
    c:set("a", { n = 1 })
    c:set("b", 2)
    local value, age, fresh = c:peek "a"
    expect(value.n).is(1)
    expect(age >= 0 and age < 1e-6).is(true) -- times are sums
    expect(fresh).is(true)
    c:set("d", 3) -- a peek is no use
    expect((c:peek "a")).is_nil()
    clock.advance(15)
    expect(c:get "b").is_nil()
    value, age, fresh = c:peek "b"
    expect(value).is(2)
    expect(age > 14.9 and age < 15.1).is(true)
    expect(fresh).is(false)
    expect(c:entries()[1].stale).is(true)
    clock.advance(15)
    expect((c:peek "b")).is_nil()
    expect(c:stats().hits).is(0)
    expect(c:stats().misses).is(1)
  end)

  test.it("an invalidated entry is stale where stale ones are kept", function()
    local clock = test.clock()
    local c = open { keep_stale = 20 }
    c:set({ "a" }, 1, { tags = { "t" } })
    expect(c:invalidate { "a" }).is(1)
    expect(c:invalidate_tag "t").is(0)
    expect(c:get { "a" }).is_nil()
    local value, _, fresh = c:peek { "a" }
    expect(value).is(1)
    expect(fresh).is(false)
    c:set({ "a" }, 2)
    expect(c:get { "a" }).is(2)
    expect(c:delete { "a" }).is(true)
    expect((c:peek { "a" })).is_nil()
    clock.advance(1)
  end)
end)

test.describe("opening", function()
  test.it("again with the same options is the same cache", function()
    local a = cache.open("twice", { max_entries = 5 })
    local b = cache.open("twice", { max_entries = 5.0, ttl = 300 })
    a:set("x", 1)
    expect(b:get "x").is(1)
    expect(a:name()).is "twice"
    expect(function() cache.open("twice", { max_entries = 6, ttl = 1 }) end)
      .raises 'the cache "twice" is open with other options: max_entries, ttl'
    expect(function() cache.open "twice" end).raises "max_entries"
  end)

  test.it("checks names and options", function()
    expect(function() cache.open "a b" end).raises "a name is made of"
    expect(function() cache.open("o", { max_entry = 1 }) end).raises 'did you mean "max_entries"'
    expect(function() cache.open("o", { persist = 1 }) end).raises "persist is true or false"
    for _, name in ipairs { "max_entries", "max_bytes", "ttl" } do
      for _, value in ipairs { 0, -1, 0 / 0, "5", -math.huge, 1e300 } do
        expect(function() cache.open("o",
          { [name] = value }) end).raises("cache.open: " .. name .. " must be")
      end
    end
    expect(function() cache.open("o", { max_entries = 1.5 }) end).raises "whole number"
    local c = open()
    expect(function() c:set("a", 1, { tll = 1 }) end).raises 'did you mean "ttl"'
    expect(function() c:set("a", 1, { ttl = 0 }) end).raises "cache:set: ttl must be more than 0"
    expect(function() c:set("a", 1, { tags = "t" }) end).raises "tags is a list of strings"
    expect(function() c:set("a", 1, { tags = { t = true } }) end).raises "tags is a list of strings"
    expect(function() c:set("a", 1, { tags = { 1 } }) end).raises "item 1 is a number"
    expect(function() c:stats {} end).raises "takes no options"
  end)
end)

test.describe("memory", function()
  test.it("a cache without bounds gives up its oldest entries, not its script", function()
    local c = open { max_entries = math.huge }
    local text = ("x"):rep(1000000)
    for i = 1, 1000 do c:set(i, text .. i) end
    expect(c:stats().evictions > 0).is(true)
    expect(c:get(1000)).is(text .. 1000)
    c:clear()
  end)
end)
