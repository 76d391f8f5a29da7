-- What the backend speaks beside plain JSON: conditions, problems, keys, limits, streams, files.
local test = require "tidelock.test"
local config = require "config"
config.port = 0
config.thinking_seconds = 0.01
local app = require "app"
local data = require "data"
local feed = require "feed"
local http = require "tidelock.http"
local idempotency = require "idempotency"
local json = require "tidelock.json"
local limiter = require "limiter"
local task = require "tidelock.task"
local expect = test.expect

local tokens = {}

local function ask(who, method, path, options)
  options = options or {}
  local headers = { Authorization = tokens[who] and "Bearer " .. tokens[who] or nil }
  for name, value in pairs(options.headers or {}) do headers[name] = value end
  local res = assert(http.request {
    method = method, url = app.url .. path, json = options.json, body = options.body, query = options.query,
    multipart = options.multipart, headers = headers, retries = 0,
  })
  local body = res.body ~= "" and res:json() or nil
  return res.status, type(body) == "table" and body.data or nil, res, body
end

local function status(...) return (ask(...)) end

local function log_in(name)
  local _, answer = ask(nil, "POST", "/api/auth/login", {
    json = { email = name .. "@example.com", password = name },
  })
  tokens[name] = answer.token
end

local session -- of demo's first project

local function upload(who, parts, key)
  return ask(who, "POST", ("/api/chat/sessions/%s/attachments"):format(session), {
    multipart = parts, headers = { ["Idempotency-Key"] = key or nil },
  })
end

local function raw_upload(body, kind)
  local _, _, res, answer = ask("demo", "POST", ("/api/chat/sessions/%s/attachments"):format(session), {
    body = body, headers = { ["Content-Type"] = kind, ["Idempotency-Key"] = '"raw"' },
  })
  idempotency.reset()
  return res.status, answer
end

local function say(content, more)
  local message = { sessionId = session, content = content }
  for name, value in pairs(more or {}) do message[name] = value end
  return ask("demo", "POST", "/api/chat/messages", { json = message })
end

local limits = {}
for name, value in pairs(config.limits) do limits[name] = value end

local function begin()
  for name, value in pairs(limits) do config.limits[name] = value end
  data.reset()
  feed.reset()
  idempotency.reset()
  limiter.reset()
  log_in "demo"
  log_in "guest"
  local path = ("/api/chat/projects/%s/sessions"):format(data.projects("u1")[1].id)
  session = select(2, ask("demo", "POST", path, { json = {} })).id
end

