-- A name that a module or a handle does not have raises where it is read, with the one that was
-- probably meant.
local http = require "tidelock.http"
local input = require "tidelock.input"
local schema = require "tidelock.schema"
local script = require "tidelock.script"
local server = require "tidelock.server"
local store = require "tidelock.store"
local task = require "tidelock.task"
local test = require "tidelock.test"
local timer = require "tidelock.timer"
local expect = test.expect

local web = server.listen "web"
local web_io = web:io()
local s = store.define("s", { initial = { n = 1 } })

local function raises(name, fn, text)
  test.it(name, function()
    expect(fn).raises(text)
    expect(fn).raises "strict_test.lua"
  end)
end

test.describe("a function that a module does not have:", function()
  local wrong = {
    cache = { "opne", "open" }, env = { "gte", "get" }, errors = { "neww", "new" }, http = { "ge", "get" },
    input = { "on_lines", "on_line" },
    json = { "decoed", "decode" }, log = { "wran", "warn" }, random = { "bytse", "bytes" },
    schema = { "strign", "string" }, script = { "on_strat", "on_start" },
    server = { "lisen", "listen" },
    socket = { "conect", "connect" }, store = { "defin", "define" }, task = { "spwan", "spawn" },
    test = { "descibe", "describe" }, timer = { "evry", "every" },
  }
  for module, names in pairs(wrong) do
    local called = "tidelock." .. module
    local text = ("%s has no function '%s' (did you mean \"%s\"?)"):format(called, names[1], names[2])
    raises(module, function() return require(called)[names[1]] end, text)
    test.it(module .. ", far from any", function()
      local _, err = pcall(function() return require(called).zzzzzzzzzz end)
      expect(err).contains("has no function 'zzzzzzzzzz'")
      expect(err:find "did you mean").is_nil()
    end)
    test.it(module .. ", asked for by rawget", function()
      expect(rawget(require(called), names[1])).is_nil()
      expect(rawget(require(called), names[2])).is_true()
    end)
  end
  raises("of schema.coerce", function() return schema.coerce.nubmer end, 'schema.coerce has no function')
  test.it("what is no name is nil, and modules can be walked through", function()
    expect(task[1]).is_nil()
    for _ in ipairs(task) do error "not empty" end
    local count = 0
    for _, fn in pairs(timer) do count = count + (type(fn) == "function" and 1 or 0) end
    expect(count).is(3)
  end)
  test.it("a script may add its own", function()
    task.mine = function() return 5 end
    expect(task.mine()).is(5)
    task.mine = nil
    expect(function() return task.mine end).raises "no function 'mine'"
  end)
  test.it("what stands in keep and args is the script's", function()
    expect(script.keep.nothing).is_nil()
    expect(script.args.nothing).is_nil()
  end)
end)

test.describe("a method that there is not:", function()
  raises("of a store", function() s:sett { n = 2 } end, "a store has no method 'sett' (did")
  raises("of a task", function() task.spawn(function() end):awiat() end, "a task has no method 'awiat'")
  local api = http.client()
  raises("of an HTTP client", function() return api:pots "/" end, "an http client has no method 'pots'")
  raises("of a server", function() web:gte("/", print) end, 'a server has no method \'gte\'')
  raises("of a namespace", function() web_io:onn("connection", print) end, "a namespace has no method 'onn'")
  raises("that is called with a dot", function() s.get() end, "its methods are called with a colon")
  raises("of a timer", function() timer.after(0, function() end):stpo() end, "a timer has no method 'stpo'")
  raises("of a handler", function() input.on_end(function() end):of() end, "has no method 'of'")
  raises("of a subscription", function() s:subscribe(function() end):of() end, "no method 'of'")
end)
