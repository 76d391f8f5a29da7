local test = require "tidelock.test"
local timer = require "tidelock.timer"
local task = require "tidelock.task"
local expect = test.expect

test.describe("now", function()
  test.it("goes forward, in seconds", function()
    local start = timer.now()
    task.sleep(0.02)
    expect(timer.now() - start >= 0.02).is(true)
    expect(timer.now() - start < 15).is(true) -- milliseconds would be 20
  end)
end)

test.describe("after", function()
  test.it("fires once, not before its time", function()
    local start, count = timer.now(), 0
    local took
    timer.after(0.01, function() count = count + 1 took = timer.now() - start end)
    test.wait_for(function() return took end)
    task.sleep(0.03)
    expect(count).is(1)
    expect(took >= 0.01).is(true)
  end)

  test.it("in the order of their times, equal ones as they were set", function()
    local order = {}
    for _, pair in ipairs { { 0.02, "c" }, { 0.01, "a" }, { 0.01, "b" } } do
      timer.after(pair[1], function() order[#order + 1] = pair[2] end)
    end
    test.wait_for(function() return #order == 3 end)
    expect(table.concat(order)).is("abc")
  end)

  test.it("stopped never fires; stop may come late and twice", function()
    local fired = false
    local t = timer.after(0.005, function() fired = true end)
    t:stop()
    t:stop()
    task.sleep(0.02)
    expect(fired).is(false)
    local again
    again = timer.after(0, function() again:stop() fired = true end)
    test.wait_for(function() return fired end)
    again:stop()
    local other = timer.after(0.001, function() fired = "other" end) -- may take the old one's place
    again:stop()
    test.wait_for(function() return fired == "other" end)
    other:stop()
  end)

  -- Timers that are made one after the other with one function share what keeps it alive.
  test.it("many with one function: each fires or is stopped alone; then the function is free", function()
    local kept = setmetatable({}, { __mode = "v" })
    local fired, others = 0, 0
    do
      local function count() fired = fired + 1 end
      local function other() others = others + 1 end
      kept.count, kept.other = count, other
      local made = {}
      for i = 1, 90 do made[i] = timer.after(0.001 * (i % 2 + 1), i % 30 == 0 and other or count) end
      local ticking = timer.every(0.001, count)
      for i = 1, 90, 9 do made[i]:stop() end
      made[90]:stop()
      ticking:stop()
      timer.after(0.003, other)
    end
    test.wait_for(function() return others == 3 and fired == 77 end)
    test.wait_for(function()
      collectgarbage()
      return kept.count == nil and kept.other == nil
    end)
  end)

  test.it("one that runs may stop those that share its function", function()
    local handles, seen = {}, {}
    local function stop_all()
      seen[#seen + 1] = true
      for i = 1, 3 do handles[i]:stop() end
      collectgarbage()
      for i = 1, 20 do timer.after(0, function() seen[i + 100] = i end) end -- they take what is free
    end
    for i = 1, 3 do handles[i] = timer.after(0.001 * i, stop_all) end
    test.wait_for(function() return seen[120] end)
    task.sleep(0.005)
    expect(#seen).is(1)
    for i = 1, 20 do expect(seen[i + 100]).is(i) end
  end)

  test.it("lives without its handle", function()
    local fired
    timer.after(0.005, function() fired = true end)
    collectgarbage()
    test.wait_for(function() return fired end)
  end)

  test.it("waits in its function, and its failure is reported, without harm", function()
    local done
    timer.after(0, function() error("told in the log") end)
    timer.after(0, function() task.sleep(0.001) done = true end)
    test.wait_for(function() return done end)
    expect(test.uncaught()).contains "told in the log"
  end)
end)

test.describe("every", function()
  test.it("repeats until it is stopped, also by itself", function()
    local count, t = 0, nil
    t = timer.every(0.002, function()
      count = count + 1
      if count == 3 then t:stop() end
    end)
    test.wait_for(function() return count == 3 end)
    task.sleep(0.02)
    expect(count).is(3)
  end)

  test.it("keeps to its grid; of several missed ticks one comes late", function()
    local start, times = timer.now(), {}
    local t = timer.every(0.02, function()
      times[#times + 1] = timer.now() - start
      local till = os.clock() + (#times == 1 and 0.05 or 0) -- misses two
      while os.clock() < till do end
    end)
    test.wait_for(function() return #times >= 3 end)
    t:stop()
    expect(times[1] >= 0.02 - 0.001 and times[2] >= 0.07 - 0.001).is(true)
    expect(times[3] >= 0.08 - 0.001).is(true)
  end)

  test.it("goes on when its function fails", function()
    local count = 0
    local t = timer.every(0.002, function() count = count + 1 error("told in the log") end)
    test.wait_for(function() return count >= 3 end)
    t:stop()
    expect(test.uncaught()).contains "told in the log"
  end)
end)

test.describe("a named timer", function()
  test.it("has a name of its own, until it is stopped", function()
    local count = 0
    local t = timer.every("mine", 0.002, function() count = count + 1 end)
    expect(function() timer.every("mine", 1, print) end).raises('timer "mine" is declared twice')
    test.wait_for(function() return count >= 2 end)
    t:stop()
    local seen = count
    task.sleep(0.01)
    expect(count).is(seen)
    local again = timer.every("mine", 0.002, function() count = -1 end)
    test.wait_for(function() return count == -1 end)
    again:stop()
    again:stop()
  end)

  test.it("stops itself", function()
    local count, t = 0, nil
    t = timer.every("self", 0.001, function()
      count = count + 1
      t:stop()
    end)
    test.wait_for(function() return count == 1 end)
    task.sleep(0.01)
    expect(count).is(1)
  end)

  test.it("refuses names that are none", function()
    expect(function() timer.every("a b", 1, print) end).raises("a name is made of")
    expect(function() timer.every("", 1, print) end).raises("a name is made of")
    expect(function() timer.every(("x"):rep(65), 1, print) end).raises("64 at most")
  end)
end)

test.describe("misuse", function()
  test.it("raises with what is expected", function()
    expect(function() timer.after("x", print) end).raises("number expected")
    expect(function() timer.after(-1, print) end).raises("seconds, 0 or more")
    expect(function() timer.after(0 / 0, print) end).raises("seconds, 0 or more")
    expect(function() timer.after(1) end).raises("function expected")
    expect(function() timer.every(0, print) end).raises("at least 0.001")
    expect(function() timer.every(1, 2) end).raises("function expected")
    expect(function() timer.every("x", 0, print) end).raises("at least 0.001")
    expect(function() timer.every("x", 1) end).raises("function expected")
  end)
end)
