-- Subscribers that are told of one change share a task as long as none waits: each still is as if it
-- had one of its own.
local store = require "tidelock.store"
local task = require "tidelock.task"
local test = require "tidelock.test"
local expect = test.expect

require("tidelock.script").cpu_limit(0.4)

local count = 0
local function define(initial)
  count = count + 1
  return store.define("t" .. count, { initial = initial })
end

local function turn() task.sleep(0) end

-- `n` subscribers of the key, each of which notes its number; `odd[i]` runs in the i-th before that.
local function subscribe(s, n, odd)
  local heard, handles = {}, {}
  for i = 1, n do
    handles[i] = s:subscribe("n", function(new, old)
      if odd[i] then odd[i](new, old) end
      heard[#heard + 1] = i
    end)
  end
  return heard, handles
end

local function text(list) return table.concat(list, " ") end

test.describe("subscribers of one change", function()
  test.it("run in order, once", function()
    local s = define { n = 0 }
    local heard = subscribe(s, 5, {})
    s:set { n = 1 }
    s:set { n = 2 }
    turn()
    expect(text(heard)).is "1 2 3 4 5"
  end)

  test.it("one that waits goes on alone, later; the others do not wait for it", function()
    local s = define { n = 0 }
    local seen = {}
    local function wait(new, old)
      task.sleep(0.001)
      seen[#seen + 1] = old .. ">" .. new
    end
    local heard = subscribe(s, 6, { wait, nil, wait, nil, nil, wait })
    s:set { n = 1 }
    turn()
    expect(text(heard)).is "2 4 5"
    test.wait_for(function() return #heard == 6 end)
    expect(text(heard)).is "2 4 5 1 3 6"
    expect(text(seen)).is "0>1 0>1 0>1"
  end)

  test.it("one that waits may raise then, or wait again", function()
    local s = define { n = 0 }
    local heard = subscribe(s, 3, {
      function() task.sleep(0) error "after its wait" end,
      function() for _ = 1, 3 do task.sleep(0) end end,
    })
    s:set { n = 1 }
    test.wait_for(function() return #heard == 2 end)
    expect(text(heard)).is "3 2"
    local errors = test.uncaught()
    expect(errors).contains "after its wait"
    expect(select(2, errors:gsub("after its wait", ""))).is(1)
  end)

  test.it("one that raises is reported and stops nothing else, with nothing left behind", function()
    local s = define { n = 0 }
    local function fail() error "on purpose" end
    local heard = subscribe(s, 8, { fail, nil, fail, fail, nil, nil, nil, fail })
    for i = 1, 3 do
      s:set { n = i }
      turn()
    end
    expect(text(heard)).is "2 5 6 7 2 5 6 7 2 5 6 7"
    expect(select(2, test.uncaught():gsub("on purpose", ""))).is(12)
  end)

  test.it("one that is removed by another is not called, and the rest is", function()
    local s = define { n = 0 }
    local handles, heard
    heard, handles = subscribe(s, 5, { function() handles[2]:off() handles[1]:off() handles[4]:off() end })
    s:set { n = 1 }
    turn()
    expect(text(heard)).is "1 3 5"
    s:set { n = 2 }
    turn()
    expect(text(heard)).is "1 3 5 3 5"
  end)

  test.it("one that subscribes meanwhile hears of the next change", function()
    local s = define { n = 0 }
    local later, done = {}, false
    subscribe(s, 2, { nil, function()
      if done then return end
      done = true
      s:subscribe("n", function(new, old) later[#later + 1] = old .. ">" .. new end)
    end })
    s:set { n = 1 }
    turn()
    expect(text(later)).is ""
    s:set { n = 2 }
    turn()
    expect(text(later)).is "1>2"
  end)

  test.it("with selectors in Lua and `equals` between them the order stays", function()
    local s = define { n = 0 }
    local heard = {}
    local function note(name) return function() heard[#heard + 1] = name end end
    s:subscribe("n", note "a")
    s:subscribe(function(state) return state.n // 2 end, note "b")
    s:subscribe("n", note "c", { equals = function(x, y) return x % 3 == y % 3 end })
    s:subscribe("n", note "d")
    s:subscribe(function() error "a selector" end, note "e")
    s:subscribe(note "f")
    s:set { n = 2 }
    turn()
    expect(text(heard)).is "a b c d f"
    heard = {}
    s:set { n = 5 }
    turn()
    expect(text(heard)).is "a b d f"
    test.uncaught()
  end)

  test.it("what they change is told in a further round, to all", function()
    local s = define { n = 0 }
    local heard = subscribe(s, 3, { nil, function(new) if new < 3 then s:set { n = new + 1 } end end })
    s:set { n = 1 }
    turn()
    expect(text(heard)).is "1 2 3 1 2 3 1 2 3"
  end)

  test.it("each gets the new value and the one that it saw last", function()
    local values = { false, "text", ("long"):rep(20), 1, 1.5, 0 / 0, { a = 1 }, { 1, 2 }, "end" }
    local s = define { n = "start" }
    local pairs_of = {}
    subscribe(s, 2, { function(new, old) pairs_of[#pairs_of + 1] = { new, old } end })
    local before = s:get "n"
    for i, value in ipairs(values) do
      s:set { n = value }
      turn()
      expect(#pairs_of).is(i)
      local new, old = table.unpack(pairs_of[i], 1, 2)
      expect(test.same(store.copy(new), store.copy(value)) or value ~= value and new ~= new).is(true)
      expect(old == before or old ~= old and before ~= before).is(true)
      before = s:get "n"
    end
    s:change(function(draft) draft.n = nil end)
    turn()
    expect(pairs_of[#pairs_of][1]).is_nil()
    expect(pairs_of[#pairs_of][2]).is "end"
  end)

  test.it("the limit of a turn is each one's own", function()
    local s = define { n = 0 }
    local function work()
      local stop = os.clock() + 0.1
      while os.clock() < stop do end
    end
    local heard = subscribe(s, 8, { work, work, work, work, work, work, work })
    s:set { n = 1 }
    for _ = 1, 500 do
      if #heard < 8 then task.sleep(0.01) end -- where others have turns between
    end
    expect(text(heard)).is "1 2 3 4 5 6 7 8"
  end)

  test.it("a task that is cancelled while one waits in it is that one's alone", function()
    local s = define { n = 0 }
    local ended
    local outer = task.spawn(function()
      local heard = subscribe(s, 3, { nil, function() task.sleep(0.001) end })
      s:set { n = 1 }
      task.sleep(0.01)
      ended = text(heard)
    end)
    outer:await()
    expect(ended).is "1 3 2"
  end)
end)
