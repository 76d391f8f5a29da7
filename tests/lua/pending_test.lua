-- Pending changes under stores: what is shown, whom it is told to, what a mutation may not do. The
-- module that scripts see is built on these functions (runtime/lua/store_pending.c).
local core = require "tidelock.store.core"
local json = require "tidelock.json"
local log = require "tidelock.log"
local random = require "tidelock.random"
local store = require "tidelock.store"
local task = require "tidelock.task"
local test = require "tidelock.test"
local timer = require "tidelock.timer"
local expect = test.expect

local count, under_test = 0, nil
local function define(initial, more)
  count = count + 1
  local options = { initial = initial }
  for key, value in pairs(more or {}) do options[key] = value end
  return store.define("p" .. count, options)
end

local function turn() task.sleep(0) end

core.mutation("add", function(row, draft)
  for i, old in ipairs(draft.rows) do
    if old.id == row.id then
      draft.rows[i] = row
      return
    end
  end
  table.insert(draft.rows, row)
end)
core.mutation("set", function(argument, draft) draft[argument.key] = argument.value end)
core.mutation("double", function(key, draft) draft[key] = draft[key] * 2 end)
core.mutation("raises", function(_, draft)
  table.insert(draft.rows, { id = "half" })
  error("cannot be applied")
end)
core.mutation("calls", function(_, draft)
  draft.n = 99
  under_test()
end)
core.mutation("move", function(argument, from, to)
  table.insert(to.rows, table.remove(from.rows, argument.at))
end)
core.mutation("maybe", function(argument, first, second)
  if first then first.seen = argument end
  if second then second.seen = argument end
end)

