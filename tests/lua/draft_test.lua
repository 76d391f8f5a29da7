-- Drafts: editing immutable state as if it were a table.
local core = require "tidelock.test.core"
local json = require "tidelock.json"
local env = require "tidelock.env"
local test = require "tidelock.test"
local expect = test.expect
local value, change = core.value, core.change

local function changed(from, fn) return change(value(from), fn) end

test.describe("a draft", function()
  test.it("is edited like a table, and the old state stays", function()
    local before = value { user = { name = "a", prefs = { dark = false } }, list = { 1, 2, 3 } }
    local after = change(before, function(d)
      d.user.prefs.dark = true
      d.user.age = 7
      d.user.name = nil
      d.list[2] = "two"
      d.list[4] = { x = 1 }
      d.list[4].x = d.list[4].x + 1
      expect(d.user.prefs.dark).is(true)
      expect(d.user.name).is_nil()
      expect(#d.list).is(4)
    end)
    expect(after).equals { user = { age = 7, prefs = { dark = true } }, list = { 1, "two", 3, { x = 2 } } }
    expect(before).equals { user = { name = "a", prefs = { dark = false } }, list = { 1, 2, 3 } }
  end)

  test.it("that is only read, or written the same, changes nothing", function()
    local before = value { a = { b = { 1, "x", 2.5 } }, n = 1 }
    local after = change(before, function(d)
      d.n = 1
      d.a.b[2] = "x"
      d.a = d.a
      local _ = d.a.b[3]
      for _ in pairs(d.a) do end
      table.sort(d.a.b, function() return false end)
    end)
    expect(after == before).is_true()
  end)

  test.it("shares what was not touched", function()
    local before = value { a = { x = {} }, b = { y = {} } }
    local after = change(before, function(d) d.a.x.new = d.b.y end)
    expect(after.b == before.b).is_true()
    expect(after.a.x.new == before.b.y).is_true()
  end)

  test.it("gives the same draft for the same place", function()
    changed({ list = { {}, {} }, o = {} }, function(d)
      expect(rawequal(d.o, d.o)).is_true()
      local first, second = d.list[1], d.list[2]
      table.insert(d.list, 1, "new")
      expect(rawequal(d.list[2], first) and rawequal(d.list[3], second)).is_true()
      table.remove(d.list, 2)
      expect(rawequal(d.list[2], second)).is_true()
      second.seen = true
      expect(d.list[2].seen).is(true)
    end)
  end)

  test.it("knows the table functions", function()
    local after = changed({ list = { 3, 1, 2 } }, function(d)
      local list = d.list
      table.insert(list, 5)
      table.insert(list, 1, 4)
      expect(table.concat(list, ",")).is "4,3,1,2,5"
      expect(table.remove(list, 2)).is(3)
      expect(table.remove(list)).is(5)
      table.sort(list)
      expect({ table.unpack(list) }).equals { 1, 2, 4 }
      table.sort(list, function(a, b) return a > b end)
      table.move(list, 1, 2, 3)
      expect(table.move(list, 1, 2, 1, {})).equals { 4, 2 }
      expect(table.remove(list, #list + 1)).is_nil()
      expect(function() table.insert(list, 9, 1) end).raises "position out of bounds"
      expect(function() table.insert(list, 0, 1) end).raises "position out of bounds"
      expect(function() table.insert(list, nil) end).raises "json.null"
      expect(function() table.remove(list, 9) end).raises "position out of bounds"
      expect(function() table.insert(d, 1) end).raises "an array expected"
      expect(function() table.move(list, 1, 9, 2) end).raises "no item"
    end)
    expect(after.list).equals { 4, 2, 4, 2 }
  end)

  test.it("sorts items that are tables, and their drafts follow", function()
    local after = changed({ { n = 3 }, { n = 1 }, { n = 2 } }, function(d)
      local three = d[1]
      table.sort(d, function(a, b) return a.n < b.n end)
      three.found = true
      expect(rawequal(d[3], three)).is_true()
      expect(function() table.sort(d) end).raises "compare"
      expect(function() table.sort(d, function() d[1] = nil end) end).raises()
    end)
    expect(after).equals { { n = 1 }, { n = 2 }, { n = 3, found = true } }
  end)

  test.it("is looped over while it changes", function()
    local before = { typing = { a = 1, b = 2, c = 3 }, list = { { n = 1 }, { n = 2 }, { n = 3 } } }
    local after = changed(before, function(d)
      for user, n in pairs(d.typing) do
        if n < 3 then d.typing[user] = nil else d.typing[user] = n * 10 end
      end
      for _, item in ipairs(d.list) do item.n = item.n + 1 end
      for i, item in pairs(d.list) do item.i = i end
      for i = #d.list, 1, -1 do
        if d.list[i].n == 3 then table.remove(d.list, i) end
      end
    end)
    expect(after).equals { typing = { c = 30 }, list = { { n = 2, i = 1 }, { n = 4, i = 3 } } }
  end)

  test.it("moves a branch from one place to another", function()
    local after = changed({ todo = { { id = 1, sub = { 1 } } }, done = {} }, function(d)
      local item = table.remove(d.todo, 1)
      item.done = true
      table.insert(d.done, item)
      item.late = true -- it went there as it is
      d.done[1].sub[2] = 2
      d.copy = d.done[1] -- a second place: its own from now on
      d.copy.second = true
      d.done[1].first = true
    end)
    expect(after).equals {
      todo = {}, done = { { id = 1, sub = { 1, 2 }, done = true, late = true, first = true } },
      copy = { id = 1, sub = { 1, 2 }, done = true, late = true, second = true },
    }
  end)

  test.it("can be put into itself, as it is then", function()
    local after = changed({ a = { x = 1 } }, function(d)
      d.a.inner = d.a
      d.a.x = 2
      local taken = d.a
      d.a = nil
      taken.me = taken
      d.b = taken
    end)
    expect(after).equals { b = { x = 2, inner = { x = 1 }, me = { x = 2, inner = { x = 1 } } } }
  end)

  test.it("takes views, of other states too", function()
    local other = value { deep = { 1 } }
    local after = changed({}, function(d) d.x = other.deep end)
    expect(after.x == other.deep).is_true()
  end)

  test.it("lets an empty table become either", function()
    local before = { a = {}, b = {}, c = {}, d = json.array {}, e = json.object {}, f = {} }
    local after = changed(before, function(d)
      d.a[1] = "x"
      table.insert(d.b, "y")
      d.c.z = 1
      expect(function() d.d.x = 1 end).raises "a string as a key in an array"
      expect(function() d.e[1] = 1 end).raises "as a key in an object"
    end)
    expect(json.encode(after.a) .. json.encode(after.b) .. json.encode(after.c)).is '["x"]["y"]{"z":1}'
    expect(json.encode(after.d) .. json.encode(after.e) .. json.encode(after.f)).is "[]{}{}"
  end)

  test.it("refuses what cannot be kept, and goes on", function()
    local after = changed({ list = { 1, 2 }, o = {} }, function(d)
      expect(function() d.o.f = print end).raises "a function cannot be kept"
      expect(function() d.o.f = { { print } } end).raises "[1][1]: a function"
      expect(function() d.list[5] = 1 end).raises "a hole"
      expect(function() d.list[1] = nil end).raises "a hole"
      expect(function() d.list.x = 1 end).raises "a string as a key in an array"
      expect(function() d.list[1.5] = 1 end).raises "this number as a key"
      expect(function() d.o[true] = 1 end).raises "boolean as a key"
      d.list[7] = nil
      d.list[2] = nil
      d.o.gone = json.null
    end)
    expect(after).equals { list = { 1 }, o = {} }
  end)

  test.it("is over when the change is", function()
    local kept, inner
    changed({ a = { 1 } }, function(d) kept, inner = d, d.a end)
    for _, use in ipairs {
      function() return kept.a end, function() kept.a = 1 end, function() return #inner end,
      function() table.insert(inner, 1) end, function() for _ in pairs(inner) do end end,
      function() return tostring(inner) end, function() table.sort(inner) end,
    } do
      expect(use).raises "change that has ended"
    end
    expect(json.encode(kept)).is_nil()
    local before = value { n = 1 }
    expect(function()
      change(before, function(d)
        kept = d
        d.n = 2
        error("no further")
      end)
    end).raises "no further"
    expect(before.n).is(1)
    expect(function() return kept.n end).raises "change that has ended"
  end)

  test.it("does not nest for ever", function()
    changed({ x = {} }, function(d)
      expect(function()
        for _ = 1, 600 do d.x = { d.x } end
      end).raises "nested more than 512 deep"
      expect(function()
        local at = d
        for _ = 1, 600 do
          at.y = {}
          at = at.y
        end
      end).raises "nested more than 512 deep"
    end)
    local list = {}
    for i = 1, 2000 do list[i] = {} end
    changed(list, function(d)
      expect(function()
        local last = table.remove(d)
        while #d > 0 do
          local item = table.remove(d)
          item.next = last
          last = item
        end
      end).raises "nested more than 512 deep"
    end)
    changed(list, function(d)
      expect(function()
        local first = table.remove(d)
        while #d > 0 do
          local item = table.remove(d)
          first.next = item
          first = item
        end
      end).raises "nested more than 512 deep"
    end)
  end)

  test.it("is shown, encoded and compared as what it holds", function()
    changed({ a = { 1 } }, function(d)
      d.a[2] = "x"
      expect(tostring(d)).is '{"a":[1,"x"]}'
      expect(json.encode(d)).is '{"a":[1,"x"]}'
      expect(json.encode { d.a }).is '[[1,"x"]]'
      expect(json.is_array(d.a)).is_true()
      expect(d).equals { a = { 1, "x" } }
      expect(getmetatable(d)).is "draft"
      expect(function() next(d) end).raises "table expected"
    end)
  end)

  test.it("keeps the drafts of a growing object at their keys", function()
    local start = {}
    for i = 1, 20 do start["k" .. i] = { n = i } end
    local after = changed(start, function(d)
      local held = {}
      for key, item in pairs(d) do held[key] = item end
      for i = 21, 100 do d["k" .. i] = { n = i } end
      for i = 1, 10 do d["k" .. i] = nil end
      for _, item in pairs(held) do item.held = true end
    end)
    for i = 11, 100 do
      expect(after["k" .. i].n).is(i)
      expect(after["k" .. i].held).is(i <= 20 or nil)
    end
    expect(after.k1).is_nil()
  end)

  test.it("is fast on long lists", function()
    local list = {}
    for i = 1, 20000 do list[i] = { id = i, keep = i % 2 == 0 } end
    local after = changed({ list = list }, function(d)
      for i = #d.list, 1, -1 do
        if not d.list[i].keep then table.remove(d.list, i) end
      end
      for _, item in ipairs(d.list) do item.keep = nil end
      table.insert(d.list, 1, { id = 0 })
    end)
    expect(#after.list).is(10001)
    expect(after.list[2]).equals { id = 2 }
    expect(after.list[10001]).equals { id = 20000 }
  end)
end)

-- --- random edits of a draft and of a plain table, side by side --------------------------------
-- The plain table is edited as the draft's rules have it: what is assigned is copied. SEED
-- plays one again, SEEDS says how many from there on.

local function deep(t)
  if type(t) ~= "table" then return t end
  local c = {}
  for k, v in pairs(t) do c[k] = deep(v) end
  return c
end

local seed = tonumber(env.get("SEED", "1"))
local rounds = tonumber(env.get("SEEDS", env.get "SEED" and "1" or "300"))
test.timeout = 30 + rounds / 10

local Game = {}
Game.__index = Game

function Game:roll(n) return self.random(n) end

--- A generator of its own, so that a seed is enough to play a game again.
local function generator(from)
  local state = from
  return function(n)
    state = (state * 6364136223846793005 + 1442695040888963407)
    return ((state >> 33) % n) + 1
  end
end

function Game:item()
  local what = self:roll(8)
  if what == 1 then return {} end
  if what == 2 then return { n = self:roll(9), list = { self:roll(9), { deep = true } } } end
  if what == 3 then return { self:roll(9), self:roll(9), {} } end
  if what == 4 then return "text " .. self:roll(99) end
  if what == 5 then return self:roll(100) / 8 end
  return self:roll(1000)
end

local function is_list(t, otherwise)
  if next(t) == nil then return otherwise end
  return t[1] ~= nil
end

local function sorted_keys(t)
  local keys = {}
  for k in pairs(t) do keys[#keys + 1] = k end
  table.sort(keys)
  return keys
end

--- The same random container of both.
function Game:wander(d, t)
  for _ = 1, 5 do
    local parts = {}
    for _, k in ipairs(sorted_keys(t)) do
      if type(t[k]) == "table" then parts[#parts + 1] = k end
    end
    if #parts == 0 or self:roll(4) == 1 then break end
    local k = parts[self:roll(#parts)]
    d, t = d[k], t[k]
  end
  return d, t
end

local function by_text(a, b)
  local kind = type(a)
  if kind ~= type(b) then return (kind == "userdata" or kind == "table") and false or kind < type(b) end
  if kind == "number" or kind == "string" then return a < b end
  return false
end

local function scalars_only(t)
  for _, v in ipairs(t) do if type(v) == "table" then return false end end
  return true
end

function Game:edit_list(d, t)
  local what, at = self:roll(9), self:roll(#t + 1)
  if what <= 2 then
    local x = self:item()
    table.insert(d, at, x)
    table.insert(t, at, deep(x))
  elseif what == 3 then
    local x = self:item()
    table.insert(d, x)
    table.insert(t, deep(x))
  elseif what == 4 then
    local x = self:item()
    d[at], t[at] = x, deep(x)
  elseif what == 5 and #t > 0 then
    at = self:roll(#t)
    local a, b = table.remove(d, at), table.remove(t, at)
    if type(b) ~= "table" then expect(a).is(b) else expect(a).equals(b) end
    if self:roll(2) == 1 then -- back in elsewhere, and changed afterwards
      table.insert(d, a)
      table.insert(t, b)
      if type(b) == "table" and not is_list(b, true) then a.moved, b.moved = true, true end
    end
  elseif what == 6 and #t > 0 then
    d[#d], t[#t] = nil, nil
  elseif what == 7 and #t > 1 then
    local from, to = self:roll(#t), self:roll(#t)
    local count = math.min(self:roll(3), #t - from + 1)
    local copied = deep({ table.unpack(t, from, from + count - 1) })
    table.move(d, from, from + count - 1, to)
    table.move(copied, 1, count, to, t)
  elseif what == 8 and scalars_only(t) then
    table.sort(d, by_text)
    table.sort(t, by_text)
  elseif #t > 0 then
    at = self:roll(#t)
    d[self:roll(#t)] = d[at]
    self.assigned = true
  end
end

function Game:edit_object(d, t)
  local key = "k" .. self:roll(self.wide and 80 or 12)
  if self:roll(4) == 1 then
    d[key], t[key] = nil, nil
  else
    local x = self:item()
    d[key], t[key] = x, deep(x)
  end
end

function Game:step(d, t)
  local da, ta = self:wander(d, t)
  if self:roll(10) == 1 then -- a branch to another place
    local db, tb = self:wander(d, t)
    if not is_list(tb, true) then
      db.branch = da
      tb.branch = deep(ta)
      return
    end
  end
  if is_list(ta, self:roll(2) == 1) and json.encode(da) ~= "{}" or #ta > 0 then
    local before = self.random
    self:edit_list(da, ta)
    if self.assigned then -- d[i] = d[j]: read which from the draft
      self.assigned = nil
      for i = 1, #ta do ta[i] = deep(json.decode(json.encode { da[i] })[1]) end
    end
    self.random = before
  elseif json.encode(da) ~= "[]" then
    self:edit_object(da, ta)
  end
end

local function play(from)
  local game = setmetatable({ random = generator(from) }, Game)
  game.wide = game:roll(3) == 1
  local plain = { list = { 1, { a = 1 }, 3 }, object = { x = { y = {} } } }
  local state = value(plain)
  for _ = 1, 6 do
    local before, text = state, json.encode(state)
    state = change(state, function(d)
      for _ = 1, game:roll(20) do game:step(d, plain) end
    end)
    expect(state).equals(plain)
    expect(json.encode(before)).is(text)
  end
end

test.describe("drafts and tables", function()
  test.it("come to the same by random edits", function()
    for from = seed, seed + rounds - 1 do
      local ok, err = pcall(play, from)
      if not ok then error(("SEED=%d: %s"):format(from, err), 0) end
    end
  end)
end)
