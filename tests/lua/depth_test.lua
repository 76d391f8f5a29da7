-- Nesting without end, in every form that goes through C: it raises, whatever is nested in what.
-- tests/e2e/limits_test.sh runs this file with smaller stacks too.
local errors = require "tidelock.errors"
local json = require "tidelock.json"
local schema = require "tidelock.schema"
local store = require "tidelock.store"
local task = require "tidelock.task"
local test = require "tidelock.test"
local expect = test.expect

local MANY = 15000

local function closing(fn) return setmetatable({}, { __close = fn }) end

-- A coroutine that waits in the scope of a <close> variable.
local function held(fn)
  local co = coroutine.create(function()
    local _ <close> = closing(fn)
    coroutine.yield()
  end)
  coroutine.resume(co)
  return co
end

-- The last of count coroutines, each of which closes the one before it by `close`. Returns a
-- table as well, in which the first error is found afterwards.
local function chain(count, close)
  local last, seen = nil, {}
  for i = 1, count do
    local inner = last
    last = held(function()
      if not inner then seen.bottom = true return end
      local ok, done, err = pcall(close, inner, i)
      if not ok or not done then seen.err = seen.err or tostring(ok and err or done) end
    end)
  end
  return last, seen
end

local function expect_overflow(seen)
  expect(seen.bottom).is_nil()
  expect(seen.err).contains "C stack overflow"
end

test.describe("coroutines that close one another by <close>", function()
  test.it("a short chain, to its end", function()
    local last, seen = chain(150, coroutine.close)
    expect(coroutine.close(last)).is(true)
    expect(seen).equals { bottom = true }
  end)

  test.it("a long one", function()
    local last, seen = chain(MANY, coroutine.close)
    expect(coroutine.close(last)).is(true)
    expect_overflow(seen)
  end)

  test.it("with callbacks of gsub, sort, format and load between them", function()
    local function through_gsub(n, fn)
      if n == 0 then return fn() end
      local ok, err
      ;("x"):gsub("x", function() ok, err = through_gsub(n - 1, fn) end)
      return ok, err
    end
    local function through_sort(fn)
      local ok, err
      table.sort({ 1, 2 }, function() ok, err = fn() return false end)
      return ok, err
    end
    local function through_format(fn)
      local ok, err
      ;("%s"):format(setmetatable({}, { __tostring = function() ok, err = fn() return "" end }))
      return ok, err
    end
    local function through_load(fn)
      local ok, err
      local _, why = load(function() ok, err = fn() return nil end)
      return ok, err or why
    end
    for _, through in ipairs {
      function(fn) return through_gsub(150, fn) end,
      through_sort, through_format, through_load,
    } do
      local last, seen = chain(MANY, function(inner)
        return through(function() return coroutine.close(inner) end)
      end)
      expect(coroutine.close(last)).is(true)
      expect_overflow(seen)
    end
  end)

  test.it("from the <close> of a task that is cancelled", function()
    local last, seen = chain(MANY, coroutine.close)
    local t = task.spawn(function()
      local _ <close> = closing(function() seen.closed = coroutine.close(last) end)
      task.sleep(100)
    end)
    task.sleep(0)
    t:cancel()
    expect(function() t:await() end).raises "CANCELLED"
    expect(seen.closed).is(true)
    expect_overflow(seen)
  end)

  test.it("by an error inside wrap", function()
    local bottom, err
    local function nest(n)
      if n == 0 then bottom = true return end
      coroutine.wrap(function()
        local _ <close> = closing(function()
          local ok, why = pcall(nest, n - 1)
          if not ok and not tostring(why):find "out" then err = err or why end
        end)
        error "out"
      end)()
    end
    expect(function() nest(MANY) end).raises ""
    expect(bottom).is_nil()
    expect(err).contains "overflow"
  end)
end)

-- deepest(step): step calls what it is given; how deep it gets, and what is raised then.
local function deepest(step)
  local depth, err = 0, nil
  local function down()
    depth = depth + 1
    local ok, why = pcall(step, down)
    if not ok then err = err or tostring(why) end
  end
  local co = coroutine.wrap(function() down() end)
  co()
  return depth, err
end

