local test = require "tidelock.test"
local store = require "tidelock.store"
local json = require "tidelock.json"
local script = require "tidelock.script"
local task = require "tidelock.task"
local expect = test.expect

local count = 0
local function define(initial, more)
  count = count + 1
  local options = { initial = initial }
  for key, value in pairs(more or {}) do options[key] = value end
  return store.define("s" .. count, options)
end

-- Subscribers run after the turn: a wait ends it.
local function turn() task.sleep(0) end

test.describe("reading", function()
  test.it("get gives views, parts of them, and scalars as they are", function()
    local s = define { messages = json.array { { text = "a" }, { text = "b" } }, n = 1 }
    expect(store.is_view(s:get())).is(true)
    expect(s:get("n")).is(1)
    expect(s:get("messages", 2, "text")).is("b")
    expect(s:get("messages", 3)).is_nil()
    expect(s:get("nothing", "below")).is_nil()
    expect(#s:get("messages")).is(2)
    expect(s:get("messages") == s:get().messages).is(true)
  end)

  test.it("a view is read-only and says what to use", function()
    local s = define { a = { b = 1 } }
    expect(function() s:get().a.b = 2 end).raises("change")
    expect(s:get("a", "b")).is(1)
  end)

  test.it("a view stays as it was when the store changes", function()
    local s = define { n = 1 }
    local before = s:get()
    s:set { n = 2 }
    expect(before.n).is(1)
    expect(s:get("n")).is(2)
  end)

  test.it("set of many keys: others stay, equal ones are the same, json.null removes", function()
    local s = define { keep = { 1 }, same = { 2 }, gone = { 3 }, k7 = "old" }
    local keep, same = s:get("keep"), s:get("same")
    local many = { same = { 2 }, gone = json.null }
    for i = 1, 1000 do many["k" .. i] = i end
    s:set(many)
    expect(s:get("keep") == keep).is(true)
    expect(s:get("same") == same).is(true)
    expect(s:get("gone")).is_nil()
    for i = 1, 1000 do expect(s:get("k" .. i)).is(i) end
    many.k5 = function() end
    expect(function() s:set(many) end).raises("k5")
    local before = s:get()
    many.k5 = nil
    s:set(many)
    expect(s:get() == before).is(true)
    for i = 1, 1000 do many["k" .. i] = json.null end
    s:set(many)
    expect(store.copy(s:get())).equals { keep = { 1 }, same = { 2 } }
  end)

  test.it("copy makes a plain table, json.encode takes a view", function()
    local s = define { list = json.array { 1, 2 } }
    local copy = store.copy(s:get())
    copy.list[3] = 3
    expect(copy).equals { list = { 1, 2, 3 } }
    expect(json.encode(s:get())).is('{"list":[1,2]}')
    expect(store.is_view(copy)).is(false)
  end)
end)

test.describe("changing", function()
  test.it("set merges one level; json.null deletes", function()
    local s = define { a = { x = 1 }, b = 2 }
    s:set { a = { y = 2 }, b = json.null, c = 3 }
    expect(store.copy(s:get())).equals { a = { y = 2 }, c = 3 }
  end)

  test.it("change edits a draft like any table", function()
    local s = define { messages = json.array {}, ai = { busy = false } }
    s:change("send", function(d)
      d.ai.busy = true
      table.insert(d.messages, { text = "one" })
      table.insert(d.messages, 1, { text = "zero" })
      d.messages[2].read = true
    end)
    expect(store.copy(s:get())).equals {
      ai = { busy = true },
      messages = { { text = "zero" }, { text = "one", read = true } },
    }
  end)

  test.it("an error inside leaves all as it was, and is raised", function()
    local s = define { n = 1 }
    local before = s:get()
    expect(function() s:change(function(d) d.n = 2 error("boom") end) end).raises("boom")
    expect(s:get() == before).is(true)
    expect(#s:history()).is(0)
    s:change(function(d) d.n = 3 end)
    expect(s:get("n")).is(3)
  end)

  test.it("a change of the same store inside a change raises; of another one is fine", function()
    local a, b = define { n = 1 }, define { n = 1 }
    expect(function() a:change(function() a:change(function() end) end) end).raises("inside another")
    expect(function() a:change(function() a:set { n = 5 } end) end).raises("inside a change")
    a:change(function(d) b:change(function(e) e.n = 2 end) d.n = b:get("n") end)
    expect(a:get("n")).is(2)
  end)

  test.it("waiting inside a change raises", function()
    local s = define { n = 1 }
    expect(function() s:change(function() task.sleep(0) end) end).raises("not possible here")
  end)

  test.it("a draft is over when its change is", function()
    local s = define { a = { n = 1 } }
    local kept
    s:change(function(d) kept = d.a end)
    expect(pcall(function() kept.n = 2 end)).is(false)
    expect(s:get("a", "n")).is(1)
  end)

  test.it("what cannot be held raises with its path and changes nothing", function()
    local s = define { n = 1 }
    expect(function() s:set { a = { b = print } } end).raises("a")
    expect(function() s:change(function(d) d.n = 2 d.f = print end) end).raises("function")
    expect(s:get("n")).is(1)
  end)

  test.it("a change that changes nothing is none", function()
    local s = define { n = 1 }
    local heard = 0
    s:subscribe(function() heard = heard + 1 end)
    s:change(function(d) d.n = 1 end)
    s:set { n = 1 }
    turn()
    expect(heard).is(0)
  end)
end)

test.describe("subscribers", function()
  test.it("hear once a turn, with new and old, after the turn", function()
    local s = define { n = 0 }
    local log = {}
    s:subscribe("n", function(new, old) log[#log + 1] = { new, old } end)
    s:set { n = 1 }
    s:set { n = 2 }
    expect(#log).is(0)
    turn()
    expect(log).equals { { 2, 0 } }
  end)

  test.it("A to B to A within a turn is no change", function()
    local s = define { n = 0 }
    local heard = 0
    s:subscribe("n", function() heard = heard + 1 end)
    s:set { n = 1 }
    s:set { n = 0 }
    turn()
    expect(heard).is(0)
  end)

  test.it("hear only of what they selected: a path, a longer path, a function", function()
    local s = define { a = { x = 1 }, b = 1, list = json.array { 1 } }
    local log = {}
    s:subscribe({ "a", "x" }, function(new) log[#log + 1] = "a.x=" .. new end)
    s:subscribe(function(state) return #state.list end, function(new, old)
      log[#log + 1] = ("#list %d->%d"):format(old, new)
    end)
    s:subscribe(function(state) return { state.a, state.b } end, function() log[#log + 1] = "pair" end)
    s:set { c = 1 }
    turn()
    expect(log).equals {}
    s:change(function(d) d.a.x = 2 table.insert(d.list, 2) end)
    turn()
    expect(log).equals { "a.x=2", "#list 1->2", "pair" }
  end)

  test.it("fire_immediately, equals and off", function()
    local s = define { n = 1 }
    local log = {}
    s:subscribe("n", function(new, old) log[#log + 1] = { new, old } end, { fire_immediately = true })
    expect(log).equals { { 1 } }
    local parity = {}
    local handle = s:subscribe("n", function(new) parity[#parity + 1] = new end,
      { equals = function(a, b) return a % 2 == b % 2 end })
    s:set { n = 3 }
    turn()
    s:set { n = 4 }
    turn()
    expect(parity).equals { 4 }
    handle:off()
    s:set { n = 5 }
    turn()
    expect(parity).equals { 4 }
  end)

  test.it("NaN equals NaN", function()
    local s = define { n = 0 / 0 }
    local heard = 0
    s:subscribe("n", function() heard = heard + 1 end)
    s:subscribe(function(state) return state.n end, function() heard = heard + 1 end)
    s:set { other = 1 }
    turn()
    expect(heard).is(0)
  end)

  test.it("what they change is heard in the same turn's end; one that fails stops nobody", function()
    local s = define { a = 0, b = 0 }
    local b
    s:subscribe("a", function() error("on purpose: this line is expected in the log") end)
    s:subscribe("a", function(new) s:set { b = new * 2 } end)
    s:subscribe("b", function(new) b = new end)
    s:set { a = 1 }
    turn()
    expect(b).is(2)
    expect(test.uncaught()).contains "on purpose"
  end)

  test.it("a loop is stopped, and everything goes on", function()
    local s, t = define { n = 0 }, define { n = 0 }
    s:subscribe("n", function(new) t:set { n = new + 1 } end)
    t:subscribe("n", function(new) s:set { n = new + 1 } end)
    s:set { n = 1 }
    turn()
    local stopped_at = s:get("n")
    expect(stopped_at > 10).is(true)
    expect(test.uncaught()).contains "subscribers change these stores in a loop"
    turn()
    expect(s:get("n")).is(stopped_at)
  end)

  test.it("waiting in a selector raises and is reported; the handler may wait", function()
    local s = define { n = 0 }
    local done
    s:subscribe(function() task.sleep(0) end, function() done = "wrong" end)
    s:subscribe("n", function() task.sleep(0.001) done = "waited" end)
    s:set { n = 1 }
    test.wait_for(function() return done end)
    expect(done).is("waited")
    expect(test.uncaught()).contains "task.sleep waits, which is not possible here"
  end)
end)

test.describe("history", function()
  test.it("remembers action, script, time and paths; undo is a change of its own", function()
    local s = define { list = json.array {}, n = 0 }
    s:change("add", function(d) table.insert(d.list, "x") end)
    s:set { n = 1 }
    local history = s:history()
    expect(#history).is(2)
    expect(history[1].action).is("add")
    expect(history[1].script).is(script.name)
    expect(history[1].paths[1]).contains("list")
    expect(history[2].paths).equals { "n" }
    expect(math.abs(history[2].time - os.time()) < 5).is(true)
    expect(s:undo(2)).is(true)
    expect(store.copy(s:get())).equals { list = {}, n = 0 }
    expect(s:history()[3].action).is("undo")
    expect(s:undo()).is(true)
    expect(s:get("n")).is(1)
    local ok, err = s:undo(100)
    expect(ok).is_nil()
    expect(err.code).is("NOT_FOUND")
  end)

  test.it("is bounded", function()
    local s = define({ n = 0 }, { history = { count = 3 } })
    for i = 1, 10 do s:set { n = i } end
    expect(#s:history()).is(3)
    expect(s:history()[1].state.n).is(8)
  end)

  test.it("reset goes back to the initial state", function()
    local s = define { n = 0 }
    s:set { n = 5, more = true }
    s:reset()
    expect(store.copy(s:get())).equals { n = 0 }
  end)

  test.it("trace hears every change of every store", function()
    local s, seen = define { n = 0 }, {}
    local handle = store.trace(function(change) seen[#seen + 1] = change end)
    s:change("bump", function(d) d.n = 1 end)
    turn()
    handle:off()
    s:set { n = 2 }
    turn()
    expect(#seen).is(1)
    expect(seen[1].store).is(script.name .. ":s" .. count)
    expect(seen[1].action).is("bump")
    expect(seen[1].state.n).is(1)
  end)
end)

test.describe("derived", function()
  test.it("are computed when something changed, and only then", function()
    local a, b = define { n = 1 }, define { n = 2 }
    local runs = 0
    local sum = store.derive({ a, b }, function(x, y) runs = runs + 1 return x.n + y.n end)
    expect(sum:get()).is(3)
    expect(sum:get()).is(3)
    expect(runs).is(1)
    a:set { n = 5 }
    expect(sum:get()).is(7)
    expect(runs).is(2)
  end)

  test.it("can be subscribed to", function()
    local a = define { n = 1, other = 1 }
    local log = {}
    store.derive({ a }, function(x) return x.n > 10 end):subscribe(function(new, old)
      log[#log + 1] = { new, old }
    end)
    a:set { n = 2 }
    turn()
    a:set { n = 11 }
    turn()
    a:set { n = 12 }
    turn()
    expect(log).equals { { true, false } }
  end)
end)

test.describe("names and options", function()
  test.it("that are wrong raise", function()
    expect(function() store.define("bad name", {}) end).raises("a name is made of")
    expect(function() define({}, { persists = {} }) end).raises('unknown option "persists"')
    expect(function() define({ 1, 2 }) end).raises("string keys")
    expect(function() define({ f = print }) end).raises("function")
    expect(function() define({}, { share = "all" }) end).raises("share")
    expect(function() define({}, { history = 10 }) end).raises("history is a table")
    expect(function() define({}, { history = { size = 10 } }) end).raises('unknown option "size"')
    for _, name in ipairs { "a\0b", "\0", "a\0" } do
      expect(function() store.define(name, { initial = {} }) end).raises("zero byte")
      expect(function() store.attach("other:" .. name) end).raises("zero byte")
    end
    local lists = { { a = true }, { "a", b = "c" }, { "a", [3] = "b" }, { [0] = "a" }, { [1.5] = "a" } }
    for _, keys in ipairs(lists) do
      expect(function() define({}, { persist = keys }) end).raises("persist is a list")
    end
    expect(function() define({}, { persist = { "a", "a" } }) end).raises('"a" twice')
    expect(function() define({}, { persist = { "a\0b" } }) end).raises("top-level keys")
    expect(function() define({}, { persist = { 1 } }) end).raises("top-level keys")
    for _, length in ipairs { -1, -5, 1001, math.mininteger, math.maxinteger } do
      local odd = setmetatable({}, { __len = function() return length end })
      expect(function() define({}, { persist = odd }) end).raises("1000 keys at most")
    end
    local s = define({})
    expect(function() s:subscribe("a", print, { fireImmediately = true }) end)
      .raises('unknown option "fireImmediately"')
  end)

  test.it("a store that is not there says so", function()
    local s = store.attach("nobody:chat")
    expect(function() s:get() end).raises("not there")
  end)

  test.it("memory is limited to what the store was given", function()
    local s = define({ text = "" }, { memory = 100000 })
    expect(function() s:set { text = ("x"):rep(200000) } end).raises("text")
    expect(s:get("text")).is("")
  end)
end)
