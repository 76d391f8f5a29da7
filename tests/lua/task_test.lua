local test = require "tidelock.test"
local task = require "tidelock.task"
local timer = require "tidelock.timer"
local errors = require "tidelock.errors"
local expect = test.expect

-- A task that waits until it is cancelled; `seen.code` is what its wait raised then.
local function sleeper(seen)
  return function()
    local _, err = pcall(task.sleep, 1000)
    seen.code = err.code
    error(err, 0)
  end
end

local function is_cancelled(seen)
  test.wait_for(function() return seen.code end)
  expect(seen.code).is("CANCELLED")
end

test.describe("spawn", function()
  test.it("starts with a later turn, with its arguments", function()
    local got
    task.spawn(function(...) got = table.pack(...) end, 1, nil, "x", nil)
    expect(got).is_nil()
    task.sleep(0)
    expect(got).equals { 1, nil, "x", n = 4 }
  end)

  test.it("keeps the order", function()
    local order = {}
    for i = 1, 200 do task.spawn(function() order[i] = #order + 1 end) end
    test.wait_for(function() return #order == 200 end)
    for i = 1, 200 do expect(order[i]).is(i) end
  end)

  test.it("has a status", function()
    local good, bad = task.spawn(task.sleep, 0.001), task.spawn(sleeper {})
    expect(good:status()).is("running")
    good:await()
    expect(good:status()).is("done")
    bad:cancel()
    expect(pcall(bad.await, bad)).is(false)
    expect(bad:status()).is("failed")
  end)

  test.it("refuses what is no function", function()
    expect(function() task.spawn() end).raises("function expected")
    expect(function() task.spawn "x" end).raises("function expected")
  end)
end)

test.describe("sleep", function()
  test.it("takes as long as it says, others run meanwhile", function()
    local start, ticks = timer.now(), 0
    local ticker = timer.every(0.005, function() ticks = ticks + 1 end)
    task.sleep(0.05)
    ticker:stop()
    expect(timer.now() - start >= 0.05).is(true)
    expect(ticks >= 3).is(true)
  end)

  test.it("of nothing lets the others run", function()
    local ran
    task.spawn(function() ran = true end)
    task.sleep(0)
    expect(ran).is(true)
  end)

  test.it("refuses what is no time", function()
    expect(function() task.sleep() end).raises("number expected")
    expect(function() task.sleep(0 / 0) end).raises("seconds")
    expect(function() task.sleep(math.huge) end).raises("seconds")
    expect(function() task.sleep(-1) end).raises("seconds")
  end)
end)

test.describe("await", function()
  test.it("gives all results, nils included", function()
    local t = task.spawn(function() task.sleep(0.001) return nil, 2, nil end)
    expect(table.pack(t:await())).equals { nil, 2, nil, n = 3 }
    expect(table.pack(t:await())).equals { nil, 2, nil, n = 3 } -- again, though it has ended
    expect(table.pack(task.spawn(function() end):await())).equals { n = 0 }
  end)

  test.it("raises what the task raised, the same value", function()
    local thrown = {}
    local t = task.spawn(function() task.sleep(0.001) error(thrown) end)
    local ok, err = pcall(t.await, t)
    expect(ok).is(false)
    expect(rawequal(err, thrown)).is(true)
    ok, err = pcall(t.await, t)
    expect(ok).is(false)
    expect(rawequal(err, thrown)).is(true)
    local ok_nil, nothing = pcall(function() task.spawn(error):await() end)
    expect(ok_nil).is(false)
    expect(nothing).is_nil()
  end)

  test.it("by many at once", function()
    local t = task.spawn(function() task.sleep(0.005) return "x" end)
    local list = {}
    for i = 1, 20 do list[i] = function() return t:await() end end
    local results = task.all(list)
    for i = 1, 20 do expect(results[i]).is("x") end
  end)

  test.it("cancelled leaves the awaited alone", function()
    local t = task.spawn(function() task.sleep(0.01) return "lives" end)
    local waiter = task.spawn(function() return t:await() end)
    task.sleep(0)
    waiter:cancel()
    expect(t:await()).is("lives")
  end)

  test.it("of itself raises", function()
    local t
    t = task.spawn(function() return t:await() end)
    expect(function() t:await() end).raises("a task cannot await itself")
  end)

  test.it("many results", function()
    local t = task.spawn(function() return table.unpack({}, 1, 5000) end)
    expect(select("#", t:await())).is(5000)
  end)
end)

test.describe("cancel", function()
  test.it("makes the wait raise CANCELLED", function()
    local seen = {}
    local t = task.spawn(sleeper(seen))
    task.sleep(0)
    t:cancel()
    is_cancelled(seen)
    local ok, err = pcall(t.await, t)
    expect(ok).is(false)
    expect(errors.is(err, "CANCELLED")).is(true)
  end)

  test.it("makes every further wait raise at once", function()
    local raised, start = 0, timer.now()
    local t = task.spawn(function()
      for _ = 1, 5 do
        if not pcall(task.sleep, 1000) then raised = raised + 1 end
      end
    end)
    task.sleep(0)
    t:cancel()
    t:await()
    expect(raised).is(5)
    expect(timer.now() - start < 500).is(true)
  end)

  test.it("before its start, it never runs", function()
    local ran = false
    local t = task.spawn(function() ran = true end)
    t:cancel()
    local ok, err = pcall(t.await, t)
    expect(ok).is(false)
    expect(err.code).is("CANCELLED")
    expect(ran).is(false)
  end)

  test.it("twice, of one that ended, and of itself", function()
    local t = task.spawn(function() end)
    t:await()
    t:cancel()
    t:cancel()
    expect(t:status()).is("done")
    local me, reached
    me = task.spawn(function()
      me:cancel()
      reached = true -- only waits raise
      task.sleep(0)
      reached = "too far"
    end)
    expect(pcall(me.await, me)).is(false)
    expect(reached).is(true)
  end)

  test.it("closes to-be-closed variables, which cannot wait", function()
    local closed
    local t = task.spawn(function()
      local _ <close> = setmetatable({}, { __close = function(_, err)
        closed = { err.code, pcall(task.sleep, 1) }
      end })
      task.sleep(1000)
    end)
    task.sleep(0)
    t:cancel()
    test.wait_for(function() return closed end)
    expect(closed[1]).is("CANCELLED")
    expect(closed[2]).is(false)
  end)

  test.it("inside coroutines of the script's own", function()
    local seen = {}
    local t = task.spawn(function() coroutine.wrap(coroutine.wrap(function() sleeper(seen)() end))() end)
    task.sleep(0)
    t:cancel()
    is_cancelled(seen)
  end)
end)

test.describe("all", function()
  test.it("gathers by key, side by side", function()
    local begun = 0
    local function together(value) -- ends when both have begun
      begun = begun + 1
      test.wait_for(function() return begun == 2 end)
      return value
    end
    local results = task.all {
      a = function() return together(1) end,
      b = function() return together(2) end,
      task.spawn(function() return 3 end),
    }
    expect(results).equals { 3, a = 1, b = 2 }
  end)

  test.it("of nothing, of those that return nothing, of tasks that ended", function()
    expect(task.all {}).equals {}
    expect(task.all { function() end, function() return nil end }).equals {}
    local t = task.spawn(function() return "early" end)
    t:await()
    expect(task.all { t, t }).equals { "early", "early" }
  end)

  test.it("of many", function()
    local list = {}
    for i = 1, 2000 do list[i] = function() task.sleep(i % 7 / 1000) return i end end
    local results = task.all(list)
    for i = 1, 2000 do expect(results[i]).is(i) end
  end)

  test.it("cancels the others when one returns an error, whatever the order", function()
    local seen = {}
    local results, err = task.all { sleeper(seen), function() return nil, "no" end }
    expect(results).is_nil()
    expect(err).is("no")
    is_cancelled(seen)
  end)

  test.it("cancels the others when one raises, and raises that", function()
    local seen = {}
    expect(function()
      task.all { sleeper(seen), function() task.sleep(0.001) error("this one", 0) end }
    end).raises("this one")
    is_cancelled(seen)
    expect(pcall(task.all, { error })).is(false) -- also when it is nil
  end)

  test.it("cancelled itself cancels its members", function()
    local one, two = {}, {}
    local given = task.spawn(sleeper(two))
    local parent = task.spawn(function() task.all { sleeper(one), given } end)
    task.sleep(0.005)
    parent:cancel()
    is_cancelled(one)
    is_cancelled(two)
    expect(pcall(parent.await, parent)).is(false)
  end)

  test.it("refuses what it cannot run", function()
    expect(function() task.all() end).raises("all takes a table of functions or tasks, not a nil")
    expect(function() task.all { a = 1 } end).raises("member a is neither a function nor a task")
    expect(function() task.race {} end).raises("at least one")
    expect(function() task.race { {} } end).raises("but a table")
  end)
end)

test.describe("race", function()
  test.it("gives the first and cancels the losers", function()
    local seen = {}
    expect(task.race { function() task.sleep(0.005) return "fast" end, sleeper(seen) }).is("fast")
    is_cancelled(seen)
  end)

  test.it("gives all results, nils included", function()
    expect(table.pack(task.race { function() return nil, "x", nil end })).equals { nil, "x", nil, n = 3 }
  end)

  test.it("raises when the first raises", function()
    local seen = {}
    expect(function() task.race { sleeper(seen), function() error("lost", 0) end } end).raises("lost")
    is_cancelled(seen)
  end)

  test.it("cancelled itself cancels what it raced", function()
    local seen = {}
    local parent = task.spawn(function() task.race { sleeper(seen), sleeper {} } end)
    task.sleep(0.005)
    parent:cancel()
    is_cancelled(seen)
  end)
end)

test.describe("with_timeout", function()
  test.it("returns what came in time, else TIMEOUT", function()
    expect(table.pack(task.with_timeout(1, function() return nil, "in time" end)))
      .equals { nil, "in time", n = 2 }
    local seen = {}
    local value, err = task.with_timeout(0.01, sleeper(seen))
    expect(value).is_nil()
    expect(err.code).is("TIMEOUT")
    expect(err.message).contains("0.01 s")
    is_cancelled(seen)
  end)

  test.it("raises what was raised in time", function()
    expect(function() task.with_timeout(1, function() error("oh", 0) end) end).raises("oh")
  end)

  test.it("takes a task too", function()
    expect(task.with_timeout(1, task.spawn(function() return 5 end))).is(5)
  end)

  test.it("nested: the shorter one counts", function()
    local inner, err
    local outer = task.with_timeout(1, function()
      inner, err = task.with_timeout(0.005, sleeper {})
      return "outer goes on"
    end)
    expect(outer).is("outer goes on")
    expect(inner).is_nil()
    expect(err.code).is("TIMEOUT")
  end)

  test.it("refuses what is not seconds and a function", function()
    expect(function() task.with_timeout(print, 1) end).raises("seconds and a function")
  end)
end)

test.describe("waits and the script's own coroutines", function()
  test.it("pass through, between yields", function()
    local gen = coroutine.wrap(function()
      for i = 1, 3 do
        task.sleep(0.001)
        coroutine.yield(i)
      end
    end)
    expect({ gen(), gen(), gen() }).equals { 1, 2, 3 }
  end)

  test.it("pass through several, and give values both ways", function()
    local co = coroutine.create(function(a)
      local inner = coroutine.wrap(function(x) task.sleep(0.001) return x + 1 end)
      local b = coroutine.yield(inner(a))
      task.sleep(0)
      return a, b, nil
    end)
    expect({ coroutine.resume(co, 10) }).equals { true, 11 }
    expect(coroutine.status(co)).is("suspended")
    expect(table.pack(coroutine.resume(co, 20))).equals { true, 10, 20, nil, n = 4 }
    expect(coroutine.status(co)).is("dead")
    expect({ coroutine.resume(co) }).equals { false, "cannot resume dead coroutine" }
  end)

  test.it("errors come out of resume and wrap", function()
    local co = coroutine.create(function() task.sleep(0) error("in here", 0) end)
    expect({ coroutine.resume(co) }).equals { false, "in here" }
    expect(coroutine.wrap(pcall)(error, "x", 0)).is(false)
    expect(function() coroutine.wrap(function() task.sleep(0) error("deep") end)() end).raises("deep")
  end)

  test.it("one in which a task waits is no other task's to resume or close", function()
    local co = coroutine.create(function() task.sleep(0.01) return "mine" end)
    local owner = task.spawn(function() return coroutine.resume(co) end)
    task.sleep(0)
    expect(coroutine.status(co)).is("normal")
    expect({ coroutine.resume(co) }).equals { false, "cannot resume non-suspended coroutine" }
    expect(function() coroutine.close(co) end).raises("cannot close a normal coroutine")
    expect({ owner:await() }).equals { true, "mine" }
    expect(coroutine.status(co)).is("dead")
    expect(coroutine.close(co)).is(true)
  end)

  test.it("one whose task was cancelled inside it is dead", function()
    local co = coroutine.create(function() task.sleep(1000) end)
    local owner = task.spawn(function() coroutine.resume(co) end)
    task.sleep(0)
    owner:cancel()
    owner:await()
    expect(coroutine.status(co)).is("dead")
  end)

  test.it("a task's own coroutine is nobody's to resume, yield or close", function()
    local thread
    local t = task.spawn(function()
      thread = coroutine.running()
      task.sleep(0.005)
      return "undisturbed"
    end)
    task.sleep(0)
    expect({ coroutine.resume(thread, 1) }).equals { false, "cannot resume non-suspended coroutine" }
    expect(function() coroutine.close(thread) end).raises("cannot close")
    expect(t:await()).is("undisturbed")
    expect({ coroutine.resume(thread) }).equals { false, "cannot resume non-suspended coroutine" }
    expect(function() coroutine.yield() end).raises("use task.sleep(0)")
  end)

  test.it("close runs what is pending", function()
    local closed
    local co = coroutine.create(function()
      local _ <close> = setmetatable({}, { __close = function() closed = true end })
      coroutine.yield()
    end)
    coroutine.resume(co)
    expect(coroutine.close(co)).is(true)
    expect(closed).is(true)
    co = coroutine.create(function()
      local _ <close> = setmetatable({}, { __close = function() error("closing", 0) end })
      coroutine.yield()
    end)
    coroutine.resume(co)
    expect({ coroutine.close(co) }).equals { false, "closing" }
  end)
end)

test.describe("where waiting is not possible it raises, and nothing breaks", function()
  local function raises(fn)
    expect(fn).raises("task.sleep waits, which is not possible here")
  end

  test.it("comparisons, gsub callbacks, metamethods run by C", function()
    raises(function() table.sort({ 2, 1 }, function() task.sleep(0) end) end)
    raises(function() return ("x"):gsub("x", function() task.sleep(0) end) end)
    raises(function() tostring(setmetatable({}, { __tostring = function() task.sleep(0) end })) end)
    raises(function() assert(load(function() task.sleep(0) end)) end)
  end)

  test.it("also when a coroutine lies between", function()
    raises(function()
      table.sort({ 2, 1 }, function() coroutine.wrap(function() task.sleep(0) end)() end)
    end)
    local results = {}
    table.sort({ 2, 1 }, function(a, b)
      results = table.pack(coroutine.resume(coroutine.create(function()
        coroutine.resume(coroutine.create(error))
        task.sleep(0.001)
      end)))
      return a < b
    end)
    expect(results[1]).is(false)
    expect(results[2]).contains("not possible here")
    task.sleep(0.002)
  end)
end)

test.describe("a task that catches its cancellation and waits on", function()
  -- Cancels a task that waits by now; returns what awaiting it raises, and how long that took.
  local function stopped(fn)
    local t = task.spawn(fn)
    task.sleep(0.01)
    local from = timer.now()
    t:cancel()
    local ok, err = pcall(t.await, t)
    expect(ok).is(false)
    expect(err.code).is("CANCELLED")
    expect(timer.now() - from < 0.9).is(true)
  end
  local function await_long()
    local t <close> = setmetatable({ task = task.spawn(function() task.sleep(1000) end) },
      { __close = function(t) t.task:cancel() end })
    t.task:await()
  end

  for name, wait in pairs {
    ["in sleep"] = function() task.sleep(1) end,
    ["in sleep(0)"] = function() task.sleep(0) end,
    ["in await"] = await_long,
    ["in all"] = function() task.all { function() task.sleep(1) end } end,
    ["in with_timeout"] = function() task.with_timeout(5, function() task.sleep(1) end) end,
    ["inside a coroutine"] = function() coroutine.wrap(function() task.sleep(1) end)() end,
    ["inside a <close>"] = function()
      local _ <close> = setmetatable({}, { __close = function() task.sleep(1) end })
      task.sleep(1)
    end,
  } do
    test.it(name .. ", with pcall", function()
      stopped(function() while true do pcall(wait) end end)
    end)
    test.it(name .. ", with xpcall and in a coroutine", function()
      stopped(function() while true do xpcall(wait, wait) end end)
      stopped(function() coroutine.wrap(function() while true do pcall(wait) end end)() end)
      stopped(function() while true do coroutine.resume(coroutine.create(wait)) end end)
    end)
  end

  test.it("waits a few times, to clean up, and ends by itself", function()
    local t = task.spawn(function()
      pcall(task.sleep, 1)
      for _ = 1, 5 do pcall(task.sleep, 1) end
      return "cleaned"
    end)
    task.sleep(0)
    t:cancel()
    expect(t:await()).is("cleaned")
  end)

  test.it("many of them, while others go on", function()
    local turns = 0
    local beat = timer.every(0.002, function() turns = turns + 1 end)
    local tasks = {}
    for i = 1, 100 do
      tasks[i] = task.spawn(function() while true do pcall(task.sleep, 1) end end)
    end
    task.sleep(0.02)
    for _, t in ipairs(tasks) do t:cancel() end
    for _, t in ipairs(tasks) do pcall(t.await, t) end
    for _, t in ipairs(tasks) do expect(t:status()).is("failed") end
    task.sleep(0.02)
    beat:stop()
    expect(turns > 1).is(true)
  end)
end)

test.it("with_timeout takes no seconds that are no number", function()
  for _, seconds in ipairs { 0 / 0, "1", {}, true } do
    local fine, err = pcall(function() task.with_timeout(seconds, function() end) end)
    expect(fine).is(false)
    expect(err).matches "^[^\n]*task_test.lua:%d+: with_timeout takes seconds and a function or a task"
  end
end)
