-- test.clock: the time of one test stands still, and goes on as the test says.
local http = require "tidelock.http"
local store = require "tidelock.store"
local task = require "tidelock.task"
local test = require "tidelock.test"
local timer = require "tidelock.timer"
local expect = test.expect

test.timeout = 10

test.describe("a clock", function()
  test.it("stands still until it is advanced", function()
    local clock = test.clock()
    local from, wall = timer.now(), os.time()
    for _ = 1, 1e6 do clock = clock end
    expect(timer.now()).is(from)
    clock.advance(5)
    expect(timer.now()).is_close(from + 5, 1e-9)
    expect(os.time()).is(wall + 5)
    clock.advance(0)
    expect(timer.now()).is_close(from + 5, 1e-9)
  end)

  test.it("runs what is due in order, each at its own time, woken tasks included", function()
    local clock, seen, from = test.clock(), {}, timer.now()
    local function note(name)
      seen[#seen + 1] = ("%s@%g"):format(name, (timer.now() - from + 1e-6) // 0.001 / 1000)
    end
    timer.after(3, function() note "c" end)
    timer.after(1, function()
      note "a"
      task.sleep(1)
      note "b"
      timer.after(2, function() note "e" end)
    end)
    timer.after(3, function() note "d" end)
    timer.after(5, function() note "f" end)
    clock.advance(4.5)
    expect(table.concat(seen, " ")).is "a@1 b@2 c@3 d@3 e@4"
    clock.advance(0.5)
    expect(seen[6]).is "f@5"
  end)

  test.it("does in milliseconds what takes an hour", function()
    local clock, ticks = test.clock(), 0
    local ticking = timer.every(1, function() ticks = ticks + 1 end)
    local began = os.clock()
    clock.advance(3600)
    expect(ticks).is(3600)
    expect(os.clock() - began < 2).is_true()
    ticking:stop()
  end)

  test.it("time-outs obey it", function()
    local clock = test.clock()
    local waiting = task.spawn(function() return task.with_timeout(60, function() task.sleep(1e6) end) end)
    clock.advance(59.9)
    expect(waiting:status()).is "running"
    clock.advance(0.1)
    local _, err = waiting:await()
    expect(err.code).is "TIMEOUT"
  end)

  test.it("tasks that give way to one another all run first", function()
    local clock, left = test.clock(), 0
    for i = 1, 50 do
      task.spawn(function()
        for _ = 1, i do task.sleep(0) end
        left = left + 1
      end)
    end
    clock.advance(0)
    expect(left).is(50)
  end)

  test.it("sets the wall clock, with the zone's summer time", function()
    local clock = test.clock { at = "2026-03-29T00:30:00", zone = "Europe/Berlin" }
    expect(os.date "%Y-%m-%d %H:%M:%S %z").is "2026-03-29 00:30:00 +0100"
    expect(os.time()).is(1774740600)
    clock.advance(3600)
    expect(os.date "%H:%M %z").is "01:30 +0100"
    clock.advance(3600)
    expect(os.date "%H:%M %z").is "03:30 +0200"
    expect(os.date "!%H:%M").is "01:30"
  end)

  test.it("the local zone of tidelock.date is the clock's", function()
    local date = require "tidelock.date"
    date.format(0, { zone = "local" }) -- another is known already
    test.clock { at = "2026-07-01T12:00", zone = "Asia/Kathmandu" }
    expect(date.format(os.time(), { zone = "local" })).is "2026-07-01T12:00:00+05:45"
    expect(date.relative(os.time() - 60)).is "1 minute ago"
  end)

  test.it("takes a time with its own offset, or in seconds", function()
    local clock = test.clock { at = "2024-02-29T23:59:59Z", zone = "America/New_York" }
    expect(os.date "!%Y-%m-%d %H:%M:%S").is "2024-02-29 23:59:59"
    expect(os.date "%H:%M").is "18:59"
    clock.advance(1)
    expect(os.date "!%m-%d").is "03-01"
  end)

  test.it("takes an offset in hours and minutes", function()
    test.clock { at = "1999-12-31T23:45:00-03:30" }
    expect(os.date "!%Y-%m-%d %H:%M").is "2000-01-01 03:15"
  end)

  test.it("takes seconds", function()
    test.clock { at = 86400.5, zone = "UTC" }
    expect(os.date "%Y-%m-%d %H:%M:%S").is "1970-01-02 00:00:00"
  end)

  test.it("who waits for the rest of a time, again and again, comes to its end", function()
    local clock, done = test.clock(), 0
    for i = 1, 200 do
      task.spawn(function()
        local began, wait = timer.now(), i / 7
        while timer.now() - began < wait do task.sleep(wait - (timer.now() - began)) end
        done = done + 1
      end)
    end
    clock.advance(30)
    expect(done).is(200)
  end)

  test.it("steps the wall clock alone", function()
    local clock = test.clock { at = "2026-01-01T12:00:00Z" }
    local from, fired = timer.now(), false
    timer.after(10, function() fired = true end)
    clock.step(-3600)
    clock.advance(0)
    expect(os.date "!%H:%M").is "11:00"
    expect(timer.now()).is(from)
    expect(fired).is(false)
    clock.step(7200)
    expect(os.date "!%H:%M").is "13:00"
    clock.advance(10)
    expect(fired).is(true)
  end)

  test.it("suspends: the wall goes on, timers stand", function()
    local clock, fired = test.clock { at = "2026-01-01T12:00:00Z" }, false
    timer.after(10, function() fired = true end)
    clock.suspend(3600)
    clock.advance(9)
    expect(fired).is(false)
    expect(os.date "!%H:%M:%S").is "13:00:09"
    clock.advance(1)
    expect(fired).is(true)
  end)

  test.it("sends no request to the outside", function()
    test.clock()
    local began = os.clock()
    for _, url in ipairs { "http://127.0.0.1:1/", "http://nowhere.invalid/", "https://example.org/x" } do
      local res, err = http.get(url)
      expect(res).is_nil()
      expect(err.code).is "TEST_CLOCK"
      expect(err.sent).is "no"
    end
    expect(os.clock() - began < 1).is_true()
  end)

  test.it("is one at a time", function()
    test.clock()
    expect(test.clock).raises "this test has a clock already"
  end)

  test.it("is over with its test", function()
    local from = os.time()
    expect(from > 1767225600).is_true() -- not the time of a test before
    local began = timer.now()
    task.sleep(0.01)
    expect(timer.now() - began >= 0.01).is_true()
  end)

  test.it("that has ended says so", function()
    local clock = test.clock()
    _G.rawset(test, "ended_clock", clock)
  end)
  test.it("that has ended, in the next test", function()
    expect(function() rawget(test, "ended_clock").advance(1) end).raises "the clock has ended with its test"
  end)

  test.it("advances once at a time, and a cancelled advance ends", function()
    local clock = test.clock()
    local advancing = task.spawn(function()
      timer.after(0, function() task.sleep(1) end)
      clock.advance(1e6)
    end)
    task.sleep(0)
    expect(function() clock.advance(1) end).raises "under way"
    advancing:cancel()
    task.sleep(0)
    clock.advance(1)
  end)

  local left, told, ticking
  test.it("ends with its test, while a task advances it", function()
    local clock = test.clock()
    left = task.spawn(function()
      local fine, err = pcall(clock.advance, 1e6)
      told = { fine, tostring(err) }
      task.sleep(1e6)
    end)
    ticking = timer.every(1e-3, function() end) -- else all of it were over at once
    task.sleep(0)
  end)
  test.it("says so to the task that is left", function()
    ticking:stop()
    task.sleep(0.01)
    expect(told[1]).is(false)
    expect(told[2]).matches "the clock has ended with its test"
    left:cancel()
  end)
  test.it("ends with its test once more", function()
    local clock = test.clock()
    left = task.spawn(pcall, clock.advance, 1e6)
    ticking = timer.every(1e-3, function() end) -- else all of it were over at once
    task.sleep(0)
  end)
  test.it("is not stayed by the end of a task that advanced the one before", function()
    ticking:stop()
    local clock, from = test.clock(), timer.now()
    timer.after(1, function() left:cancel() end)
    clock.advance(5)
    expect(timer.now()).is_close(from + 5, 1e-9)
  end)

  test.it("a store's delay obeys it", function()
    local s = store.define("kept", { initial = { n = 0 } })
    local clock, heard = test.clock(), 0
    s:subscribe(function() heard = heard + 1 end)
    s:set { n = 1 }
    clock.advance(0)
    expect(heard).is(1)
  end)
end)

test.describe("wrong use of a clock:", function()
  local function wrong(name, text, fn) test.it(name, function() expect(fn).raises(text) end) end
  wrong("an unknown option", 'did you mean "zone"', function() test.clock { zon = "UTC" } end)
  wrong("no zone", 'there is no zone "Europe/Berlim"', function() test.clock { zone = "Europe/Berlim" } end)
  wrong("a zone that leads elsewhere", "there is no zone",
    function() test.clock { zone = "../../etc/passwd" } end)
  wrong("no time", "at is like", function() test.clock { at = "tomorrow" } end)
  wrong("backwards", "clock.advance takes a number of seconds from 0",
    function() test.clock().advance(-1) end)
  wrong("not a number", "clock.step takes a number", function() test.clock().step "1" end)
  wrong("a name it does not have", "advanc", function() return test.clock().advanc end)
  wrong("a day that there is not", "no such day",
    function() test.clock { at = "2026-02-30T00:00:00" } end)
  wrong("at the top of an hour", "at is like", function() test.clock { at = "2026-03-29T1:00" } end)
end)