test.describe("the backend", function()
  test.before_each(begin)

  test.it("answers 304 to what is known, and 412 to a change of what has changed", function()
    local path = "/api/projects/" .. data.projects("u1")[1].id
    local tag = select(3, ask("demo", "GET", path)).headers.etag
    expect(tag).matches '^"%x+"$'
    expect(status("demo", "GET", path, { headers = { ["If-None-Match"] = '"x", W/' .. tag } })).is(304)
    local weak = { ["If-Match"] = "W/" .. tag }
    expect(status("demo", "PUT", path, { json = { name = "A" }, headers = weak })).is(412)
    local fine, _, res = ask("demo", "PUT", path, { json = { name = "A" }, headers = { ["If-Match"] = tag } })
    expect(fine).is(200)
    expect(status("demo", "PUT", path, { json = { name = "B" }, headers = { ["If-Match"] = tag } })).is(412)
    expect(status("demo", "DELETE", path, { headers = { ["If-Match"] = tag } })).is(412)
    expect(status("demo", "GET", path, { headers = { ["If-None-Match"] = tag } })).is(200)
    expect(select(3, ask("demo", "GET", path)).headers.etag).is(res.headers.etag)
    expect(status("guest", "GET", path, { headers = { ["If-None-Match"] = "*" } })).is(404)
    expect(status("demo", "DELETE", path, { headers = { ["If-Match"] = "*" } })).is(200)
  end)

  test.it("says a refusal as a problem to who asks for it (RFC 9457)", function()
    local accept = { Accept = "application/json, application/problem+json;q=0.5" }
    local _, _, res, body = ask("demo", "GET", "/api/projects/p0", { headers = accept })
    expect(res.headers["content-type"]).is "application/problem+json"
    expect(body.status).is(404)
    expect(body.type).is "urn:tidelock:problem:not-found"
    expect(body.instance).is "/api/projects/p0"
    _, _, res = ask("demo", "GET", "/api/nothing", { headers = accept })
    expect(res.headers["content-type"]).is "application/problem+json"
    _, _, res, body = ask("demo", "GET", "/api/projects/p0", {
      headers = { Accept = "application/problem+json;q=0" },
    })
    expect(res.headers["content-type"]).is "application/json"
    expect(body.success).is(false)
    local _, _, known = ask(nil, "GET", "/api/projects", { headers = { Authorization = "Bearer x" } })
    expect(known.headers["www-authenticate"]).contains "invalid_token"
  end)

  test.it("does once what has a key, and gives the first answer again", function()
    local function make(name, key)
      local headers = { ["Idempotency-Key"] = key }
      return ask("demo", "POST", "/api/projects", { json = { name = name }, headers = headers })
    end
    local before = #data.projects "u1"
    local _, first = make("A", '"k1"')
    local code, second, res = make("A", '"k1"')
    expect(code).is(201)
    expect(second.id).is(first.id)
    expect(res.headers["idempotent-replayed"]).is "true"
    expect(#data.projects "u1").is(before + 1)
    expect((make("B", '"k1"'))).is(422)
    expect((make("", '"k2"'))).is(400)
    expect(select(3, make("", '"k2"')).headers["idempotent-replayed"]).is "true" -- refusals, too
    expect((make("A", '"a"b"'))).is(400)
    expect((make("A", '"' .. ("k"):rep(201) .. '"'))).is(400)
    config.limits.keys = 3
    for i = 1, 5 do make("C", '"c' .. i .. '"') end
    expect((make("B", '"k1"'))).is(201) -- it was dropped
    config.limits.key_seconds = 0
    task.sleep(0.01)
    make("D", '"d"')
    expect(select(3, make("C", '"c5"')).headers["idempotent-replayed"]).is_nil()
  end)

  test.it("refuses a key while its first request runs", function()
    local function keyed(key)
      return { user = "u1", method = "POST", path = "/", body = "", headers = { ["idempotency-key"] = key } }
    end
    local req, failed = keyed '"r"', keyed '"f"'
    local slow = task.spawn(idempotency.once, req, true, function() task.sleep(0.05) return 200, {} end)
    task.sleep(0.01)
    local _, err = pcall(idempotency.once, req, true, error)
    expect(err.status).is(409)
    slow:await()
    expect((idempotency.once(req, true, error))).is(200)
    expect((pcall(idempotency.once, failed, true, error))).is(false)
    expect((idempotency.once(failed, true, function() return 201, {} end))).is(201)
  end)

  test.it("answers 429 to who asks too often, each for itself", function()
    config.limits.burst, config.limits.requests = 3, 0.01
    limiter.reset()
    for _ = 1, 3 do expect(status("demo", "GET", "/api/projects")).is(200) end
    local code, _, res = ask("demo", "GET", "/api/projects")
    expect(code).is(429)
    expect(tonumber(res.headers["retry-after"]) > 50).is_true()
    expect(status("guest", "GET", "/api/projects")).is(200)
    for _ = 1, 3 do status(nil, "GET", "/api/projects") end
    expect(status(nil, "POST", "/api/auth/login", { json = {} })).is(429)
  end)

  test.it("keeps a user from another's things, and says who may what", function()
    local path = "/api/chat/sessions/" .. session
    local _, message = say "mine"
    local its = "/api/chat/messages/" .. message.id
    for _, each in ipairs { path, path .. "/settings", path .. "/messages", path .. "/attachments" } do
      expect(status("guest", "GET", each)).is(404)
      expect(status(nil, "GET", each)).is(401)
    end
    expect(status("guest", "PUT", path, { json = { title = "x" } })).is(404)
    expect(status("guest", "DELETE", path)).is(404)
    expect(status("guest", "PUT", its, { json = { content = "x" } })).is(404)
    expect((upload("guest", { { name = "file", filename = "a", body = "x" } }, "k"))).is(404)
    table.insert(data.projects("u1")[1].members, "u2")
    expect(status("guest", "PUT", its, { json = { content = "x" } })).is(403)
    expect(status("guest", "DELETE", "/api/chat/messages/" .. message.id)).is(403)
    expect(status("guest", "DELETE", path)).is(403)
  end)

  test.it("renames, sets and deletes sessions; edits messages", function()
    local path = "/api/chat/sessions/" .. session
    expect(select(2, ask("demo", "PUT", path, { json = { title = "New" } })).title).is "New"
    expect(select(2, ask("demo", "PUT", path .. "/settings", { json = { aiAssistance = false } })))
      .equals { autoSave = true, memoryContext = true, aiAssistance = false }
    expect(status("demo", "PUT", path, { json = { title = "" } })).is(400)
    local _, message = say "one"
    local its = "/api/chat/messages/" .. message.id
    local _, edited = ask("demo", "PUT", its, { json = { content = "two" } })
    expect(edited.content).is "two"
    expect(status("demo", "DELETE", path)).is(200)
    expect(status("demo", "GET", path)).is(404)
    expect(status("demo", "PUT", "/api/chat/messages/" .. message.id, { json = { content = "x" } })).is(404)
  end)

  test.it("pages messages both ways", function()
    data.session("u1", session).settings.aiAssistance = false
    local ids = {}
    for i = 1, 5 do ids[i] = select(2, say("m" .. i)).id end
    local function texts(query)
      local path = ("/api/chat/sessions/%s/messages"):format(session)
      local _, list, res = ask("demo", "GET", path, { query = query })
      local found = {}
      for i, message in ipairs(list or {}) do found[i] = message.content end
      return table.concat(found, " "), res.headers["x-more"], res.status
    end
    expect((texts { before = ids[4], limit = 2 })).is "m2 m3"
    expect(select(2, texts { before = ids[4], limit = 2 })).is "true"
    expect(select(2, texts { before = ids[3], limit = 2 })).is "false"
    expect((texts { after = ids[2], limit = 2 })).is "m3 m4"
    expect(select(2, texts { after = ids[2], limit = 3 })).is "false"
    expect(select(3, texts { after = "m0" })).is(404)
  end)
end)

test.describe("attachments", function()
  test.before_each(begin)

  local function file(body, name, kind)
    return { name = "file", filename = name or "a.txt", type = kind, body = body }
  end
  local bytes = {}
  for i = 0, 255 do bytes[i + 1] = string.char(i) end
  bytes = table.concat(bytes):rep(100)

  local function attach(...)
    local _, list = upload("demo", { file(...) }, '"' .. tostring(math.random(1 << 40)) .. '"')
    return list and list[1]
  end

  test.it("come back as they were, also in parts", function()
    local made = attach(bytes, 'x/..\\ü"\r\n.txt', "text/plain; charset=x")
    expect(made.size).is(25600)
    expect(made.filename).is 'ü".txt'
    local function get(headers)
      local code, _, res = ask("demo", "GET", made.url, { headers = headers })
      return code, res.body, res.headers
    end
    local code, body, headers = get()
    expect(code).is(200)
    expect(body == bytes).is_true()
    expect(headers["x-content-type-options"]).is "nosniff"
    expect(headers["content-disposition"])
      .is [[attachment; filename="___.txt"; filename*=UTF-8''%C3%BC%22.txt]]
    code, body, headers = get { Range = "bytes=10-19" }
    expect(code).is(206)
    expect(body == bytes:sub(11, 20)).is_true()
    expect(headers["content-range"]).is "bytes 10-19/25600"
    expect(select(2, get { Range = "bytes=25590-" }) == bytes:sub(-10)).is_true()
    expect(select(2, get { Range = "bytes=-10" }) == bytes:sub(-10)).is_true()
    expect((get { Range = "bytes=0-99", ["If-Range"] = headers.etag })).is(206)
    expect((get { Range = "bytes=0-99", ["If-Range"] = '"other"' })).is(200)
    expect((get { Range = "bytes=0-99", ["If-Range"] = "W/" .. headers.etag })).is(200)
    expect((get { ["If-None-Match"] = headers.etag })).is(304)
  end)

  test.it("take no lie about a range", function()
    local made = attach "0123456789"
    local function get(range)
      local code, _, res = ask("demo", "GET", made.url, { headers = { Range = range } })
      return code, res
    end
    local code, res = get "bytes=10-"
    expect(code).is(416)
    expect(res.headers["content-range"]).is "bytes */10"
    expect((get "bytes=-0")).is(416)
    expect(select(2, get "bytes=5-99999").body).is "56789"
    for _, range in ipairs { "bytes=5-2", "bytes=-", "bytes=a-b", "lines=1-2", "bytes=0-1,3-4", "bytes",
      "bytes=0-99999999999999999999", "bytes=--1", "" } do
      code, res = get(range)
      expect(code).is(200)
      expect(res.body).is "0123456789"
    end
    expect(status("guest", "GET", made.url)).is(404)
    expect(status(nil, "GET", made.url)).is(401)
  end)

  test.it("want a key, which counts for the parts, whatever the boundary", function()
    expect((upload("demo", { file "x" }))).is(400)
    local _, first = upload("demo", { file "x" }, '"u"')
    local code, second = upload("demo", { file "x" }, '"u"')
    expect(code).is(201)
    expect(second[1].id).is(first[1].id)
    expect((upload("demo", { file "y" }, '"u"'))).is(422)
  end)

  test.it("are bounded in size, number and kind", function()
    expect((upload("demo", { file("<b>", "a.html", "text/html") }, '"1"'))).is(415)
    expect((upload("demo", { file(("x"):rep(config.limits.file + 1)) }, '"2"'))).is(413)
    expect((upload("demo", { { name = "other", body = "x" } }, '"3"'))).is(400)
    expect((upload("demo", { file "1", file "2", file "3", file "4", file "5" }, '"4"'))).is(409)
    config.limits.attachments = 1
    expect(attach "1" ~= nil).is_true()
    expect((upload("demo", { file "2" }, '"5"'))).is(409)
    expect(#data.attachments("u1", session)).is(1)
  end)

  test.it("take no hostile form", function()
    local kind = "multipart/form-data; boundary=B"
    local part = 'Content-Disposition: form-data; name="file"; filename="a"\r\n'
    expect((raw_upload("x", "multipart/form-data"))).is(400)
    expect((raw_upload("{}", "application/json"))).is(415)
    expect((raw_upload("--B\r\nX: " .. ("x"):rep(100000), kind))).is(413)
    local nested = "Content-Type: multipart/mixed; boundary=C\r\n\r\n--C--\r\n--B--"
    expect((raw_upload("--B\r\n" .. part .. nested, kind))).is(400)
    expect((raw_upload(("--B\r\n" .. part .. "\r\nx\r\n"):rep(10000) .. "--B--", kind))).is(413)
    expect((raw_upload("--B\r\n" .. part .. "\r\nx", kind))).is(400)
    expect(#data.attachments("u1", session)).is(0)
  end)

  test.it("belong to a message that names them", function()
    data.session("u1", session).settings.aiAssistance = false
    local made = attach "x"
    local _, message = say("see", { attachments = { made.id } })
    expect(message.metadata.attachments[1].filename).is "a.txt"
    expect((say("see", { attachments = { "a0" } }))).is(400)
  end)
end)

test.describe("event streams", function()
  -- A stream whose client is gone ends at the next change.
  local function end_streams()
    config.limits.streams = 1
    test.wait_for(function()
      ask("demo", "POST", "/api/projects", { json = { name = "A" } })
      task.sleep(0.01)
      return feed.has_room "u1"
    end)
    config.limits.streams = limits.streams
  end

  test.before_each(begin)

  local function follow(path, options, count)
    options = options or {}
    options.headers = { Authorization = "Bearer " .. tokens.demo }
    options.reconnect = options.reconnect or { delay = 0.01 }
    local got = {}
    for event in http.events(app.url .. path, options) do
      got[#got + 1] = event
      if #got == count then break end
    end
    return got
  end

  test.it("bring a user's changes, and go on after the last", function()
    local got
    local reader = task.spawn(function() got = follow("/api/events", nil, 2) end)
    config.limits.streams = 1
    test.wait_for(function() return not feed.has_room "u1" end)
    config.limits.streams = 8
    ask("demo", "POST", "/api/projects", { json = { name = "One" } })
    ask("demo", "POST", "/api/projects", { json = { name = "Two" } })
    reader:await()
    expect(got[1].type).is "project_created"
    expect(json.decode(got[2].data).project.name).is "Two"
    ask("demo", "POST", "/api/projects", { json = { name = "Three" } })
    local more = follow("/api/events", { last_id = got[1].id }, 2)
    expect(more[1].id).is(got[2].id)
    expect(json.decode(more[2].data).project.name).is "Three"
    for _, odd in ipairs { "x", "0-1", got[1].id .. "9", "abcd1234-1" } do
      expect(follow("/api/events", { last_id = odd }, 1)[1].type).is "reset"
    end
  end)

  test.it("are so many at a time", function()
    end_streams()
    config.limits.streams = 1
    local res = assert(http.get(app.url .. "/api/events", {
      stream = true, headers = { Authorization = "Bearer " .. tokens.demo },
    }))
    expect(res:read()).contains "welcome"
    expect(status("demo", "GET", "/api/events")).is(409)
    res:close()
    end_streams()
  end)

  test.it("bring an answer as it comes, once, and end", function()
    local _, message = say "hello"
    local path = ("/api/chat/messages/%s/answer"):format(message.id)
    local text, kinds = {}, {}
    for _, event in ipairs(follow(path)) do
      kinds[#kinds + 1] = event.type
      if event.type == "text" then text[#text + 1] = json.decode(event.data).text end
    end
    expect(table.concat(text)).is "Hello, Demo! Ask me for the time, or tell me anything."
    expect(table.concat(kinds, " ", 1, 4)).is "progress progress progress text"
    expect(kinds[#kinds]).is "done"
    local rest = follow(path, { last_id = "5" })
    expect(rest[1].id).is "6"
    expect(#rest).is(#kinds - 5)
    expect(status("guest", "GET", path)).is(404)
  end)
end)
