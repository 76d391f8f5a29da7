-- Derived values by random play: several stores change in one turn, or change and change back, while
-- subscribers come and go. A model says what each of them hears. SEED= plays one again, SEEDS= says how
-- many from there on.
local random = require "play"
local store = require "tidelock.store"
local task = require "tidelock.task"
local test = require "tidelock.test"
local expect = test.expect

local first, seeds = random.seeds(100)

-- Declared at the top level: they begin with the states at the swap.
local early = {
  store.define("early-a", { initial = { n = 1 } }),
  store.define("early-b", { initial = { n = 2 } }),
}
local function add(x, y) return x.n + y.n end
local heard, at_once = {}, {}
store.derive(early, add):subscribe(function(new, old) heard[#heard + 1] = { new, old } end)
store.derive(early, add):subscribe(function(new, old) at_once[#at_once + 1] = { new, old } end,
  { fire_immediately = true })

local stores = {}
for i = 1, 4 do stores[i] = store.define("play-" .. i, { initial = { n = 0 } }) end

local kinds = {
  function(...)
    local sum = 0
    for i = 1, select("#", ...) do sum = sum + select(i, ...).n end
    return sum
  end,
  function(...) return ((...).n + select(select("#", ...), ...).n) % 2 == 0 end,
  function(...)
    local all = {}
    for i = 1, select("#", ...) do all[i] = select(i, ...).n end
    return all
  end,
  function(a, ...) return a.n > 2 and a.n or nil, ... end,
}

local Play = {}
Play.__index = Play

--- What the listener's function gives of the states as they are now.
function Play:value(listener)
  local states = {}
  for i, index in ipairs(listener.of) do states[i] = { n = self.states[index] } end
  return (listener.fn(table.unpack(states)))
end

function Play:listen()
  local roll, listener = self.roll, { of = {}, calls = {} }
  for i = 1, roll(#stores) do listener.of[i] = roll(#stores) end
  listener.fn = kinds[roll(#kinds)]
  local of, immediate = {}, roll(3) == 1
  for i, index in ipairs(listener.of) do of[i] = stores[index] end
  listener.last = self:value(listener)
  listener.handle = store.derive(of, listener.fn):subscribe(function(new, old)
    listener.calls[#listener.calls + 1] = { new, old }
  end, { fire_immediately = immediate })
  if immediate then
    expect(#listener.calls).is(1)
    expect(listener.calls[1][1]).equals(listener.last)
    expect(listener.calls[1][2]).is(nil)
    listener.calls = {}
  end
  self.listeners[#self.listeners + 1] = listener
end

function Play:change(index)
  self.states[index] = self.roll(4)
  stores[index]:set { n = self.states[index] }
end

--- The turn is over: each listener was called once if its value differs, with both values.
function Play:check(cascades)
  task.sleep(0)
  for _, listener in ipairs(self.listeners) do
    local now, calls = self:value(listener), listener.calls
    if cascades then
      for _, call in ipairs(calls) do
        expect(call[2]).equals(listener.last)
        listener.last = call[1]
      end
      expect(listener.last).equals(now)
    elseif pcall(function() expect(now).equals(listener.last) end) then
      expect(#calls).is(0)
    else
      expect(#calls).is(1)
      expect(calls[1][1]).equals(now)
      expect(calls[1][2]).equals(listener.last)
    end
    listener.last, listener.calls = now, {}
  end
end

local function play(seed)
  local self = setmetatable({ roll = random.generator(seed), states = {}, listeners = {} }, Play)
  local roll = self.roll
  for i = 1, #stores do self:change(i) end
  task.sleep(0)
  local cascades, echo = roll(3) == 1, nil
  if cascades then
    local from, to = roll(#stores), roll(#stores)
    echo = stores[from]:subscribe("n", function(n)
      if from ~= to then
        self.states[to] = n
        stores[to]:set { n = n }
      end
    end)
  end
  for _ = 1, 15 do
    for _ = 1, roll(5) do
      local what = roll(10)
      if what == 1 and #self.listeners < 6 then self:listen()
      elseif what == 2 and #self.listeners > 0 then
        table.remove(self.listeners, roll(#self.listeners)).handle:off()
      else
        self:change(roll(#stores))
      end
    end
    self:check(cascades)
  end
  for _, listener in ipairs(self.listeners) do listener.handle:off() end
  if echo then echo:off() end
end

test.describe("derived values", function()
  test.it("that were subscribed to at the top level hear the first change", function()
    expect(at_once).equals { { 3 } }
    early[1]:set { n = 10 }
    early[2]:set { n = 20 }
    task.sleep(0)
    expect(heard).equals { { 30, 3 } }
    expect(at_once).equals { { 3 }, { 30, 3 } }
    early[1]:set { n = 20 } -- the sum stays
    early[2]:set { n = 10 }
    task.sleep(0)
    expect(#heard).is(1)
  end)

  test.it("report what a model reports, by random play", function()
    for seed = first, first + seeds - 1 do
      local ok, err = xpcall(play, debug.traceback, seed)
      if not ok then error(("SEED=%d: %s"):format(seed, err), 0) end
      if seed % 10 == 0 then task.sleep(0) end
    end
  end)

  test.it("whose function fails at first are heard of when it no longer does", function()
    local s = store.define("early-fail", { initial = {} })
    task.sleep(0)
    local log = {}
    local name = store.derive({ s }, function(x) return x.user.name end)
    name:subscribe(function(new, old) log[#log + 1] = { new, old } end)
    s:set { user = { name = "ann" } }
    task.sleep(0)
    expect(log).equals { { "ann" } }
  end)
end)