-- Each with an id of its own, removed at the end of the test.
local serial, left = 0, {}
local function pend(targets, name, argument)
  serial = serial + 1
  local id = "e" .. serial
  core.pend(targets, id, name, argument)
  left[#left + 1] = id
  return id
end

local function ids(s)
  local list = {}
  for _, row in ipairs(s:get "rows") do list[#list + 1] = row.id end
  return table.concat(list, ",")
end

local function it(name, fn)
  test.it(name, function()
    fn()
    for _, id in ipairs(left) do core.unpend(id) end
    left = {}
  end)
end

test.describe("what is shown", function()
  it("is base and pending, in the same turn", function()
    local s = define { rows = json.array {}, n = 1 }
    pend(s, "add", { id = "a" })
    expect(ids(s)).is("a")
    pend(s, "double", "n")
    expect(s:get "n").is(2)
    s:set { n = 5 }
    expect(s:get "n").is(10)
    s:change(function(draft)
      expect(draft.n).is(5)
      expect(#draft.rows).is(0)
      table.insert(draft.rows, { id = "base" })
    end)
    expect(ids(s)).is("base,a")
    expect(select("#", core.pending(s))).is(2)
    expect((core.pending(s))).is(2)
  end)

  it("keeps the order in which they came, whatever goes", function()
    local s = define { rows = json.array {}, n = 1 }
    local a = pend(s, "add", { id = "a" })
    pend(s, "set", { key = "n", value = 10 })
    local b = pend(s, "double", "n")
    pend(s, "add", { id = "c" })
    expect(s:get "n").is(20)
    core.unpend(b)
    expect(s:get "n").is(10)
    core.unpend(a)
    expect(ids(s)).is "c"
    expect(core.unpend(a)).is(false)
  end)

  it("of an id that is pending the argument is replaced in its place", function()
    local s = define { rows = json.array {} }
    local a = pend(s, "add", { id = "temp" })
    pend(s, "add", { id = "b" })
    expect(ids(s)).is "temp,b"
    core.pend(s, a, "add", { id = "real" })
    expect(ids(s)).is "real,b"
    expect((core.pending(s))).is(2)
  end)

  it("history, undo and reset are of the base", function()
    local s = define { rows = json.array {}, n = 1 }
    s:set { n = 2 }
    pend(s, "double", "n")
    s:set { n = 3 }
    expect(#s:history()).is(2)
    expect(s:history()[2].state.n).is(3)
    expect(s:undo()).is(true)
    expect(s:get "n").is(4)
    s:reset()
    expect(s:get "n").is(2)
    expect(#s:history()).is(4)
  end)

  it("goes with the store's derived values", function()
    local s, other = define { n = 1 }, define { n = 10 }
    local sum = store.derive({ s, other }, function(a, b) return a.n + b.n end)
    local heard = {}
    local handle = sum:subscribe(function(new) heard[#heard + 1] = new end)
    pend(s, "double", "n")
    expect(sum:get()).is(12)
    turn()
    other:set { n = 20 }
    turn()
    expect(heard).equals { 12, 22 }
    handle:off()
  end)

  it("an argument is plain data, and what was given is a copy", function()
    local s = define { rows = json.array {} }
    local row = { id = "a" }
    pend(s, "add", row)
    row.id = "b"
    expect(ids(s)).is "a"
    expect(function() core.pend(s, "bad", "add", { fn = print }) end).raises "fn"
    expect((core.pending(s))).is(1)
  end)

  it("a name that no mutation has shows nothing, until it is defined", function()
    local s = define { rows = json.array {} }
    pend(s, "later", { id = "x" })
    pend(s, "add", { id = "y" })
    expect(ids(s)).is "y"
    core.mutation("later", function(row, draft) table.insert(draft.rows, row) end)
    expect(ids(s)).is "x,y"
    expect(function() core.mutation("later", print) end).raises "defined already"
  end)
end)

test.describe("subscribers", function()
  it("hear once a turn, of what is shown", function()
    local s = define { rows = json.array {}, n = 1 }
    local heard = {}
    local handle = s:subscribe("n", function(new, old) heard[#heard + 1] = new .. "<" .. old end)
    pend(s, "double", "n")
    pend(s, "double", "n")
    s:set { n = 2 }
    turn()
    expect(heard).equals { "8<1" }
    handle:off()
  end)

  it("hear nothing of what is equal", function()
    local s = define { rows = json.array {}, n = 1, other = 1 }
    local rows, first = 0, 0
    local a = s:subscribe("rows", function() rows = rows + 1 end)
    local b = s:subscribe({ "rows", 1 }, function() first = first + 1 end)
    pend(s, "add", { id = "a", text = "hello" })
    turn()
    expect(rows).is(1)
    local view = s:get("rows", 1)
    for i = 1, 5 do
      s:set { other = i + 10 }
      turn()
    end
    expect(rows).is(1)
    expect(first).is(1)
    expect(s:get("rows", 1) == view).is(true)
    a:off()
    b:off()
  end)

  it("who subscribes while something is pending begins with what is shown", function()
    local s = define { n = 1 }
    pend(s, "double", "n")
    local seen
    local handle = s:subscribe("n", function(new) seen = new end, { fire_immediately = true })
    turn()
    expect(seen).is(2)
    handle:off()
  end)

  it("of an entry that goes before they are told they hear nothing", function()
    local s = define { n = 1 }
    local heard = 0
    local handle = s:subscribe("n", function() heard = heard + 1 end)
    core.unpend(pend(s, "double", "n"))
    turn()
    expect(heard).is(0)
    handle:off()
  end)
end)

test.describe("settling", function()
  it("edits the base and removes the entry in one step, told once", function()
    local s = define { rows = json.array {}, n = 1 }
    local heard = {}
    local handle = s:subscribe("rows", function() heard[#heard + 1] = ids(s) end)
    local a = pend(s, "add", { id = "temp" })
    pend(s, "add", { id = "b" })
    turn()
    expect(core.settle(a, function(draft) table.insert(draft.rows, { id = "real" }) end)).is(true)
    turn()
    expect(heard).equals { "temp,b", "real,b" }
    expect((core.pending(s))).is(1)
    expect(#s:history()).is(0)
    handle:off()
  end)

  it("without a function the mutation is applied: nobody is told of nothing", function()
    local s = define { rows = json.array {} }
    local a, b = pend(s, "add", { id = "a", text = "x" }), pend(s, "add", { id = "b" })
    turn()
    local heard, view, row = 0, s:get "rows", s:get("rows", 1)
    local handle = s:subscribe(function() heard = heard + 1 end)
    expect(core.settle(a)).is(true)
    turn()
    expect(core.settle(b)).is(true)
    turn()
    expect(heard).is(0)
    expect(s:get "rows" == view and s:get("rows", 1) == row).is(true)
    s:change(function(draft) expect(#draft.rows).is(2) end)
    expect((core.pending(s))).is(0)
    handle:off()
  end)

  it("of one behind others the others are applied again", function()
    local s = define { n = 1, rows = json.array {} }
    pend(s, "double", "n")
    local b = pend(s, "set", { key = "n", value = 7 })
    expect(s:get "n").is(7)
    expect(core.settle(b)).is(true)
    expect(s:get "n").is(14)
  end)

  it("a function that raises changes nothing, and the entry stays", function()
    local s = define { rows = json.array {}, n = 1 }
    local a = pend(s, "double", "n")
    local ok, err = core.settle(a, function(draft)
      draft.n = 100
      error "no"
    end)
    expect(ok).is_nil()
    expect(tostring(err)).contains "no"
    expect(s:get "n").is(2)
    expect((core.pending(s))).is(1)
    ok, err = core.settle("nothing")
    expect(ok).is_nil()
    expect(err.code).is "NOT_FOUND"
  end)

  it("undo keeps what was settled since", function()
    local s = define { rows = json.array {}, n = 1 }
    s:set { n = 5 }
    local a = pend(s, "add", { id = "a" })
    expect(core.settle(a)).is(true)
    expect(s:undo()).is(true)
    expect(s:get "n").is(1)
    expect(ids(s)).is "a"
  end)

  it("inside a change of the same store it is refused", function()
    local s = define { n = 1 }
    local a = pend(s, "double", "n")
    local ok, err
    s:change(function() ok, err = core.settle(a) end)
    expect(ok).is_nil()
    expect(err.code).is "INVALID"
    expect(core.settle(a)).is(true)
    expect(s:get "n").is(2)
  end)
end)

test.describe("several targets", function()
  it("an entry changes all of them or none", function()
    local a = define { rows = json.array { { id = "1" }, { id = "2" } } }
    local b = define { rows = json.array {} }
    local e = pend({ a, b }, "move", { at = 1 })
    pend({ a, b }, "move", { at = 5 }) -- there is none: it inserts nil, and raises
    pend(a, "add", { id = "3" })
    expect(ids(a)).is "2,3"
    expect(test.uncaught()).contains "position out of bounds"
    expect(ids(b)).is "1"
    expect(core.settle(e)).is(true)
    expect(ids(a)).is "2,3"
    expect(ids(b)).is "1"
    b:change(function(draft) expect(#draft.rows).is(1) end)
  end)

  it("subscribers of each hear, though only the base of one changed", function()
    local a = define { rows = json.array { { id = "1" } } }
    local b = define { rows = json.array {} }
    pend({ a, b }, "move", { at = 1 })
    turn()
    local heard
    local handle = b:subscribe("rows", function() heard = ids(b) end)
    a:set { rows = json.array { { id = "9" } } }
    turn()
    expect(heard).is "9"
    handle:off()
  end)

  test.it("a store is named once, and must be one", function()
    local a = define { n = 1 }
    expect(function() core.pend({ a, a }, "x", "maybe", 1) end).raises "twice"
    expect(function() core.pend({}, "x", "maybe", 1) end).raises "1 to 32"
    expect(function() core.pend({ 5 }, "x", "maybe", 1) end).raises "store expected"
    expect((core.pending(a))).is(0)
  end)
end)

test.describe("a mutation that fails", function()
  it("shows nothing, leaves no trace, and the others are shown", function()
    local s = define { rows = json.array {} }
    pend(s, "add", { id = "a" })
    pend(s, "raises")
    pend(s, "add", { id = "b" })
    expect(ids(s)).is "a,b"
    expect(test.uncaught()).contains "cannot be applied"
    s:change(function(draft) table.insert(draft.rows, 1, { id = "0" }) end)
    expect(ids(s)).is "0,a,b"
    expect(test.uncaught()).is_nil() -- it was told once
  end)

  -- What is called, and the word that the error has.
  local impure = {
    ["os.time"] = function() os.time() end,
    ["os.clock"] = function() os.clock() end,
    ["os.date"] = function() os.date() end,
    ["math.random"] = function() math.random() end,
    ["tidelock.random"] = function() random.uuid() end,
    ["timer.now"] = function() timer.now() end,
    ["printing"] = function() print "no" end,
    ["logging"] = function() log.info "no" end,
    ["task.spawn"] = function() task.spawn(print) end,
    ["task.sleep"] = function() task.sleep(0) end,
    ["timer.after"] = function() timer.after(1, print) end,
  }
  local mine = store.define("mine", { initial = { n = 1 } })
  impure["store:get"] = function() mine:get() end
  impure["store:set"] = function() mine:set { n = 2 } end
  impure["store:subscribe"] = function() mine:subscribe(print) end
  impure["store:on_error"] = function() mine:on_error(print) end
  impure["pend"] = function() core.pend(mine, "x", "set", {}) end

  for what, fn in pairs(impure) do
    it("may not use " .. what, function()
      local s = define { n = 1 }
      local said
      under_test = function()
        local ok, err = pcall(fn)
        said = not ok and tostring(err)
        error(err, 0)
      end
      pend(s, "calls")
      expect(s:get "n").is(1)
      expect(said).contains(what)
      expect(said).contains "mutation calls"
      test.uncaught()
    end)
  end

  it("may use what gives the same each time", function()
    local s = define { n = 1 }
    under_test = function()
      local _ = os.date("!%Y", 0) .. json.encode { 1 } .. math.floor(1.5) .. ("x"):rep(3)
    end
    pend(s, "calls")
    expect(s:get "n").is(99)
    expect(os.time() > 0 and math.random() >= 0).is(true)
  end)

  it("one that returns a value is refused", function()
    local s = define { n = 1 }
    core.mutation("returns", function(_, draft)
      draft.n = 2
      return 5
    end)
    pend(s, "returns")
    expect(s:get "n").is(1)
    expect(test.uncaught()).contains "returned a value"
  end)
end)

test.describe("what lives on", function()
  it("many of them: shown at the end, if not at once", function()
    local s = define { rows = json.array {}, n = 0 }
    for i = 1, 300 do pend(s, "add", { id = "r" .. i }) end
    test.wait_for(function() return #s:get "rows" == 300 end)
    s:set { n = 1 }
    test.wait_for(function() return s:get "n" == 1 and select(2, core.pending(s)) == 0 end)
    expect(#s:get "rows").is(300)
  end)
end)
