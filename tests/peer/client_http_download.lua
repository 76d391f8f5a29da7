-- Downloads from tests/peer/http_download_server.js: what is whole, what goes on, what is refused.
local test = require "tidelock.test"
local env = require "tidelock.env"
local fs = require "tidelock.fs"
local http = require "tidelock.http"
local expect = test.expect

local base = "http://127.0.0.1:" .. env.get "PLAIN"

local function body(size, version)
  local out = {}
  for n = 0, size - 1 do out[n + 1] = string.char((n * 7 + version * 13 + (n >> 8)) & 255) end
  return table.concat(out)
end

local function asked() return http.get(base .. "/asked"):json() end

local number = 0
local function new_name()
  number = number + 1
  return "file" .. number
end

local function is_gone(name)
  local info, err = fs.stat(name)
  return info == nil and err.code == "NOT_FOUND"
end

-- Downloads a path; returns the result, the error and the name.
local function get(path, options)
  options = options or {}
  options.file = options.file or new_name()
  if options.resume == nil then options.resume = true end
  asked()
  local result, err = http.download(base .. path, options)
  return result, err, options.file
end

local function is_whole(name, size, version)
  expect(fs.read(name) == body(size, version or 1)).is(true)
  expect(is_gone(name .. ".part")).is(true)
  expect(is_gone(name .. ".part.json")).is(true)
end

