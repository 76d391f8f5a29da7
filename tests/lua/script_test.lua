-- What a script knows and says of itself; its reloads are tested from outside, in tests/e2e.
local test = require "tidelock.test"
local script = require "tidelock.script"
local expect = test.expect

local at_top = {}
local wrapped = coroutine.wrap(function() -- made while the script loads, used later
  while true do coroutine.yield(1) end
end)
at_top.exit = select(2, pcall(script.exit, 0))
at_top.spawn = select(2, pcall(require("tidelock.task").spawn, print))
at_top.sleep = select(2, pcall(require("tidelock.task").sleep, 0))
at_top.os = pcall(os.time)

test.describe("script", function()
  test.it("name, generation, args", function()
    expect(script.name).is("script_test")
    expect(script.generation).is(1)
    expect(script.args).equals {}
  end)

  test.it("while it loads, effects and waits raise", function()
    expect(at_top.exit).contains("script.exit is not possible while the script loads")
    expect(at_top.spawn).contains("task.spawn is not possible while the script loads")
    expect(at_top.sleep).contains("task.sleep waits, which a script cannot do while it loads")
    expect(at_top.os).is(true)
  end)

  test.it("a coroutine made while it loaded is under the common limit later", function()
    local till = os.clock() + 1.3 -- more than a load may take
    while os.clock() < till do wrapped() end
  end)

  test.it("on_start and on_stop are set once", function()
    expect(function() script.on_start(print) end).raises("script.on_start is set twice")
    script.on_stop(function() end)
    expect(function() script.on_stop(print) end).raises("script.on_stop is set twice")
    expect(function() script.on_stop(1) end).raises("function expected")
  end)

  test.it("orphans is empty when all is claimed", function()
    expect(script.orphans()).equals {}
  end)

  test.it("keep is a plain table", function()
    expect(script.keep).equals {}
    script.keep.x = 1
    expect(require("tidelock.script").keep.x).is(1)
  end)
end)

test.describe("require", function()
  test.it("gives the same module each time", function()
    expect(require "tidelock.task").is(require "tidelock.task")
  end)

  test.it("names what it did not find", function()
    expect(function() require "no.such" end).raises("module 'no.such' not found")
    expect(function() require "no.such" end).raises("module 'no.such' not found") -- again
    expect(function() require() end).raises("string expected")
  end)
end)
