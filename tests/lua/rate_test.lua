-- tidelock.rate. The tests of debounce and throttle are named after lodash's own (4.17), which say
-- what these functions mean everywhere; times are those of test.clock.
local errors = require "tidelock.errors"
local rate = require "tidelock.rate"
local task = require "tidelock.task"
local test = require "tidelock.test"
local timer = require "tidelock.timer"
local expect = test.expect

test.timeout = 10

local clock
-- A function that notes its runs: the time since `begin`, and the argument.
local runs, from
local function begin()
  clock, runs, from = test.clock(), {}, timer.now()
end
local function note(value)
  runs[#runs + 1] = ("%g:%s"):format((timer.now() - from + 1e-6) // 0.001 / 1000, tostring(value))
  return value
end
local function seen() return table.concat(runs, " ") end

test.describe("debounce", function()
  test.before_each(begin)

  test.it("should debounce a function", function()
    local d = rate.debounce(note, 0.032)
    local results = {}
    for _, value in ipairs { "a", "b", "c" } do results[#results + 1] = d(value) end
    expect(seen()).is ""
    clock.advance(0.128)
    expect(seen()).is "0.032:c"
    for _, run in ipairs(results) do expect(run:await()).is "c" end
    results = {}
    for _, value in ipairs { "d", "e", "f" } do results[#results + 1] = d(value) end
    clock.advance(0.128)
    expect(seen()).is "0.032:c 0.16:f"
    for _, run in ipairs(results) do expect(run:await()).is "f" end -- lodash: the result of the last run
  end)

  test.it("each further call puts the run off", function()
    local d = rate.debounce(note, 1)
    for i = 1, 5 do
      d(i)
      clock.advance(0.9)
    end
    expect(seen()).is ""
    clock.advance(0.1)
    expect(seen()).is "4.6:5"
  end)

  test.it("should not immediately call func when wait is 0", function()
    local d = rate.debounce(note, 0)
    d(1)
    d(2)
    expect(seen()).is ""
    clock.advance(0.005)
    expect(runs[2]).is_nil()
    expect(runs[1]:match ":(.*)").is "2"
  end)

  test.it("should apply default options", function()
    local d = rate.debounce(note, 0.032, {})
    d()
    expect(#runs).is(0)
    clock.advance(0.064)
    expect(#runs).is(1)
  end)

  test.it("should support a leading option", function()
    local leading = rate.debounce(note, 0.032, { leading = true, trailing = false })
    local both = rate.debounce(function(v) return note("both " .. v) end, 0.032, { leading = true })
    leading(1)
    clock.advance(0)
    expect(seen()).is "0:1"
    both(1)
    both(2)
    clock.advance(0)
    expect(seen()).is "0:1 0:both 1"
    clock.advance(0.064)
    expect(seen()).is "0:1 0:both 1 0.032:both 2"
    leading(3)
    clock.advance(0)
    expect(runs[#runs]).is "0.064:3"
  end)

  test.it("a trailing call's caller gets the trailing result (lodash #5708)", function()
    local d = rate.debounce(note, 0.032, { leading = true })
    local first, second, third = d "a", d "b", d "c"
    clock.advance(0.1)
    expect(first:await()).is "a"
    expect(second:await()).is "c"
    expect(third:await()).is "c"
  end)

  test.it("should support a trailing option", function()
    local with = rate.debounce(note, 0.032, { trailing = true })
    local without = rate.debounce(note, 0.032, { trailing = false })
    with "with"
    local dropped = without "without"
    clock.advance(0.064)
    expect(seen()).is "0.032:with"
    local value, err = dropped:await()
    expect(value).is_nil()
    expect(err.code).is "ABORTED"
  end)

  test.it("should support a maxWait option", function()
    local d = rate.debounce(note, 0.032, { max_wait = 0.064 })
    d "a"
    d "b"
    expect(#runs).is(0)
    clock.advance(0.128)
    expect(seen()).is "0.032:b"
    d "c"
    d "d"
    clock.advance(0.128)
    expect(seen()).is "0.032:b 0.16:d"
  end)

  test.it("should support maxWait in a tight loop", function()
    local with = rate.debounce(note, 0.096, { max_wait = 0.128 })
    local without = rate.debounce(function() note "without" end, 0.096)
    for i = 1, 64 do
      with(i)
      without()
      clock.advance(0.005)
    end
    expect(seen()).is "0.128:26 0.256:52"
    with:cancel()
    without:cancel()
  end)

  test.it("should queue a trailing call for subsequent debounced calls after maxWait", function()
    local d = rate.debounce(note, 0.2, { max_wait = 0.2 })
    d(1)
    clock.advance(0.19)
    d(2)
    clock.advance(0.01)
    d(3)
    clock.advance(0.01)
    d(4)
    clock.advance(0.5)
    expect(seen()).is "0.2:2 0.4:4"
  end)

  test.it("should cancel maxDelayed when delayed is invoked", function()
    local d = rate.debounce(note, 0.032, { max_wait = 0.064 })
    d(1)
    clock.advance(0.128)
    d(2)
    clock.advance(0.0319)
    expect(#runs).is(1)
    clock.advance(0.2)
    expect(seen()).is "0.032:1 0.16:2"
  end)

  test.it("should invoke the trailing call with the correct arguments", function()
    local got
    local function take(...) got = table.pack(...) end
    local d = rate.debounce(take, 0.032, { leading = true, max_wait = 0.064 })
    d("a", 1)
    d(nil, false, nil, "last", nil)
    clock.advance(0.064)
    expect(got.n).is(5)
    expect(got[4]).is "last"
    d(nil)
    clock.advance(0.1)
    expect(got.n).is(1)
    expect(got[1]).is_nil()
    d(nil, 7)
    d(1, nil)
    clock.advance(0.1)
    expect(got.n).is(2)
    expect(got[1]).is(1)
  end)

  test.it("should support cancelling delayed calls", function()
    local d = rate.debounce(note, 0.032)
    d(1)
    d:cancel()
    expect(d:pending()).is(false)
    clock.advance(0.1)
    expect(#runs).is(0)
    d:cancel()
  end)

  test.it("should reset lastCalled after cancelling", function()
    local d = rate.debounce(note, 0.032, { leading = true })
    d(1)
    d:cancel()
    d(2)
    d(3)
    clock.advance(0.064)
    expect(seen()).is "0:1 0:2 0.032:3"
  end)

  test.it("should support flushing delayed calls", function()
    local d = rate.debounce(note, 0.032)
    local run = d(1)
    expect(d:pending()).is(true)
    expect(d:flush():await()).is(1)
    expect(run:await()).is(1)
    expect(d:pending()).is(false)
    clock.advance(0.1)
    expect(seen()).is "0:1"
  end)

  test.it("should noop cancel and flush when nothing is queued", function()
    local d = rate.debounce(note, 0.032)
    d:cancel()
    expect(d:flush()).is_nil()
    clock.advance(0.064)
    expect(#runs).is(0)
  end)

  test.it("a call inside the function begins the next wait", function()
    local d
    d = rate.debounce(function(n)
      note(n)
      if n < 3 then d(n + 1) end
    end, 1)
    d(1)
    clock.advance(10)
    expect(seen()).is "1:1 2:2 3:3"
  end)

  test.it("the function may wait; a further run does not wait for it", function()
    local d = rate.debounce(function(n)
      note("begin " .. n)
      task.sleep(5)
      note("end " .. n)
      return n
    end, 1)
    local one = d(1)
    clock.advance(1)
    local two = d(2)
    clock.advance(10)
    expect(seen()).is "1:begin 1 2:begin 2 6:end 1 7:end 2"
    expect(one:await()).is(1)
    expect(two:await()).is(2)
  end)
end)

test.describe("throttle", function()
  test.before_each(begin)

  test.it("should throttle a function", function()
    local t = rate.throttle(note, 0.032)
    t(1)
    t(2)
    t(3)
    clock.advance(0)
    expect(seen()).is "0:1"
    clock.advance(0.064)
    expect(seen()).is "0:1 0.032:3"
  end)

  test.it("subsequent calls should return the result of the run that uses their arguments", function()
    local t = rate.throttle(note, 0.032)
    local a, b = t "a", t "b"
    clock.advance(0.064)
    local c, d = t "c", t "d"
    clock.advance(0.064)
    expect(a:await() .. b:await() .. c:await() .. d:await()).is "abcd"
  end)

  test.it("should trigger a call when invoked repeatedly", function()
    local t = rate.throttle(note, 0.032)
    for i = 1, 320 do
      t(i)
      clock.advance(0.001)
    end
    expect(#runs).is(11) -- the first at once, the last at 0.32
    expect(runs[2]).is "0.032:32"
  end)

  test.it("should trigger a call when invoked repeatedly and leading is false", function()
    local t = rate.throttle(note, 0.032, { leading = false })
    for i = 1, 320 do
      t(i)
      clock.advance(0.001)
    end
    expect(#runs).is(10)
    expect(runs[1]).is "0.032:32"
  end)

  test.it("should trigger a second throttled call as soon as possible", function()
    local t = rate.throttle(note, 0.128, { leading = false })
    t(1)
    clock.advance(0.192)
    expect(#runs).is(1)
    t(2)
    clock.advance(0.062)
    expect(#runs).is(1)
    t(3)
    clock.advance(0.130)
    expect(seen()).is "0.128:1 0.32:3"
  end)

  test.it("should apply default options", function()
    local t = rate.throttle(note, 0.032, {})
    t "a"
    t "b"
    clock.advance(0.128)
    expect(seen()).is "0:a 0.032:b"
  end)

  test.it("should support a leading option", function()
    local with = rate.throttle(note, 0.032, { leading = true })
    local without = rate.throttle(note, 0.032, { leading = false })
    with "with"
    without "without"
    clock.advance(0)
    expect(seen()).is "0:with"
    without:cancel()
  end)

  test.it("should support a trailing option", function()
    local with = rate.throttle(function(v) return note("with " .. v) end, 0.064)
    local without = rate.throttle(note, 0.064, { trailing = false })
    with "a"
    with "b"
    without "a"
    expect(select(2, without "b":await()).code).is "ABORTED"
    clock.advance(0.2)
    expect(seen()).is "0:with a 0:a 0.064:with b"
  end)

  test.it("should not update lastCalled, at the end of the timeout, when trailing is false", function()
    local t = rate.throttle(note, 0.064, { trailing = false })
    t(1)
    t(2)
    clock.advance(0.096)
    t(3)
    t(4)
    clock.advance(0.096)
    expect(seen()).is "0:1 0.096:3"
  end)
end)

test.describe("those who wait", function()
  test.before_each(begin)

  test.it("get what the run returned, all of it, each of them", function()
    local d = rate.debounce(function(v) return v, nil, "third" end, 1)
    local got = {}
    for i = 1, 3 do task.spawn(function() got[i] = table.pack(d:call(i)) end) end
    clock.advance(1)
    for i = 1, 3 do
      expect(got[i].n).is(3)
      expect(got[i][1]).is(3)
      expect(got[i][3]).is "third"
    end
  end)

  test.it("get what it raised", function()
    local d = rate.debounce(function() error(errors.new { code = "HTTP", message = "no" }) end, 1)
    local got = {}
    for i = 1, 2 do task.spawn(function() got[i] = table.pack(pcall(d.call, d)) end) end
    clock.advance(1)
    for i = 1, 2 do
      expect(got[i][1]).is(false)
      expect(got[i][2].code).is "HTTP"
    end
  end)

  test.it("where nobody waits an error is reported", function()
    local d = rate.debounce(function() error "boom" end, 1)
    d()
    clock.advance(1)
    expect(test.uncaught()).contains "boom"
  end)

  test.it("hear of a cancel", function()
    local d = rate.debounce(note, 1)
    local waiting = task.spawn(d.call, d, 1)
    clock.advance(0.5)
    d:cancel()
    clock.advance(0)
    local value, err = waiting:await()
    expect(value).is_nil()
    expect(err.code).is "CANCELLED"
    clock.advance(5)
    expect(#runs).is(0)
  end)

  test.it("a cancelled one leaves the others waiting", function()
    local d = rate.debounce(note, 1)
    local one, two = task.spawn(d.call, d, 1), task.spawn(d.call, d, 2)
    clock.advance(0.5)
    one:cancel()
    clock.advance(1)
    expect(pcall(one.await, one)).is(false)
    expect(two:await()).is(2)
  end)

  test.it("are bounded", function()
    local d = rate.debounce(note, 1)
    local busy = 0
    for _ = 1, 10010 do
      task.spawn(function()
        local _, err = d:call(1)
        if err then
          expect(err.code).is "BUSY"
          busy = busy + 1
        end
      end)
    end
    clock.advance(2)
    expect(busy).is(10)
  end)
end)

test.describe("frame", function()
  test.before_each(begin)
  test.it("runs at most once in 16 ms, with the latest arguments", function()
    local f = rate.frame(note)
    for i = 1, 100 do
      f(i)
      clock.advance(0.001)
    end
    f:cancel()
    expect(#runs).is(7)
    expect(runs[1]).is "0:1"
    expect(runs[2]).is "0.016:16"
  end)
end)

test.describe("idle", function()
  test.before_each(begin)
  test.it("runs when the inbox is empty", function()
    local order = {}
    local f = rate.idle(function(v) order[#order + 1] = v end)
    f "one"
    f "idle"
    for i = 1, 3 do
      task.spawn(function()
        for _ = 1, 5 do task.sleep(0) end
        order[#order + 1] = i
      end)
    end
    clock.advance(0)
    expect(table.concat(order, " ")).is "1 2 3 idle"
  end)

  test.it("can be flushed and cancelled", function()
    local f = rate.idle(note)
    f(1)
    expect(f:flush():await()).is(1)
    f(2)
    f:cancel()
    clock.advance(2)
    expect(#runs).is(1)
  end)
end)

test.describe("idle, where there is always something to do,", function()
  test.it("runs after 1 s", function()
    runs, from = {}, timer.now()
    local f = rate.idle(note)
    f(1)
    local busy = true
    task.spawn(function()
      while busy do task.sleep(0) end
    end)
    local fine = pcall(test.wait_for, function() return #runs > 0 end, 4)
    busy = false
    expect(fine).is(true)
  end)
end)

test.describe("a bucket", function()
  test.before_each(begin)

  test.it("gives as many as it holds, then one each 1/rate", function()
    local b = rate.bucket { rate = 10, burst = 3 }
    for _ = 1, 3 do expect(b:take()).is(true) end
    local fine, wait = b:take()
    expect(fine).is(false)
    expect(wait).is_close(0.1, 1e-9)
    clock.advance(0.1)
    expect(b:take()).is(true)
    expect(b:take()).is(false)
    clock.advance(60)
    expect(b:tokens_left()).is(3)
  end)

  test.it("serves those who wait in their order", function()
    local b = rate.bucket { rate = 2, burst = 2 }
    for i, count in ipairs { 2, 1, 2, 1 } do
      task.spawn(function()
        b:wait(count)
        note(i)
      end)
    end
    clock.advance(10)
    expect(seen()).is "0:1 0.5:2 1.5:3 2:4"
  end)

  test.it("does not wait where it would take too long, and says how long", function()
    local b = rate.bucket { rate = 1, burst = 1 }
    b:take()
    local fine, err = b:wait(1, 0.5)
    expect(fine).is_nil()
    expect(err.code).is "TIMEOUT"
    expect(err.retry_after).is_close(1, 1e-9)
    expect(b:tokens_left()).is(0)
  end)

  test.it("nor longer than any timer", function()
    local b = rate.bucket { rate = 1e-300, burst = 1 }
    b:take()
    for _, most in ipairs { false, 1e9 } do
      local fine, err = b:wait(1, most or nil)
      expect(fine).is_nil()
      expect(err.code).is "TIMEOUT"
      expect(err.retry_after > 1e9).is(true)
    end
  end)

  test.it("who is cancelled gives back", function()
    local b = rate.bucket { rate = 1, burst = 1 }
    b:take()
    local waiting = task.spawn(b.wait, b)
    clock.advance(0.1)
    waiting:cancel()
    clock.advance(0.9)
    expect(b:take()).is(true)
  end)
end)

test.describe("a semaphore", function()
  test.before_each(begin)

  test.it("lets so many in, the others in their order", function()
    local s = rate.semaphore(2)
    for i = 1, 5 do
      task.spawn(s.with, s, function()
        note(i)
        task.sleep(1)
      end)
    end
    clock.advance(10)
    expect(seen()).is "0:1 0:2 1:3 1:4 2:5"
    expect(s:available()).is(2)
  end)

  test.it("acquire ends after its time", function()
    local s = rate.semaphore(1)
    s:acquire()
    local waiting = task.spawn(s.acquire, s, 2)
    clock.advance(2)
    local fine, err = waiting:await()
    expect(fine).is_nil()
    expect(err.code).is "TIMEOUT"
    s:release()
    expect(s:available()).is(1)
    expect(s:waiting()).is(0)
  end)

  test.it("with gives back when the function raises, or is cancelled", function()
    local s = rate.semaphore(1)
    expect(function() s:with(error, "no") end).raises "no"
    expect(s:available()).is(1)
    local held = task.spawn(s.with, s, task.sleep, 100)
    local next_one = task.spawn(s.with, s, note, "next")
    clock.advance(1)
    held:cancel()
    clock.advance(0)
    expect(next_one:await()).is "next"
    expect(s:available()).is(1)
  end)

  test.it("who is cancelled while it waits is passed over", function()
    local s = rate.semaphore(1)
    s:acquire()
    local one, two = task.spawn(s.acquire, s), task.spawn(s.acquire, s)
    clock.advance(0)
    one:cancel()
    s:release()
    clock.advance(0)
    expect(two:await()).is(true)
    expect(s:available()).is(0)
  end)

  test.it("more than was acquired is not given back", function()
    expect(function() rate.semaphore(1):release() end).raises "nothing is acquired"
  end)

  test.it("nor what the function of `with` has released itself", function()
    local s = rate.semaphore(1)
    expect(function() s:with(s.release, s) end).raises "semaphore:with: what it acquired"
    expect(s:available()).is(1)
    expect(function()
      s:with(function()
        s:release()
        error("its own", 0)
      end)
    end).raises "its own"
    expect(s:available()).is(1)
    local inside = 0
    for _ = 1, 2 do
      task.spawn(s.with, s, function()
        inside = inside + 1
        task.sleep(1)
      end)
    end
    clock.advance(0.5)
    expect(inside).is(1)
  end)
end)

test.describe("wrong use:", function()
  local function wrong(name, text, fn) test.it(name, function() expect(fn).raises(text) end) end
  wrong("no function", "rate.debounce takes a function, not a number",
    function() rate.debounce(1, 2) end)
  wrong("no seconds", "rate.throttle: seconds is a number of seconds",
    function() rate.throttle(note, "1") end)
  wrong("NaN", "seconds is a number of seconds", function() rate.debounce(note, 0 / 0) end)
  wrong("lodash's name", 'rate.debounce has no option \'maxWait\' (did you mean "max_wait"?)',
    function() rate.debounce(note, 1, { maxWait = 1 }) end)
  wrong("max_wait of throttle", "rate.throttle has no option",
    function() rate.throttle(note, 1, { max_wait = 1 }) end)
  wrong("a name twice", "is declared twice", function()
    rate.debounce(note, 1, { name = "twice" })
    rate.debounce(note, 1, { name = "twice" })
  end)
  wrong("a wrong name", "a name is made of", function() rate.debounce(note, 1, { name = "a b" }) end)
  wrong("more than the burst", "not 3", function() rate.bucket { rate = 1, burst = 2 }:take(3) end)
  wrong("no rate", "rate is a number above 0", function() rate.bucket { burst = 2 } end)
  for _, value in ipairs { 0, -1, 0 / 0, math.huge, "1" } do
    local shown = ("%s (%s)"):format(value, type(value))
    local function must(name, fn) wrong(name .. ": " .. shown, "it must be ", fn) end
    must("burst", function() rate.bucket { rate = 1, burst = value } end)
    must("take", function() rate.bucket { rate = 1 }:take(value) end)
    must("semaphore", function() rate.semaphore(value) end)
    if value ~= 0 then
      must("wait", function() rate.bucket { rate = 1 }:wait(1, value) end)
      must("acquire", function() rate.semaphore(1):acquire(value) end)
      must("max_wait", function() rate.debounce(note, 1, { max_wait = value }) end)
      must("clock.advance", function() test.clock().advance(value) end)
    end
  end
  test.it("a whole number is one however it is written", function()
    expect(rate.semaphore(1e6):available()).is(1000000)
  end)
  wrong("half a permit", "a whole number", function() rate.semaphore(0.5) end)
  wrong("a method it does not have", "has no method 'flsh'",
    function() rate.debounce(note, 1):flsh() end)
end)
