-- Stores by random play: whole changes, failing ones, set, undo and reset of a store beside a list of
-- plain tables. In a change drafts are held on to, moved, copied, sorted and looped over while they
-- change; the plain tables follow the draft's rules: what is nowhere is moved in, else copied.
-- SEED= plays one again, SEEDS= says how many from there on.
local json = require "tidelock.json"
local random = require "play"
local store = require "tidelock.store"
local task = require "tidelock.task"
local test = require "tidelock.test"
local expect = test.expect

local first, seeds = random.seeds(150)

local function deep(t)
  if type(t) ~= "table" then return t end
  local c = {}
  for k, v in pairs(t) do c[k] = deep(v) end
  return c
end

local function sorted_keys(t)
  local keys = {}
  for k in pairs(t) do keys[#keys + 1] = k end
  table.sort(keys)
  return keys
end

-- --- one change ---------------------------------------------------------------------------------
-- `within` knows what a plain table stands in (nil: nowhere); `held` are drafts kept from before, each
-- with its table.

local Play = {}
Play.__index = Play

local function adopt(self, t, parent)
  self.within[t] = parent
  for _, v in pairs(t) do
    if type(v) == "table" then adopt(self, v, t) end
  end
end

--- Both sides of something new.
function Play:item()
  local what, n = self.roll(6), self.roll(99)
  if what == 1 then return json.object { n = n }, { n = n } end
  if what == 2 then return json.array { n, "a" }, { n, "a" } end
  if what == 3 then
    local made = { list = { { n = n }, n }, sub = { x = { y = n } } }
    return made, deep(made)
  end
  if what == 4 then return "text " .. n, "text " .. n end
  return n, n
end

local function is_list(t) return t[1] ~= nil end

--- Draft and table of a container: of the tree, or of those held from before.
function Play:pick()
  if #self.held > 0 and self.roll(4) == 1 then
    local pair = self.held[self.roll(#self.held)]
    return pair.d, pair.t
  end
  local d, t = self.d, self.t
  for _ = 1, self.roll(5) do
    local parts = {}
    for _, k in ipairs(sorted_keys(t)) do
      if type(t[k]) == "table" then parts[#parts + 1] = k end
    end
    if #parts == 0 then break end
    local k = parts[self.roll(#parts)]
    d, t = d[k], t[k]
  end
  if t ~= self.t and self.roll(3) == 1 then self.held[#self.held + 1] = { d = d, t = t } end
  return d, t
end

local function stands_in(self, t, other)
  while t do
    if t == other then return true end
    t = self.within[t]
  end
  return false
end

--- What is to go into the container `into`: as the draft takes it, and what the table gets.
function Play:value_for(into)
  if self.roll(4) > 1 then
    local d, t = self:item()
    if type(t) == "table" then adopt(self, t, nil) end
    return d, t
  end
  local d, t = self:pick()
  if t == self.t or self.within[t] or stands_in(self, into, t) then t = deep(t) adopt(self, t, nil) end
  return d, t
end

local function leave(self, t)
  if type(t) == "table" then self.within[t] = nil end
end

local function enter(self, into, t)
  if type(t) == "table" then self.within[t] = into end
end

function Play:edit_object(d, t)
  local key = "k" .. self.roll(self.wide and 60 or 8)
  if self.roll(4) == 1 then
    leave(self, t[key])
    d[key], t[key] = nil, nil
    return
  end
  local x, y = self:value_for(t)
  if rawequal(x, d[key]) then y = t[key] end -- itself: nothing changes
  leave(self, t[key])
  d[key], t[key] = x, y
  enter(self, t, y)
end

local function weigh(v)
  if type(v) == "number" then return v end
  if type(v) == "string" then return #v end
  return type(v.n) == "number" and 200 + v.n or 500
end

function Play:loop(d, t)
  for i, v in ipairs(d) do -- each item's field, while it is looped over
    if type(t[i]) == "table" and not is_list(t[i]) and next(t[i]) then v.seen, t[i].seen = i, i end
  end
  for i = #d, 2, -1 do
    if self.roll(4) == 1 then
      table.remove(d, i)
      leave(self, table.remove(t, i))
    end
  end
end

function Play:edit_list(d, t)
  local what, at = self.roll(8), self.roll(#t + 1)
  if what <= 3 then
    local x, y = self:value_for(t)
    table.insert(d, at, x)
    table.insert(t, at, y)
    enter(self, t, y)
  elseif what == 4 and #t > 1 then
    at = self.roll(#t)
    local x, y = table.remove(d, at), table.remove(t, at)
    leave(self, y)
    if type(y) == "table" then self.held[#self.held + 1] = { d = x, t = y } else expect(x).is(y) end
  elseif what == 5 then
    local function before(weight) return function(a, b) return weight(a) < weight(b) end end
    local seen = {} -- equal ones may come in any order: only when all differ
    for _, v in ipairs(t) do
      if seen[weigh(v)] then return end
      seen[weigh(v)] = true
    end
    table.sort(d, before(weigh))
    table.sort(t, before(weigh))
  elseif what == 6 and #t > 0 then
    local from, to = self.roll(#t), self.roll(#t + 1)
    if to == from then return end
    local moved = deep(t[from])
    table.move(d, from, from, to)
    leave(self, t[to])
    t[to] = moved
    if type(moved) == "table" then adopt(self, moved, t) end
  elseif what == 7 then
    self:loop(d, t)
  end
end

--- An object is gone through while its keys change and go.
local function sweep(d, t)
  for _, key in ipairs(sorted_keys(t)) do expect(type(d[key]) == "nil").is(false) end
  for key, v in pairs(d) do
    local drop = type(t[key]) == "number" and t[key] % 3 == 0
    if drop then d[key], t[key] = nil, nil
    elseif type(v) == "number" then d[key], t[key] = v + 1, t[key] + 1 end
  end
end

function Play:step()
  local d, t = self:pick()
  if is_list(t) then self:edit_list(d, t)
  elseif next(t) then
    if self.roll(6) == 1 then sweep(d, t) else self:edit_object(d, t) end
  end
  if self.roll(8) == 1 then expect(d).equals(t) end
end

--- Edits the draft, and gives what the table is then.
function Play:change(d, before)
  self.d, self.t, self.held, self.within = d, deep(before), {}, {}
  adopt(self, self.t, nil)
  for _ = 1, self.roll(25) do self:step() end
  for _, pair in ipairs(self.held) do expect(pair.d).equals(pair.t) end
  return self.t
end

-- --- many changes of one store ------------------------------------------------------------------

local initial = { k1 = { list = { 1, { n = 1 }, 3 } }, k2 = { x = { y = {} } } }
local shared = store.define("play", { initial = initial })
local last_change -- the last call of the subscriber
shared:subscribe(function(new, old) last_change = { new = new, old = old } end)

local function play(seed)
  local self = setmetatable({ roll = random.generator(seed) }, Play)
  self.wide = self.roll(3) == 1
  shared:reset()
  task.sleep(0)
  local states, views = { deep(initial) }, { shared:get() } -- plain, and views held from then
  local function now(t)
    expect(shared:get()).equals(t)
    if shared:get() == views[#views] then return end
    states[#states + 1], views[#views + 1] = t, shared:get()
  end
  for _ = 1, 12 do
    local before, what = shared:get(), self.roll(10)
    if what == 1 then
      expect(pcall(shared.change, shared, function(d)
        self:change(d, states[#states])
        error("no further")
      end)).is(false)
      expect(shared:get() == before).is_true()
    elseif what == 2 then
      local x, y = self:item()
      shared:set { k3 = x }
      local t = deep(states[#states])
      t.k3 = deep(y)
      now(t)
    elseif what <= 4 and #states > 1 then
      local n = self.roll(#states - 1)
      shared:undo(n)
      expect(shared:get() == views[#views - n]).is_true()
      now(states[#states - n])
    else
      local t
      shared:change(function(d) t = self:change(d, states[#states]) end)
      now(t)
    end
    if self.roll(3) == 1 then
      last_change = nil
      local start = views[#views]
      shared:set { k4 = (states[#states].k4 == "yes") and "no" or "yes" }
      local t = deep(states[#states])
      t.k4 = shared:get "k4"
      now(t)
      task.sleep(0)
      expect(last_change.new == shared:get()).is_true()
      expect(start ~= last_change.new).is_true()
    end
  end
  for i, view in ipairs(views) do expect(view).equals(states[i]) end
end

test.describe("a store and plain tables", function()
  test.it("come to the same by random play", function()
    for seed = first, first + seeds - 1 do
      local ok, err = xpcall(play, debug.traceback, seed)
      if not ok then error(("SEED=%d: %s"):format(seed, err), 0) end
      if seed % 10 == 0 then task.sleep(0) end
    end
  end)
end)
