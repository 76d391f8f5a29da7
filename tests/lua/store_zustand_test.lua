-- What zustand does, and what of that we do otherwise: each of its known traps by name. Rows instead
-- of a blob: tests/e2e/store_bytes_test.sh. Data of another version: tests/e2e/persist_test.sh.
local test = require "tidelock.test"
local store = require "tidelock.store"
local json = require "tidelock.json"
local task = require "tidelock.task"
local expect = test.expect

local count = 0
local function define(initial)
  count = count + 1
  return store.define("z" .. count, { initial = initial })
end

local function turn() task.sleep(0) end -- subscribers run after it

--- A list of what a subscriber hears, as "new<old".
local function listen(s, selector, log, name)
  return s:subscribe(selector, function(new, old)
    log[#log + 1] = ("%s%s<%s"):format(name or "", new, old)
  end)
end

test.describe("as zustand", function()
  test.it("set merges one level and no deeper", function()
    local s = define { user = { name = "a", age = 1 }, other = { x = 1 } }
    local other = s:get "other"
    s:set { user = { name = "b" } }
    expect(store.copy(s:get())).equals { user = { name = "b" }, other = { x = 1 } }
    expect(s:get "other" == other).is_true()
  end)

  test.it("subscribers hear in the order in which they subscribed", function()
    local s, log = define { n = 0 }, {}
    for i = 1, 5 do listen(s, "n", log, i .. ":") end
    s:set { n = 1 }
    turn()
    expect(log).equals { "1:1<0", "2:1<0", "3:1<0", "4:1<0", "5:1<0" }
  end)

  test.it("a selector hears of its part alone (subscribeWithSelector)", function()
    local s, log = define { a = 0, b = 0 }, {}
    listen(s, function(state) return state.a end, log)
    s:set { b = 1 }
    turn()
    s:set { a = 1 }
    turn()
    expect(log).equals { "1<0" }
  end)
end)

test.describe("otherwise than zustand", function()
  test.it("a set of what is there already is none", function()
    local s, log = define { n = 1, t = "x" }, {}
    s:subscribe(function() log[#log + 1] = "heard" end)
    local before = s:get()
    s:set { n = 1, t = "x" }
    turn()
    expect(log).equals {}
    expect(s:get() == before).is_true()
    expect(#s:history()).is(0)
  end)

  test.it("a throwing listener stops neither the others nor the setter", function()
    local s, log = define { n = 0 }, {}
    listen(s, "n", log, "before:")
    s:subscribe("n", function() error("on purpose: this line is expected in the log") end)
    s:subscribe(function() error("on purpose: this line is expected in the log") end, print)
    listen(s, "n", log, "after:")
    expect(pcall(s.set, s, { n = 1 })).is(true)
    turn()
    expect(log).equals { "before:1<0", "after:1<0" }
    s:set { n = 2 }
    turn()
    expect(log[4]).is "after:2<1"
    expect(test.uncaught()).contains "on purpose"
  end)

  test.it("each hears (new, what it saw last), also when a listener sets", function()
    local s, first, second = define { n = 0 }, {}, {}
    s:subscribe("n", function(new, old)
      first[#first + 1] = new .. "<" .. old
      if new == 1 then s:set { n = 2 } end
    end)
    listen(s, "n", second)
    s:set { n = 1 }
    turn()
    expect(first).equals { "1<0", "2<1" }
    expect(second).equals { "1<0", "2<1" } -- zustand: (2,1), then (2,0)
  end)

  test.it("hears once a turn, with the last value; A to B to A not at all", function()
    local s, log = define { n = 0 }, {}
    listen(s, "n", log)
    for i = 1, 10 do s:set { n = i } end
    turn()
    for i = 9, 0, -1 do s:set { n = i } end
    s:set { n = 10 }
    turn()
    expect(log).equals { "10<0" }
  end)

  test.it("one that subscribes while others are called is called from then on", function()
    local s, log = define { n = 0 }, {}
    s:subscribe("n", function(new) if new == 1 then listen(s, "n", log) end end)
    s:set { n = 1 }
    turn()
    expect(log).equals {}
    s:set { n = 2 }
    turn()
    expect(log).equals { "2<1" }
  end)

  test.it("one that is taken off by another hears nothing more", function()
    local s, log, handle = define { n = 0 }, {}, nil
    s:subscribe("n", function() handle:off() end)
    handle = listen(s, "n", log)
    s:set { n = 1 }
    turn()
    s:set { n = 2 }
    turn()
    expect(log).equals {}
  end)

  test.it("state cannot be changed in place, whatever it was made from", function()
    local source = { list = { { n = 1 }, { n = 0 } } }
    local s = define(source)
    source.list[1].n = 2
    s:set { more = source }
    source.list[1].n = 3
    expect(s:get("list", 1, "n")).is(1)
    expect(s:get("more", "list", 1, "n")).is(2)
    local given
    s:change(function(d) given = { n = 1 } d.given = given end)
    given.n = 2
    expect(s:get("given", "n")).is(1)
    for _, write in ipairs {
      function() s:get().list[1].n = 9 end,
      function() table.insert(s:get "list", {}) end,
      function() table.remove(s:get "list") end,
      function() table.sort(s:get "list", function(a, b) return a.n < b.n end) end,
    } do expect(write).raises "change(function(draft)" end
    expect(s:get("list", 1, "n")).is(1)
  end)
end)

test.describe("what Lua does to values", function()
  test.it("NaN is the same as NaN: a set is none, nobody hears", function()
    local s, log = define { n = 0 / 0, list = { 0 / 0 } }, {}
    listen(s, "n", log)
    listen(s, function(state) return state.n end, log)
    s:subscribe(function(state) return { state.n } end, function() log[#log + 1] = "table" end)
    s:set { n = 0 / 0 }
    s:set { other = 1 }
    turn()
    expect(log).equals {}
    expect(#s:history()).is(1)
    s:set { n = 1 }
    turn()
    expect(#log).is(3)
  end)

  test.it("0 and -0 are the same; the one that is there stays", function()
    local s, heard = define { n = 0.0 }, 0
    s:subscribe("n", function() heard = heard + 1 end)
    s:set { n = -0.0 }
    turn()
    expect(heard).is(0)
    expect(1 / s:get "n").is(math.huge)
    s:change(function(d) d.n = -0.0 end)
    turn()
    expect(heard).is(0)
  end)

  test.it("nil in set says nothing, json.null deletes; in a draft nil deletes", function()
    local s = define { a = 1, b = 2, c = 3 }
    s:set { a = nil, b = json.null }
    expect(store.copy(s:get())).equals { a = 1, c = 3 }
    s:change(function(d) d.a = nil end)
    expect(store.copy(s:get())).equals { c = 3 }
    local heard
    s:subscribe("c", function(new, old) heard = { new == nil, old } end)
    s:set { c = json.null }
    turn()
    expect(heard).equals { true, 3 }
  end)

  test.it("{} is undecided until its first key; json.array and json.object decide", function()
    local s = define { a = {}, b = {}, list = json.array {}, object = json.object {} }
    expect(json.encode(s:get "list") .. json.encode(s:get "object")).is "[]{}"
    s:change(function(d) d.a[1] = "x" d.b.x = 1 end)
    expect(json.encode(s:get "a") .. json.encode(s:get "b")).is '["x"]{"x":1}'
    expect(function() s:change(function(d) d.list.x = 1 end) end).raises "array"
    expect(function() s:change(function(d) d.object[1] = 1 end) end).raises "object"
  end)

  test.it("1 and 1.0 are the same value and the same index; an object has no number keys", function()
    local s, heard = define { n = 1, list = { "a", "b" } }, 0
    s:subscribe("n", function() heard = heard + 1 end)
    s:set { n = 1.0 }
    turn()
    expect(heard).is(0)
    expect(math.type(s:get "n")).is "integer"
    expect(s:get "list"[2.0]).is "b"
    s:change(function(d) d.list[2.0] = "c" end)
    expect(s:get("list", 2)).is "c"
    expect(function() s:set { object = { x = 1, [1] = 2 } } end).raises "object"
    expect(function() s:set { list = { [1] = 1, [3] = 3 } } end).raises "hole"
    s:set { keys = { ["1"] = "text" } }
    expect(s:get "keys"[1]).is_nil()
    expect(s:get "keys"["1"]).is "text"
  end)
end)

test.describe("undo", function()
  test.it("goes over newer changes, and can itself be undone", function()
    local s = define { n = 0, list = json.array {} }
    for i = 1, 5 do s:change("add " .. i, function(d) d.n = i table.insert(d.list, i) end) end
    local at5 = s:get()
    s:undo(3)
    expect(store.copy(s:get())).equals { n = 2, list = { 1, 2 } }
    s:change("newer", function(d) table.insert(d.list, 1, "new") end)
    s:undo(2) -- the newer one and the undo
    expect(s:get() == at5).is_true()
    s:undo(1) -- the undo of both
    expect(store.copy(s:get())).equals { n = 2, list = { "new", 1, 2 } }
    expect(#at5.list).is(5)
  end)

  test.it("takes back a change of all there is, as a migration makes one", function()
    local list = {}
    for i = 1, 2000 do list[i] = { id = "m" .. i, text = "text " .. i } end
    local s = define { messages = list, old = { a = 1 } }
    local before, log = s:get(), {}
    local text = json.encode(before)
    s:subscribe({ "messages", 1000, "id" }, function(new, old) log[#log + 1] = { new, old } end)
    s:change("migrate", function(d)
      local by_id = {}
      for _, message in ipairs(d.messages) do
        message.body, message.text = message.text, nil
        by_id[message.id] = message
      end
      d.by_id, d.messages, d.old = by_id, nil, nil
    end)
    turn()
    expect(s:get("by_id", "m7", "body")).is "text 7"
    expect(s:get "messages").is_nil()
    s:undo()
    turn()
    expect(s:get() == before).is_true()
    expect(json.encode(s:get())).is(text)
    expect(#log).is(2)
    expect(log[2][1]).is "m1000"
  end)

  test.it("beyond what history holds is refused and changes nothing", function()
    local s = store.define("bounded", { initial = { n = 0 }, history = { count = 3 } })
    for i = 1, 10 do s:set { n = i } end
    local ok, err = s:undo(4)
    expect(ok).is_nil()
    expect(err.code).is "NOT_FOUND"
    expect(s:get "n").is(10)
    expect(s:undo(3)).is(true)
    expect(s:get "n").is(7)
    expect(function() s:undo(0) end).raises "1 or more"
    expect(define { n = 1 }:undo()).is_nil()
  end)
end)
