-- What a script cannot do to its host: run for ever, take all memory, reach files.
local errors = require "tidelock.errors"
local json = require "tidelock.json"
local log = require "tidelock.log"
local store = require "tidelock.store"
local test = require "tidelock.test"
local script = require "tidelock.script"
local task = require "tidelock.task"
local expect = test.expect

script.cpu_limit(0.1)
local values = store.define("values", { initial = {} })

-- Runs fn in a task of its own: it must be stopped by the CPU limit, soon.
local function expect_stopped(fn)
  local start = os.clock() -- the processor's time: others may have it meanwhile
  local ok, err = pcall(function()
    return task.spawn(fn):await()
  end)
  expect(ok).is(false)
  expect(tostring(err)).contains("CPU_LIMIT: ran for 0.1 s without waiting")
  expect(os.clock() - start < 3).is(true)
end

local function spin() while true do end end

-- Takes so much of the turn.
local function spend(seconds)
  local till = os.clock() + seconds
  while os.clock() < till do end
end

test.describe("the CPU limit stops", function()
  test.it("a loop, and says where it is", function()
    local ok, err = pcall(function()
      return task.spawn(function()
        while true do end
      end):await()
    end)
    expect(ok).is(false)
    expect(err).matches("sandbox_test.lua:%d+: CPU_LIMIT: ran for 0.1 s without waiting")
  end)

  test.it("a loop around pcall", function()
    expect_stopped(function() while true do pcall(spin) end end)
  end)

  test.it("pcall of pcall", function()
    expect_stopped(function()
      while true do pcall(pcall, spin) pcall(error) end
    end)
  end)

  test.it("an xpcall handler that loops", function()
    expect_stopped(function() while true do xpcall(error, spin) end end)
  end)

  test.it("coroutine after coroutine", function()
    expect_stopped(function()
      while true do pcall(coroutine.wrap(spin)) end
    end)
    expect_stopped(function()
      while true do coroutine.resume(coroutine.create(spin)) end
    end)
  end)

  test.it("coroutines inside coroutines", function()
    expect_stopped(function()
      local function nest(depth)
        while true do
          coroutine.resume(coroutine.create(depth > 0 and nest or spin), depth - 1)
        end
      end
      nest(5)
    end)
  end)

  test.it("a loop in __close, left by an error", function()
    expect_stopped(function()
      local _ <close> = setmetatable({}, { __close = spin })
      error("out")
    end)
  end)

  test.it("a loop in __close, left by the limit itself", function()
    expect_stopped(function()
      local _ <close> = setmetatable({}, { __close = spin })
      spin()
    end)
  end)

  test.it("a loop in __close of a coroutine, closed or failed", function()
    expect_stopped(function()
      local co = coroutine.create(function()
        local _ <close> = setmetatable({}, { __close = spin })
        coroutine.yield()
      end)
      coroutine.resume(co)
      coroutine.close(co)
      spin()
    end)
    expect_stopped(function()
      coroutine.wrap(function()
        local _ <close> = setmetatable({}, { __close = spin })
        spin()
      end)()
    end)
  end)

  test.it("comparisons, iterators and callbacks that C calls", function()
    expect_stopped(function() table.sort({ 3, 1, 2 }, spin) end)
    expect_stopped(function() ("x"):gsub("x", spin) end)
    expect_stopped(function() for _ in spin do end end)
    expect_stopped(function() load(spin) end)
    expect_stopped(function() tostring(setmetatable({}, { __tostring = spin })) end)
  end)

  test.it("metamethods that lead to each other", function()
    expect_stopped(function()
      local t = setmetatable({}, { __index = function(t, k) return t[k + 1] end })
      while true do pcall(function() return t[1] end) end
    end)
  end)

  test.it("string.rep of nothing", function()
    expect((""):rep(1 << 40)).is("")
    expect(string.rep("", 1 << 62, "")).is("")
    expect(getmetatable("").__index.rep).is(string.rep)
  end)

  test.it("patterns that try for ever", function()
    local text = ("a"):rep(60)
    expect_stopped(function() return text:find(("a-"):rep(20) .. "b") end)
    expect_stopped(function() return text:match((".*"):rep(8) .. "b") end)
    expect_stopped(function() return text:gsub(("a-"):rep(20) .. "b", "") end)
    expect_stopped(function()
      text:gmatch(("a*"):rep(12) .. "b")()
    end)
    expect_stopped(function()
      while true do pcall(string.find, text, ("a-"):rep(20) .. "b") end
    end)
  end)

  test.it("table functions with an endless length", function()
    local endless = setmetatable({}, { __len = function() return 1 << 40 end })
    expect_stopped(function() table.move({}, 1, 1 << 40, 2) end)
    expect_stopped(function() table.insert(endless, 1, "x") end)
    expect_stopped(function() table.remove(endless, 1) end)
    expect_stopped(function()
      table.concat(setmetatable({}, { __index = rawlen, __len = rawlen }), "", 1, 1 << 50)
    end)
    expect(function() table.unpack(endless) end).raises("too many results")
  end)

  test.it("plain searching in time quadratic in the text", function()
    local text, part = ("a"):rep(2000000), ("a"):rep(1000000) .. "b"
    local start = os.clock() -- quadratic it would be 10^12 comparisons
    expect(text:find(part, 1, true)).is_nil()
    expect(os.clock() - start < 1).is(true)
  end)

  test.it("a value that calls itself", function()
    local function itself()
      local t = setmetatable({}, {})
      getmetatable(t).__call = t
      return t
    end
    expect_stopped(function() itself()() end)
    expect_stopped(function() while true do pcall(itself()) end end)
    expect_stopped(function() table.sort({ 1, 2 }, function() return itself()() end) end)
    local function chain(n)
      local t = spin
      for _ = 1, n do t = setmetatable({}, { __call = t }) end
      return t
    end
    expect_stopped(function() chain(100)() end)
    expect_stopped(function() chain(40000)() end)
  end)

  test.it("sorting, of strings, numbers and what has an order of its own", function()
    local long = { ("a"):rep(1000000) .. "1", ("a"):rep(1000000) .. "2" }
    local zeros = { ("\0"):rep(1000000) .. "1", ("\0"):rep(1000000) .. "2" }
    expect_stopped(function()
      local t = {}
      for i = 1, 100000 do t[i] = long[i % 2 + 1] end
      table.sort(t)
    end)
    expect_stopped(function()
      local t = {}
      for i = 1, 100000 do t[i] = zeros[i % 2 + 1] end
      table.sort(t)
    end)
    expect_stopped(function()
      local t = setmetatable({}, { __len = function() return 1 << 30 end,
        __index = function(_, i) return -i end, __newindex = function() end })
      table.sort(t)
    end)
    expect_stopped(function()
      local t = {}
      for i = 1, 3000000 do t[i] = -i end
      while true do pcall(table.sort, t) end
    end)
  end)

  test.it("patterns with sets, balances and frontiers of any length", function()
    local text, set = ("a"):rep(1000000), "[" .. ("bc"):rep(500000) .. "]"
    expect_stopped(function() return text:find(set) end)
    expect_stopped(function() return text:match("^[" .. ("b"):rep(1000000) .. "a]-$") end)
    expect_stopped(function() return text:gsub("%f" .. set, "") end)
    expect_stopped(function() return ("("):rep(1000000):find("%b()") end)
  end)

  test.it("JSON of what is in itself many times, and text without end", function()
    local many = {}
    for _ = 1, 40 do many = { many, many } end
    expect_stopped(function() return json.encode(many) end)
    expect_stopped(function() while true do pcall(json.encode, many) end end)
    expect_stopped(function() log.debug("x", many) log.info("x", many) end)
    expect_stopped(function()
      local text = "[" .. ("1,"):rep(20000000) .. "1]"
      while true do json.decode(text) end
    end)
    expect_stopped(function() return values:set { many = many } end)
    expect_stopped(function() return values:change(function(d) d.many = many end) end)
  end)

  test.it("compiling text without end", function()
    expect_stopped(function() load(("x=1 "):rep(20000000)) end)
    expect_stopped(function() load((" "):rep(20000000) .. ("f()"):rep(10000000)) end)
  end)

  test.it("counting characters", function()
    expect_stopped(function()
      local text = ("é"):rep(20000000)
      while true do utf8.len(text) end
    end)
  end)

  test.it("what takes text of a bounded length refuses more", function()
    script.cpu_limit(10)
    local long = ("%c"):rep(3000000)
    expect(function() return os.date(long) end).raises "longer than"
    expect(function() return ("%q"):format(long) end).raises "longer than"
    expect(function() return ("%d %-5.2s %% %q"):format(1, "x", long) end).raises "#3"
    expect(function() return string.pack(("x"):rep(5000000)) end).raises "longer than"
    expect(function() return string.unpack((" "):rep(5000000), "") end).raises "longer than"
    expect(function() return string.packsize(("b"):rep(5000000)) end).raises "longer than"
    script.cpu_limit(0.1)
  end)

  test.it("only the turn: later turns of the task are their own", function()
    script.cpu_limit(1)
    local t = task.spawn(function()
      for _ = 1, 6 do -- less than a quarter each: the clock on the wall does not count
        local till = os.clock() + 0.18
        while os.clock() < till do end
        task.sleep(0)
      end
      return "done"
    end)
    local ok, value = pcall(t.await, t)
    script.cpu_limit(0.1)
    expect(ok and value).is("done")
  end)

  test.it("and leaves the others and the pool in order", function()
    for _ = 1, 3 do expect_stopped(spin) end
    local list = {}
    for i = 1, 100 do list[i] = function() task.sleep(0.001) return i end end
    expect(#task.all(list)).is(100)
  end)

  test.it("only after the script's own limit", function()
    script.cpu_limit(2)
    local value = task.spawn(function()
      local till = os.clock() + 0.3
      while os.clock() < till do end
      return "done"
    end):await()
    script.cpu_limit(0.1)
    expect(value).is("done")
    expect(function() script.cpu_limit(0) end).raises("0.05 to")
  end)
end)

-- The functions that were made anew do what Lua's own do.
test.describe("strings and tables", function()
  test.it("find", function()
    expect({ ("hello world"):find("o w") }).equals { 5, 7 }
    expect({ ("hello"):find("l+") }).equals { 3, 4 }
    expect({ ("hello"):find("(l)(l)") }).equals { 3, 4, "l", "l" }
    expect({ ("a.b"):find(".", 2, true) }).equals { 2, 2 }
    expect({ ("abc"):find("", 10) }).equals {}
    expect({ ("abc"):find("", 4) }).equals { 4, 3 }
    expect({ ("abc"):find("b", -2) }).equals { 2, 2 }
    expect({ ("abc"):find("^b", 2) }).equals { 2, 2 }
    expect({ ("a\0b"):find("\0") }).equals { 2, 2 }
    expect({ ("a\0b"):find("%z") }).equals {}
    expect({ ("abc"):find("b()") }).equals { 2, 2, 3 }
    expect({ ("abc"):find("c$") }).equals { 3, 3 }
    expect({ ("a$c"):find("$c") }).equals { 2, 3 }
  end)

  test.it("match", function()
    expect({ ("key = value"):match("^(%w+)%s*=%s*(%w+)$") }).equals { "key", "value" }
    expect(("  x  "):match("^%s*(.-)%s*$")).is("x")
    expect(("f(a(b)c)d"):match("%b()")).is("(a(b)c)")
    expect(("THE (quick) fox"):find("%f[%a]%a+%f[%A]")).is(1)
    expect(("say 'it' now"):match("(['\"])(.-)%1")).is("'")
    expect(("x-y]"):match("[]%-]+")).is("-")
    expect(("a-z"):match("[a%-z]+")).is("a-z")
    expect(("2024-05-06"):match("(%d+)-(%d+)-(%d+)")).is("2024")
    expect(("ab"):match("a?a?a?b")).is("ab")
    expect(("[x]"):match("%[([^]]*)%]")).is("x")
    expect((("a?"):rep(300)):len()).is(600)
    expect(("b"):match(("a*"):rep(300) .. "b")).is("b")
  end)

  test.it("gmatch and gsub", function()
    local seen = {}
    for k, v in ("a=1, b=2"):gmatch("(%w+)=(%w+)") do seen[k] = v end
    expect(seen).equals { a = "1", b = "2" }
    local empty = 0
    for _ in ("abc"):gmatch("") do empty = empty + 1 end
    expect(empty).is(4)
    expect({ ("hello"):gsub("l", "L") }).equals { "heLLo", 2 }
    expect({ ("hello"):gsub("l", "L", 1) }).equals { "heLlo", 1 }
    expect({ ("hello"):gsub("", "-") }).equals { "-h-e-l-l-o-", 6 }
    expect(("hello world"):gsub("(%w+) (%w+)", "%2 %1 %0 %%")).is("world hello hello world %")
    expect(("$a $b"):gsub("%$(%w)", { a = "x" })).is("x $b")
    expect(("abc"):gsub("%w", function(c) return c ~= "b" and c:upper() end)).is("AbC")
    expect(("abc"):gsub("()", "%1")).is("1a2b3c4")
    expect(("abc"):gsub("^a", "")).is("bc")
    expect(("abc def"):gsub("%w+", "%0 %0", 1)).is("abc abc def")
    local same = ("x"):rep(50)
    expect(rawequal(same:gsub("y", "z"), same)).is(true)
  end)

  test.it("format, pack, utf8.len and os.date as ever", function()
    expect(("%5.1f|%-5s|%q|%%|%s|%x"):format(1.25, "ab", 'a"b', nil, 255))
      .is([[  1.2|ab   |"a\"b"|%|nil|ff]])
    expect(function() return ("%"):format(1) end).raises "invalid conversion"
    expect(function() return ("%y"):format(1) end).raises "invalid conversion"
    expect(function() return ("%d"):format() end).raises "#1 to 'format' (no value)"
    expect({ string.unpack("<i4z", string.pack("<i4z", 7, "x")) }).equals { 7, "x", 7 }
    expect(os.date("!%Y", 0)).is "1970"
    expect(utf8.len("añb", -1)).is(1)
    local text = ("aé€😀"):rep(200000)
    expect(utf8.len(text)).is(800000)
    expect(utf8.len(text, 2)).is(799999)
    expect(utf8.len(text, 2, -5)).is(799998)
    expect({ utf8.len(text .. "\xff" .. text) }).equals { nil, #text + 1 }
    expect({ utf8.len(text:sub(1, -2)) }).equals { nil, #text - 3 }
    expect(function() return utf8.len(text, #text + 2) end).raises "out of bounds"
  end)

  test.it("sort", function()
    local list = {}
    for i = 1, 1000 do list[i] = (i * 7919) % 1009 end
    table.sort(list)
    for i = 2, #list do expect(list[i - 1] <= list[i]).is(true) end
    table.sort(list, function(a, b) return a > b end)
    for i = 2, #list do expect(list[i - 1] >= list[i]).is(true) end
    local words = { "b", "a\0b", "", "a", "a\0a", "\xff", "B", "aa", "a\0" }
    table.sort(words)
    expect(words).equals { "", "B", "a", "a\0", "a\0a", "a\0b", "aa", "b", "\xff" }
    for i = 2, #words do expect(words[i - 1] < words[i]).is(true) end
    local mixed = { 3, 1.5, -1, 2 }
    table.sort(mixed)
    expect(mixed).equals { -1, 1.5, 2, 3 }
    table.sort({})
    table.sort({ 1 })
    expect(function() table.sort({ 1, "x" }) end).raises "attempt to compare"
    expect(function() table.sort({ 3, 2, 1, 5, 4 }, function() return true end) end)
      .raises "invalid order function"
    expect(function() table.sort({ 1, 2 }, 3) end).raises "function expected"
    expect(function() table.sort(nil) end).raises "table expected"
  end)

  test.it("JSON of long strings", function()
    script.cpu_limit(10)
    for _, piece in ipairs { "a", "é", "€", "😀", '"', "\n", "\1", "aé" } do
      local text = piece:rep((3 << 20) // #piece)
      expect(json.decode(json.encode { text })[1] == text).is(true)
      expect(json.encode(text .. "\xff")).is_nil()
    end
    script.cpu_limit(0.1)
  end)

  test.it("patterns that are wrong raise", function()
    local function raises(pattern, part)
      expect(function() return ("abc"):match(pattern) end).raises(part)
    end
    raises("%", "malformed pattern (ends with '%')")
    raises("[a", "malformed pattern (missing ']')")
    raises("(a", "unfinished capture")
    raises("a)", "invalid pattern capture")
    raises("%1", "invalid capture index")
    raises("%b", "missing arguments to '%b'")
    raises("%fa", "missing '[' after '%f'")
    raises(("("):rep(40), "too many captures")
    expect(function() ("a"):gsub("a", "%2") end).raises("invalid capture index")
    expect(function() ("a"):gsub("a", "%x") end).raises("invalid use of '%'")
    expect(function() ("a"):gsub("a", true) end).raises("string/function/table expected")
    expect(function() ("a"):gsub("a", function() return {} end) end).raises("(a table)")
    expect(function() return ("x"):rep(1e5):match(("(x"):rep(1) .. (".-"):rep(250)) end)
      .raises("pattern too complex")
  end)

  test.it("rep", function()
    expect(("ab"):rep(3)).is("ababab")
    expect(("ab"):rep(3, "-")).is("ab-ab-ab")
    expect(("ab"):rep(0)).is("")
    expect(("ab"):rep(-1)).is("")
    expect(function() return ("x"):rep(1 << 62) end).raises("not enough memory")
    expect(function() return ("xy"):rep(1 << 62) end).raises("too large")
  end)

  test.it("insert, remove, move, concat", function()
    local t = { 1, 2, 3 }
    table.insert(t, 4)
    table.insert(t, 1, 0)
    expect(t).equals { 0, 1, 2, 3, 4 }
    expect(table.remove(t, 1)).is(0)
    expect(table.remove(t)).is(4)
    expect(t).equals { 1, 2, 3 }
    expect(table.remove({})).is_nil()
    expect(table.remove({ n = 1 }, 0)).is_nil()
    expect(table.move({ 1, 2, 3 }, 1, 3, 2)).equals { 1, 1, 2, 3 }
    expect(table.move({ 1, 2, 3 }, 2, 3, 1)).equals { 2, 3, 3 }
    expect(table.move({ 1, 2 }, 1, 2, 3, { 9, 9 })).equals { 9, 9, 1, 2 }
    expect(table.concat({ 1, "a", 2.5 }, "-")).is("1-a-2.5")
    expect(table.concat({ 1, 2, 3 }, ", ", 2, 3)).is("2, 3")
    expect(table.concat({})).is("")
    expect(function() table.concat({ 1, {} }) end).raises("invalid value (table) at index 2")
    expect(function() table.insert({}, 5, "x") end).raises("position out of bounds")
    expect(function() table.insert({}) end).raises("wrong number of arguments")
    expect(function() table.insert(nil, 1) end).raises("table expected")
    expect(function() table.move({}, math.mininteger, 1, 1) end).raises("too many elements")
    local proxy = setmetatable({}, {
      __index = function(_, i) return i <= 2 and i or nil end,
      __len = function() return 2 end,
    })
    expect(table.concat(proxy, " ")).is("1 2")
  end)
end)

test.describe("memory", function()
  test.before_each(function() script.cpu_limit(20) end)
  test.after_each(function() script.cpu_limit(0.1) end)

  local function expect_refused(fn)
    local ok, err = pcall(fn)
    expect(ok).is(false)
    expect(tostring(err)).contains("not enough memory")
    collectgarbage()
  end

  test.it("hoarding raises, and life goes on", function()
    expect_refused(function()
      local hoard = {}
      while true do hoard[#hoard + 1] = ("x"):rep(1 << 24) .. #hoard end
    end)
    expect(#("y"):rep(1 << 20)).is(1 << 20)
  end)

  test.it("doubling raises", function()
    expect_refused(function()
      local s = "x"
      while true do s = s .. s end
    end)
  end)

  test.it("a buffer that grows raises", function()
    expect_refused(function() return ("x"):rep(1 << 31) end)
    expect_refused(function() return ("x"):rep(1 << 20):gsub("x", ("y"):rep(1 << 20)) end)
  end)

  test.it("in a task it is that task's error", function()
    local t = task.spawn(function()
      local hoard = {}
      for i = 1, math.huge do hoard[i] = ("x"):rep(1 << 24) .. #hoard end
    end)
    local ok, err = pcall(t.await, t)
    expect(ok).is(false)
    expect(tostring(err)).contains("not enough memory")
    collectgarbage()
    expect(task.spawn(function() return "fine" end):await()).is("fine")
  end)
end)

test.describe("a script cannot reach", function()
  test.it("files, processes, bytecode, C", function()
    -- Of a library these do something; all others say that they do not, and why.
    local function only(library, names)
      local usable = {}
      for name in names:gmatch "%S+" do
        expect(library[name]).is_not(nil)
        usable[name] = true
      end
      for name, value in pairs(library) do
        if not usable[name] then expect(value).raises "reach: " end
      end
    end
    only(os, "clock date difftime getenv time")
    only(debug, "traceback")
    only(io, "stderr stdout write")
    for _, name in ipairs { "dofile", "loadfile", "warn" } do expect(_G[name]).raises "reach: " end
    expect(coroutine.create).is_not(nil)
  end)

  test.it("them, and raises what is out of reach, why, and at which line", function()
    local function expect_refusal(fn, what, instead)
      local fine, err = pcall(fn)
      expect(fine).is(false)
      expect(err).matches "^tests/lua/sandbox_test%.lua:%d+: "
      expect(err).contains(what .. " reach: ")
      if instead then expect(err).contains(instead) end
    end
    local files = "files are out of a script's"
    expect_refusal(function() io.open("/etc/passwd") end, files, "tidelock.store")
    expect_refusal(function() for _ in io.lines "x" do end end, files)
    expect_refusal(function() os.remove "x" end, files)
    expect_refusal(function() os.rename("x", "y") end, files)
    expect_refusal(function() dofile "x.lua" end, files, "require")
    expect_refusal(function() loadfile "x.lua" end, files, "require")
    expect_refusal(function() return io.read() end, "standard input is out of io's", "tidelock.input")
    expect_refusal(function() io.popen "ls" end, "other programs are out of a script's")
    expect_refusal(function() os.execute "ls" end, "other programs are out of a script's")
    expect_refusal(function() os.exit(1) end, "the process is out of a script's", "script.exit")
    expect_refusal(function() os.setlocale "C" end, "the locale is out of a script's")
    expect_refusal(function() debug.sethook() end, "the debug library is out of a script's")
    expect_refusal(function() debug.getinfo(1) end, "the debug library is out of a script's")
    expect_refusal(function() return string.dump(print) end, "bytecode is out of a script's")
    expect_refusal(function() return ("x"):dump() end, "bytecode is out of a script's")
    expect_refusal(function() warn "x" end, "warnings are out of a script's", "tidelock.log")
    expect_refusal(function() package.path = "x" end, "package is out of a script's", "lib/")
    expect_refusal(function() return package.loaded end, "package is out of a script's")
    expect(pcall(io.open, "x")).is(false)
  end)

  test.it("them by way of require either", function()
    expect(require "os").is(os)
    expect(require "io").is(io)
    expect(require "string").is(string)
    for _, name in ipairs { "debug", "package", "tidelock.nothing", "main", "" } do
      expect(function() require(name) end).raises("module '" .. name .. "' not found")
    end
  end)

  test.it("a module that has another name, and raises with that name", function()
    local function meant(name, of)
      expect(function() require(name) end).raises(('(did you mean "%s"?)'):format(of))
    end
    meant("tidelock.sockte", "tidelock.socket")
    meant("tidelock.tmier", "tidelock.timer")
    meant("socket", "tidelock.socket")
    meant("schema", "tidelock.schema")
    expect(select(2, pcall(require, "lfs"))).matches "beside it has it$"
    expect(function() errors.new { code = "X", mesage = "y" } end).raises 'did you mean "message"?'
  end)

  test.it("bytecode through load", function()
    local chunk, err = load("\27Lua")
    expect(chunk).is_nil()
    expect(err).contains("attempt to load a binary chunk")
    expect(load("\27Lua", "x", "b")).is_nil()
    expect(load(function() return nil end)).is_not(nil)
  end)

  test.it("finalisers", function()
    expect(function() setmetatable({}, { __gc = print }) end).raises("__gc is not available")
  end)

  test.it("the collector's settings", function()
    expect(function() collectgarbage("stop") end).raises("invalid option")
    expect(collectgarbage("count") > 0).is(true)
  end)

  test.it("metatables that are the core's", function()
    local t = task.spawn(function() end)
    expect(getmetatable(t)).is("task")
    expect(function() setmetatable(t, {}) end).raises("table expected")
  end)
end)

test.describe("load", function()
  test.it("takes text, functions, names and environments", function()
    expect(load("return 1 + 1")()).is(2)
    local parts = { "return ", "4", "2" }
    local i = 0
    expect(load(function() i = i + 1 return parts[i] end)()).is(42)
    expect(load("return x", "chunk", "t", { x = 7 })()).is(7)
    local fn, err = load("x = = 1", "=mine")
    expect(fn).is_nil()
    expect(err).contains("mine:1:")
  end)
end)

test.describe("xpcall and debug.traceback", function()
  test.it("give what they were given", function()
    expect({ xpcall(function(...) return ... end, print, 1, nil, 3) }).equals { true, 1, nil, 3 }
    local ok, err = xpcall(error, function(e) return "seen " .. e end, "it", 0)
    expect(ok).is(false)
    expect(err).is("seen it")
  end)

  test.it("say where the error was raised, though the handler runs later", function()
    local function culprit() error("here") end
    local _, trace = xpcall(function() culprit() end, debug.traceback)
    expect(trace).contains("here\nstack traceback:")
    expect(trace).contains("culprit")
    expect(debug.traceback("later")).matches("^later\nstack traceback:")
    expect(debug.traceback("later"):find("culprit")).is_nil()
  end)

  test.it("leave an error that is a table as it is", function()
    local thrown = { 1 }
    local ok, err = xpcall(error, debug.traceback, thrown)
    expect(ok).is(false)
    expect(rawequal(err, thrown)).is(true)
  end)

  test.it("a handler that fails gives its own error", function()
    local ok, err = xpcall(error, function() error("worse", 0) end, "bad")
    expect(ok).is(false)
    expect(err).is("worse")
  end)

  test.it("waits pass through function and handler", function()
    local ok, value = xpcall(function() task.sleep(0.001) error("x", 0) end, function(e)
      task.sleep(0.001)
      return e .. "!"
    end)
    expect(ok).is(false)
    expect(value).is("x!")
  end)
end)

-- The last: what collects so much takes long.
test.describe("a store in a turn that is over its limit", function()
  local wide = {}
  for i = 1, 2e5 do wide["k" .. i] = { i } end

  test.it("is not changed by set of many keys", function()
    expect_stopped(function()
      spend(0.08)
      values:set(wide)
    end)
    expect(values:get("k1")).is(nil)
  end)

  test.it("is not changed by set", function()
    expect_stopped(function()
      spend(0.08)
      values:set { wide = wide }
    end)
    expect(values:get("wide")).is(nil)
  end)

  test.it("is not changed by change", function()
    expect_stopped(function()
      spend(0.08)
      values:change(function(draft) draft.wide = wide end)
    end)
    expect(values:get("wide")).is(nil)
  end)
end)
