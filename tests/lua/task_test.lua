local test = require "tidelock.test"
local task = require "tidelock.task"
local timer = require "tidelock.timer"
local expect = test.expect

test.describe("task", function()
  test.it("all gathers by key, side by side", function()
    local start = timer.now()
    local results = task.all {
      a = function() task.sleep(0.03) return 1 end,
      b = function() task.sleep(0.03) return 2 end,
      task.spawn(function() return 3 end),
    }
    expect(results).equals { 3, a = 1, b = 2 }
    expect(timer.now() - start < 0.055).is(true)
  end)

  test.it("all cancels the others when one returns an error, whatever the order", function()
    local cancelled
    local results, err = task.all {
      function()
        local _, why = pcall(task.sleep, 100)
        cancelled = why.code
      end,
      function() return nil, "no" end,
    }
    expect(results).is_nil()
    expect(err).is("no")
    test.wait_for(function() return cancelled end)
    expect(cancelled).is("CANCELLED")
  end)

  test.it("race gives the first and cancels the losers", function()
    local loser
    local value = task.race {
      function() task.sleep(0.01) return "fast" end,
      function()
        local _, err = pcall(task.sleep, 100)
        loser = err.code
      end,
    }
    expect(value).is("fast")
    test.wait_for(function() return loser end)
    expect(loser).is("CANCELLED")
  end)

  test.it("with_timeout returns what came in time, else TIMEOUT", function()
    expect(task.with_timeout(1, function() return "in time" end)).is("in time")
    local value, err = task.with_timeout(0.01, function() task.sleep(100) end)
    expect(value).is_nil()
    expect(err.code).is("TIMEOUT")
  end)

  test.it("waits pass through a script's own coroutines", function()
    local gen = coroutine.wrap(function()
      for i = 1, 3 do
        task.sleep(0.001)
        coroutine.yield(i)
      end
    end)
    expect({ gen(), gen(), gen() }).equals { 1, 2, 3 }
  end)
end)