test.describe("nesting raises, and nothing breaks", function()
  local function by(name, step, text)
    test.it(name, function()
      local depth, err = deepest(step)
      expect(depth < MANY).is(true)
      expect(err).contains(text or "C stack overflow")
    end)
  end
  local function meta(event, fn)
    return setmetatable({}, { [event] = fn })
  end

  by("gsub", function(down) return ("x"):gsub("x", down) end)
  by("gsub of a table", function(down)
    return ("x"):gsub("x", setmetatable({}, { __index = function() down() end }))
  end)
  by("sort", function(down) table.sort({ 1, 2 }, function() down() return false end) end)
  by("format", function(down)
    return ("%s"):format(meta("__tostring", function() down() return "" end))
  end)
  by("tostring", function(down)
    return tostring(meta("__tostring", function() down() return "" end))
  end)
  by("print", function(down) print(meta("__tostring", down)) end)
  by("load", function(down) assert(load(function() down() end)) end)
  by("concat", function(down)
    return table.concat(meta("__index", function() down() return "" end), "", 1, 1)
  end)
  by("unpack", function(down) return table.unpack(meta("__index", down), 1, 1) end)
  by("insert", function(down)
    table.insert(setmetatable({}, {
      __len = function() return 0 end, __index = rawget, __newindex = down,
    }), 1)
  end)
  by("the length", function(down) return #meta("__len", function() down() return 0 end) end)
  by("indexing", function(down) return meta("__index", down).x end)
  by("assigning", function(down) meta("__newindex", down).x = 1 end)
  by("calling", function(down) meta("__call", down)() end)
  by("comparing", function(down) return meta("__lt", down) < 1 end)
  by("adding", function(down) return meta("__add", down) + 1 end)
  by("joining", function(down) return meta("__concat", down) .. "" end)
  by("pairs", function(down) pairs(meta("__pairs", down)) end)
  by("pcall", function(down) assert(pcall(down)) end)
  by("xpcall", function(down) assert(xpcall(down, function(e) return e end)) end)
  by("<close>", function(down) local _ <close> = closing(down) end)
  by("wrap", function(down) coroutine.wrap(down)() end)
  by("resume", function(down) assert(coroutine.resume(coroutine.create(down))) end)

  test.it("the text of a script", function()
    for _, text in ipairs { "((", "{{", "a.b(", "function() return ", "-#~", "not ", "1 .. " } do
      local _, err = load("return " .. text:rep(100000))
      expect(err).matches "overflow"
    end
    expect(select(2, load(("do "):rep(100000)))).matches "overflow"
    expect(select(2, load("goto " .. ("a.b.c:d():e "):rep(100000)))).is_not(nil)
  end)

  test.it("a chain of __index and of __newindex", function()
    local t = {}
    for _ = 1, MANY do t = setmetatable({}, { __index = t, __newindex = t }) end
    expect(function() return t.x end).raises "too long"
    expect(function() t.x = 1 end).raises "too long"
  end)

  test.it("tables that go into values", function()
    local deep = {}
    for _ = 1, MANY * 10 do deep = { deep } end
    expect(select(2, json.encode(deep)).code).is "DECODE"
    local text = ("["):rep(MANY * 10)
    expect(json.decode(text)).is_nil()
    expect(json.decode(text .. ("]"):rep(MANY * 10))).is_nil()
    expect(json.decode(('{"a":'):rep(MANY * 10))).is_nil()
  end)

  test.it("errors whose cause is an error", function()
    local err = errors.new { code = "IO", message = "the first" }
    for i = 1, MANY do err = errors.new { code = "IO", message = "no " .. i, cause = err } end
    expect(tostring(err)).contains "no 15000"
    expect(function() error(err) end).raises "no 15000"
  end)

  test.it("schemas in schemas", function()
    local deep, value = schema.string(), "x"
    for _ = 1, MANY do
      deep, value = schema.array(deep), { value }
    end
    local checked, err = deep:check(value)
    expect(checked).is_nil()
    expect(err.code).is "INVALID"
  end)
end)

-- A handler started inside another one's turn begins on a coroutine of its own.
local s = store.define("depth", { initial = { n = 0 } })
local traced = 0
store.trace(function(change)
  if change.store:find "depth$" and s:get "n" > 0 and s:get "n" < MANY then
    traced = traced + 1
    s:set { n = s:get "n" + 1 }
  end
end)

test.it("a trace that changes what it traces is stopped", function()
  s:set { n = 1 }
  expect(s:get "n" > 10).is(true)
  expect(traced < MANY - 2).is(true)
  expect(test.uncaught()).contains "C stack overflow"
end)
