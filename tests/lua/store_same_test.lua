-- A change that changes nothing is none, whichever way it was written: nobody hears of it, history
-- does not have it, and what was got before is the same node after it.
local json = require "tidelock.json"
local store = require "tidelock.store"
local task = require "tidelock.task"
local test = require "tidelock.test"
local expect = test.expect

local function big(n)
  local t = {}
  for i = 1, n do t["k" .. i] = { n = i } end
  return t
end
local function list(n)
  local t = {}
  for i = 1, n do t[i] = { id = i, tags = { "a", "b" } } end
  return t
end
local function initial()
  return {
    n = 1, x = 1.5, text = "a", flag = false, nothing = {}, array = json.array {}, object = json.object {},
    list = list(100), wide = big(100), deep = { a = { b = { c = { 1, 2, 3 } } } },
  }
end
local s = store.define("s", { initial = initial() })
local heard, traced = 0, 0
for _, part in ipairs { "n", "list", "wide", "deep", "nothing", "array" } do
  s:subscribe(part, function() heard = heard + 1 end)
end
s:subscribe(function() heard = heard + 1 end)
store.trace(function() traced = traced + 1 end)

local ways = {
  ["set of all"] = function() s:set(initial()) end,
  ["set of a number"] = function() s:set { n = 1 } end,
  ["set of the same number as a float"] = function() s:set { n = 1.0 } end,
  ["set of views"] = function() s:set { list = s:get "list", deep = s:get "deep" } end,
  ["set of copies"] = function()
    s:set { list = store.copy(s:get "list"), wide = store.copy(s:get "wide") }
  end,
  ["set of null for what is not there"] = function() s:set { missing = json.null } end,
  ["assigning equal values"] = function()
    s:change(function(d) d.n, d.text, d.flag, d.deep, d.list = 1, "a", false, initial().deep, list(100) end)
  end,
  ["assigning an equal part deep inside"] = function()
    s:change(function(d) d.deep.a.b.c = { 1, 2, 3 } d.deep.a.b = { c = { 1, 2, 3 } } end)
  end,
  ["insert, then remove"] = function()
    s:change(function(d)
      table.insert(d.list, 50, { id = 0 })
      table.remove(d.list, 50)
      table.insert(d.nothing, 1)
      table.remove(d.nothing)
      table.insert(d.array, 1)
      table.remove(d.array)
    end)
  end,
  ["remove, then insert"] = function()
    s:change(function(d) table.insert(d.list, 1, table.remove(d.list, 1)) end)
  end,
  ["there and back"] = function()
    s:change(function(d) d.n = 5 d.n = 1 d.wide.k7.n = 0 d.wide.k7.n = 7 end)
  end,
  ["a new key, taken out"] = function()
    s:change(function(d)
      d.new, d.wide.k0, d.object.a = { 1 }, 1, 1
      d.new, d.wide.k0, d.object.a = nil, nil, nil
    end)
  end,
  ["a key taken out, and put back"] = function()
    s:change(function(d) d.text = nil d.text = "a" d.wide.k5 = nil d.wide.k5 = { n = 5 } end)
  end,
  ["sorting what is sorted"] = function()
    s:change(function(d) table.sort(d.list, function(a, b) return a.id < b.id end) end)
  end,
  ["reversing twice"] = function()
    s:change(function(d)
      for _ = 1, 2 do
        local n = #d.list
        for i = 1, n // 2 do d.list[i], d.list[n - i + 1] = d.list[n - i + 1], d.list[i] end
      end
    end)
  end,
  ["a reset of what is as at first"] = function() s:reset() end,
  ["returning the draft"] = function() s:change(function(d) return d end) end,
  ["nothing at all"] = function() s:set {} end,
}

test.describe("a change that changes nothing", function()
  for name, way in pairs(ways) do
    test.it("is none: " .. name, function()
      task.sleep(0)
      heard, traced = 0, 0
      local before, count = s:get(), #s:history()
      way()
      task.sleep(0)
      expect(s:get() == before).is_true()
      expect(#s:history()).is(count)
      expect({ heard, traced }).equals { 0, 0 }
    end)
  end

  test.it("in a part is none of that part", function()
    local l, w, item = s:get "list", s:get "wide", s:get("list", 42)
    heard = 0
    local items = list(100)
    items[7].id = "other"
    s:set { deep = initial().deep, wide = big(100), list = items, text = "b" }
    task.sleep(0)
    expect(heard).is(2) -- of the list, and of the whole
    expect(s:get "wide" == w).is_true()
    expect(s:get "list" == l).is(false)
    expect(s:get("list", 42) == item).is_true()
    local paths = s:history()[#s:history()].paths
    table.sort(paths)
    expect(paths).equals { "list[7].id", "text" }
    s:undo()
    expect(s:get "list" == l).is_true()
  end)

  test.it("is distinguished from one that decides what an empty table is", function()
    s:set { nothing = json.array {} }
    expect(json.encode(s:get "nothing")).is("[]")
    s:set { nothing = json.object {} }
    expect(json.encode(s:get "nothing")).is("{}")
    s:reset()
  end)

  test.it("costs little where most is shared", function()
    local t = store.define("large", { initial = { list = list(20000), wide = big(20000) } })
    task.sleep(0)
    local begun = os.clock()
    for i = 1, 200 do
      t:change(function(d)
        table.insert(d.list, 1, { id = -i })
        table.remove(d.list)
        d.wide["k" .. i].n = -i
        d.wide["new" .. i] = { n = i }
      end)
    end
    expect(os.clock() - begun < 0.5).is_true() -- 0.03 s; comparing all of it each time takes several
  end)
end)

test.describe("what the function of change returns", function()
  test.it("is refused, and nothing is changed", function()
    for _, value in ipairs { {}, 1, "text", false, true, { n = 2 }, print } do
      expect(function() s:change(function(d) d.n = 7 return value end) end).raises("returned a value")
    end
    expect(function() s:change("named", function(d) d.n = 7 return d.list end) end).raises("returned a value")
    expect(s:get "n").is(1)
    s:change(function(d) d.n = 2 return nil end)
    expect(s:get "n").is(2)
    s:reset()
  end)
end)