test.describe("a download", function()
  test.it("is written as a whole, and told of", function()
    local told = {}
    local result, err, name = get("/plain/100000", { on_progress = function(done, total)
      told[#told + 1] = done
      told.total = total
    end })
    expect(err).is(nil)
    expect(result.bytes).is(100000)
    expect(result.resumed).is(0)
    expect(result.status).is(200)
    is_whole(name, 100000)
    require "tidelock.task".sleep(0.05)
    expect(told[#told]).is(100000)
    expect(told.total).is(100000)
    is_whole(select(3, get("/chunked/5000")), 5000)
    is_whole(select(3, get("/plain/0")), 0)
    is_whole(select(3, get("/plain/5000", { resume = false })), 5000)
  end)

  test.it("goes on where it breaks off, within the call", function()
    for _, kind in ipairs { "plain", "modified", "ignores" } do
      local _, err, name = get("/" .. kind .. "/9000?cut=4000", { retries = 5 })
      expect(err).is(nil)
      is_whole(name, 9000)
      local requests = asked()
      expect(#requests).is(3)
      expect(requests[2][1]).is "bytes=4000-"
      expect(requests[2][2] ~= "-").is(true)
    end
    is_whole(select(3, get("/plain/9001?cut=4000", { retries = 5, resume = false })), 9001)
  end)

  test.it("goes on in a later call", function()
    local result, err, name = get("/plain/9002?cut=4000", { retries = 0 })
    expect(result).is(nil)
    expect(err.code).is "RESET"
    expect(is_gone(name)).is(true)
    expect(fs.stat(name .. ".part").size).is(4000)
    get("/plain/9002?cut=4000", { retries = 0, file = name })
    result = assert(get("/plain/9002?cut=4000", { retries = 0, file = name }))
    expect(result.resumed).is(8000)
    expect(result.status).is(206)
    is_whole(name, 9002)
  end)

  test.it("that is whole but for its name gets it (416)", function()
    local _, _, name = get("/plain/9003?cut=4000", { retries = 0 })
    fs.append(name .. ".part", body(9003, 1):sub(4001))
    local result = assert(get("/plain/9003?cut=4000", { retries = 0, file = name }))
    expect(result.status).is(416)
    is_whole(name, 9003)
    _, _, name = get("/wrong416/9004?cut=4000", { retries = 0 })
    fs.append(name .. ".part", body(9004, 1):sub(4001))
    assert(get("/wrong416/9004?cut=0", { retries = 1, file = name .. "x" }))
    local _, err = get("/wrong416/9004?cut=4000", { retries = 0, file = name })
    expect(err.code).is "PROTOCOL"
    expect(is_gone(name)).is(true)
  end)

  test.it("of a body that has changed begins anew, and is never glued", function()
    local _, err, name = get("/changes/9005?cut=5000", { retries = 1 })
    expect(err.code).is "RESET"
    expect(fs.stat(name .. ".part").size).is(5000)
    expect(fs.read(name .. ".part") == body(5000, 2)).is(true)
    assert(get("/changes/9005?cut=5000", { retries = 1, file = name }))
    is_whole(name, 9005, 2)
    -- Another URL is another file.
    _, _, name = get("/plain/9006?cut=5000", { retries = 0 })
    assert(get("/plain/6000", { file = name }))
    is_whole(name, 6000)
  end)

  test.it("begins anew where nothing tells versions apart", function()
    for _, kind in ipairs { "bare", "weak", "norange" } do
      local _, err, name = get("/" .. kind .. "/9007?cut=5000", { retries = 1 })
      expect(err.code).is "RESET"
      expect(is_gone(name)).is(true)
      assert(get("/" .. kind .. "/9007", { retries = 0, file = name }))
      is_whole(name, 9007)
      if kind ~= "norange" then expect(asked()[1][1]).is "-" end
    end
  end)

  test.it("refuses a part that is not the one that was asked for", function()
    for _, kind in ipairs { "shifted", "total", "garbage", "rangeless" } do
      local _, err, name = get("/" .. kind .. "/9008?cut=5000", { retries = 3 })
      expect(err.code).is "PROTOCOL"
      expect(is_gone(name)).is(true)
      expect(#asked()).is(2)
      assert(get("/" .. kind .. "/9008", { file = name })) -- and asks for all of it the next time
      is_whole(name, 9008)
    end
    for _, kind in ipairs { "othertag", "untagged" } do
      local _, err, name = get("/" .. kind .. "/9009?cut=5000", { retries = 2 })
      expect(err ~= nil).is(true)
      expect(is_gone(name)).is(true)
    end
    local _, err, name = get("/more/9010?cut=5000", { retries = 3 })
    expect(err.code).is "PROTOCOL"
    expect(is_gone(name)).is(true)
    _, err = get("/unasked/100")
    expect(err.code).is "PROTOCOL"
  end)

  test.it("that fails leaves the file of before as it was", function()
    local name = new_name()
    fs.write(name, "before")
    local _, err = get("/missing/1", { file = name })
    expect(err.code).is "HTTP"
    expect(err.status).is(404)
    _, err = get("/plain/9011?cut=100", { file = name, retries = 0, resume = false })
    expect(err.code).is "RESET"
    _, err = get("/plain/9011", { file = name, max_body = 100 })
    expect(err.code).is "TOO_LARGE"
    expect(fs.read(name)).is "before"
    _, err = get("/plain/9011", { file = "no/such/folder" })
    expect(err.code).is "NOT_FOUND"
    _, err = get("/plain/9011", { file = "../x" })
    expect(err.code).is "DENIED"
  end)

  test.it("of a record that is no record begins anew", function()
    local digest = require "tidelock.crypto".sha256(base .. "/plain/9012")
    for _, record in ipairs { "", "{", "[]", "null", '{"source":1}',
      ('{"source":"%s","by":"etag","validator":"a\\r\\nX: y"}'):format(digest),
      ('{"source":"%s","by":"etag","validator":"x","total":-1}'):format(digest),
      ('{"source":"%s","by":"etag","validator":"x","total":3}'):format(digest),
      ('{"source":"%s","by":"host","validator":"x"}'):format(digest), ("x"):rep(20000) } do
      local name = new_name()
      fs.write(name .. ".part", "rubbish")
      fs.write(name .. ".part.json", record)
      assert(get("/plain/9012", { file = name }))
      is_whole(name, 9012)
    end
  end)

  test.it("is one at a time for a file", function()
    local name = new_name()
    local task = require "tidelock.task"
    local first = task.spawn(function() return get("/plain/9013?slow=1000", { file = name }) end)
    task.sleep(0.1)
    local _, err = http.download(base .. "/plain/9013", { file = name, resume = true })
    expect(err.code).is "BUSY"
    assert(first:await())
    is_whole(name, 9013)
  end)

  test.it("that cannot be raises", function()
    local function raises(what, options)
      local ok, why = pcall(http.download, base .. "/plain/1", options)
      expect(ok).is(false)
      expect(tostring(why):find(what, 1, true) ~= nil).is(true)
    end
    raises("takes a table", nil)
    raises("needs a file", {})
    raises("needs a file", { file = "x/" })
    raises("resume must be", { file = "x", resume = 1 })
    raises("what fs.folder gave", { file = "x", folder = "y" })
    raises("no option 'body'", { file = "x", body = "y" })
    raises("header Range", { file = "x", headers = { Range = "bytes=1-" } })
    raises("no option 'fil'", { file = "x", fil = "y" })
    raises("on_progress must be", { file = "x", on_progress = 1 })
  end)
end)
