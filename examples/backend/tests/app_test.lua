-- The backend as its clients meet it: over HTTP and Socket.IO, on a port of its own.
local test = require "tidelock.test"
local config = require "config"
config.port = 0
config.thinking_seconds = 0.01
local app = require "app"
local access = require "access"
local data = require "data"
local http = require "tidelock.http"
local socket = require "tidelock.socket"
local script = require "tidelock.script"
local task = require "tidelock.task"
local expect, wait_for = test.expect, test.wait_for

local function send(method, path, options)
  options = options or {}
  local res = assert(http.request {
    method = method, url = app.url .. path, query = options.query, json = options.json,
    body = options.body,
    headers = options.token and { Authorization = "Bearer " .. options.token } or nil,
  })
  local body = assert(res:json())
  expect(body.success).is(res.status < 300)
  if not body.success then
    expect(type(body.message)).is("string")
    expect(type(body.code)).is("string")
    expect(type(body.errors)).is("table")
  end
  return res.status, body.data, body
end

local function login(name)
  local credentials = { email = name .. "@example.com", password = name }
  local status, answer = send("POST", "/api/auth/login", { json = credentials })
  expect(status).is(200)
  return answer.token, answer
end

local function ask(token, method, path, json, query)
  return send(method, path, { token = token, json = json, query = query })
end

local connections = 0

-- A connection that notes its events: { {name, payload}... }, and closes itself after the test.
local open = {}
local function connect(token)
  connections = connections + 1
  local events = {}
  local conn = socket.connect("c" .. connections, {
    url = app.url, auth = { token = token }, reconnect = false,
  })
  conn:on_any(function(name, payload)
    if name:match("^connect") or name == "disconnect" then return end
    table.insert(events, { name = name, payload = payload })
  end)
  conn:on_state(function(state, info) events.state, events.info = state, info end)
  table.insert(open, conn)
  wait_for(function() return events.state == "connected" or events.state == "closed" end)
  return events, conn
end

local function find(events, name, nth)
  for _, event in ipairs(events) do
    if event.name == name then
      nth = (nth or 1) - 1
      if nth == 0 then return event.payload end
    end
  end
end

local function hear(events, name, nth)
  return wait_for(function() return find(events, name, nth) end)
end

local function first_project() return data.projects("u1")[1] end

local function new_session(token)
  local path = ("/api/chat/projects/%s/sessions"):format(first_project().id)
  local _, session = ask(token, "POST", path, {})
  return session.id
end

test.describe("the backend", function()
  test.before_each(data.reset)
  test.after_each(function()
    for _, conn in ipairs(open) do conn:disconnect() end
    open = {}
  end)

  test.it("logs in with the right password only", function()
    local function try(json) return (send("POST", "/api/auth/login", { json = json })) end
    expect(try { email = "demo@example.com", password = "demo" }).is(200)
    expect(try { email = "DEMO@example.com", password = "demo" }).is(200)
    expect(try { email = "demo@example.com", password = "guest" }).is(401)
    expect(try { email = "demo@example.com", password = "Demo" }).is(401)
    expect(try { email = "nobody@example.com", password = "demo" }).is(401)
    expect(try { email = "demo@example.com" }).is(400)
    expect(try { email = {}, password = 7 }).is(400)
  end)

  test.it("wants a token for all else", function()
    for _, path in ipairs { "/api/projects", "/api/projects/p1", "/api/auth/profile",
      "/api/chat/projects/p1/sessions", "/api/chat/sessions/s1/messages" } do
      expect((send("GET", path))).is(401)
      expect((send("GET", path, { token = "nonsense" }))).is(401)
    end
    expect((send("POST", "/api/chat/messages", { json = {} }))).is(401)
  end)

  test.it("refreshes once with each refresh token", function()
    local token, first = login "demo"
    local json = { refreshToken = first.refreshToken }
    local status, second = send("POST", "/api/auth/refresh", { json = json })
    expect(status).is(200)
    expect((send("POST", "/api/auth/refresh", { json = json }))).is(401)
    expect((ask(token, "GET", "/api/auth/profile"))).is(401)
    expect((ask(second.token, "GET", "/api/auth/profile"))).is(200)
  end)

  test.it("takes no expired token", function()
    local token = login "demo"
    data.tokens()[token].expires = 0
    expect((ask(token, "GET", "/api/auth/profile"))).is(401)
    expect(access:user_of(token)).is_nil()
  end)

  test.it("ends tokens and connections at logout", function()
    local token, other = login "demo", login "demo"
    local events, stays = connect(token), connect(other)
    expect((ask(token, "POST", "/api/auth/logout"))).is(200)
    expect((ask(token, "GET", "/api/auth/profile"))).is(401)
    wait_for(function() return events.state == "closed" end)
    expect(stays.state).is("connected")
    expect((ask(other, "GET", "/api/auth/profile"))).is(200)
  end)

  test.it("shows and changes the profile, never the password", function()
    local token = login "demo"
    local changes = { name = "Ada", preferences = { theme = "dark" }, password = "x", id = "u2" }
    local _, user = ask(token, "PUT", "/api/auth/profile", changes)
    expect(user.name).is("Ada")
    expect(user.preferences.theme).is("dark")
    expect(user.preferences.language).is("en")
    expect(user.id).is("u1")
    expect(user.password).is_nil()
    expect((ask(token, "PUT", "/api/auth/profile", { preferences = { theme = "pink" } }))).is(400)
  end)

  test.it("creates, shows, changes and deletes projects, and sends an event for each", function()
    local token = login "demo"
    local events = connect(token)
    local status, project = ask(token, "POST", "/api/projects", { name = " New ", tags = { "a" } })
    expect(status).is(201)
    expect(project.name).is("New")
    expect(hear(events, "project_created").project.id).is(project.id)
    local path = "/api/projects/" .. project.id
    expect(select(2, ask(token, "GET", path)).tags).equals { "a" }
    local _, changed = ask(token, "PUT", path, { progress = 50, status = "on_hold" })
    expect(changed.progress).is(50)
    expect(hear(events, "project_updated").project.status).is("on_hold")
    expect((ask(token, "DELETE", path))).is(200)
    expect(hear(events, "project_deleted").projectId).is(project.id)
    expect((ask(token, "GET", path))).is(404)
  end)

  test.it("refuses what is not right, with the reasons", function()
    local token = login "demo"
    local status, _, body = ask(token, "POST", "/api/projects", { name = "", priority = "huge" })
    expect(status).is(400)
    expect(body.code).is("VALIDATION_ERROR")
    expect(#body.errors).is(2)
    for _, text in ipairs { "{", "[]x", "7", '"x"', "[1]", "nul", '{"name":"\xff"}' } do
      expect((send("POST", "/api/projects", { token = token, body = text }))).is(400)
    end
    local long = ("x"):rep(config.limits.body + 1)
    expect((send("POST", "/api/projects", { token = token, body = long }))).is(413)
    expect((ask(token, "GET", "/api/projects", nil, { page = "x" }))).is(400)
    expect((ask(token, "GET", "/api/nothing"))).is(404)
    expect((ask(token, "PATCH", "/api/projects"))).is(405)
  end)

  test.it("gives lists page by page; of messages the newest first", function()
    local token = login "demo"
    first_project().settings.aiAssistance = false
    local session = new_session(token)
    for i = 1, 5 do
      ask(token, "POST", "/api/chat/messages", { sessionId = session, content = "m" .. i })
    end
    local function page(n)
      local path = ("/api/chat/sessions/%s/messages"):format(session)
      local _, list, body = ask(token, "GET", path, nil, { page = n, limit = 2 })
      local texts = {}
      for i, message in ipairs(list) do texts[i] = message.content end
      return table.concat(texts, " "), body.pagination
    end
    local texts, pagination = page(1)
    expect(texts).is("m4 m5")
    expect(pagination).equals { page = 1, limit = 2, total = 5, totalPages = 3 }
    expect((page(2))).is("m2 m3")
    expect((page(3))).is("m1")
    expect((page(4))).is("")
    local _, list = ask(token, "GET", "/api/projects", nil, { page = 2, limit = 1 })
    expect(list[1].name).is("Moon base")
  end)

  test.it("passes a message on, and has it answered step by step", function()
    local token = login "demo"
    local events = connect(token)
    local session = new_session(token)
    local sent = { sessionId = session, content = "hello", clientId = "mine" }
    local status, message = ask(token, "POST", "/api/chat/messages", sent)
    expect(status).is(201)
    local done = hear(events, "message_processed")
    expect(done.id).is(message.id)
    expect(done.clientId).is("mine")
    local names = {}
    for _, event in ipairs(events) do
      if event.name ~= "system_status_update" then names[#names + 1] = event.name end
    end
    expect(table.concat(names, " ")).is("new_message ai_processing_start typing_indicator "
      .. ("ai_processing_progress "):rep(3) .. "typing_indicator ai_processing_end "
      .. "message_processed")
    expect(find(events, "new_message").clientId).is("mine")
    expect(find(events, "ai_processing_end").response.content).contains("Hello, Demo!")
  end)

  test.it("reports when the assistant fails", function()
    local token = login "demo"
    local events = connect(token)
    local json = { sessionId = new_session(token), content = "fail, please" }
    ask(token, "POST", "/api/chat/messages", json)
    expect(hear(events, "ai_processing_error").error.code).is("AI_ERROR")
    hear(events, "message_processed")
  end)

  test.it("makes one message of one that is sent twice", function()
    local token = login "demo"
    local json = { sessionId = new_session(token), content = "x", clientId = "c1" }
    local _, first = ask(token, "POST", "/api/chat/messages", json)
    local status, second = ask(token, "POST", "/api/chat/messages", json)
    expect(status).is(200)
    expect(second.id).is(first.id)
  end)

  test.it("answers the messages of a session one after the other", function()
    local token = login "demo"
    local events = connect(token)
    local session = new_session(token)
    for i = 1, 3 do
      ask(token, "POST", "/api/chat/messages", { sessionId = session, content = "say " .. i })
    end
    hear(events, "message_processed", 3)
    local _, list = ask(token, "GET", ("/api/chat/sessions/%s/messages"):format(session))
    local texts = {}
    for i, message in ipairs(list) do texts[i] = message.content:sub(1, 9) end
    expect(table.concat(texts, "|"))
      .is('say 1|say 2|say 3|You said |You said |You said ')
    expect(list[4].content).contains("say 1")
    expect(list[6].content).contains("say 3")
  end)

  test.it("deletes messages, and sends an event", function()
    local token = login "demo"
    local events = connect(token)
    local json = { sessionId = new_session(token), content = "oops" }
    local _, message = ask(token, "POST", "/api/chat/messages", json)
    expect((ask(token, "DELETE", "/api/chat/messages/" .. message.id))).is(200)
    expect(hear(events, "message_deleted").messageId).is(message.id)
    expect((ask(token, "DELETE", "/api/chat/messages/" .. message.id))).is(404)
  end)

  test.it("sends no event to users who may not see it", function()
    local mine, theirs = login "demo", login "guest"
    local events, others = connect(mine), connect(theirs)
    ask(mine, "POST", "/api/projects", { name = "Secret" })
    local session = new_session(mine)
    ask(mine, "POST", "/api/chat/messages", { sessionId = session, content = "secret" })
    hear(events, "message_processed")
    for _, event in ipairs(others) do expect(event.name).is("system_status_update") end
    expect((ask(theirs, "GET", "/api/projects/" .. first_project().id))).is(404)
    local json = { sessionId = session, content = "let me in" }
    expect((ask(theirs, "POST", "/api/chat/messages", json))).is(404)
  end)

  test.it("passes typing on to the others who see the session", function()
    local mine, theirs = login "demo", login "guest"
    table.insert(first_project().members, "u2")
    local session = new_session(mine)
    local events, conn = connect(mine)
    local others = connect(theirs)
    conn:emit("typing_indicator", { sessionId = session, isTyping = true })
    local typing = hear(others, "typing_indicator")
    expect(typing.userId).is("u1")
    expect(typing.isTyping).is(true)
    expect(find(events, "typing_indicator")).is_nil()
  end)

  test.it("reports an event that makes no sense to who sent it", function()
    local events, conn = connect((login "demo"))
    conn:emit("typing_indicator", "nonsense")
    expect(hear(events, "error_occurred").code).is("VALIDATION_ERROR")
    conn:emit("typing_indicator", { sessionId = "s99", isTyping = true })
    hear(events, "error_occurred", 2)
    conn:emit("typing_indicator")
    hear(events, "error_occurred", 3)
  end)

  test.it("answers no flood of such events by a flood", function()
    local events, conn = connect((login "demo"))
    for n = 1, 3000 do
      conn:emit("typing_indicator", n)
      if n % 100 == 0 then task.sleep(0) end
    end
    local others, other = connect((login "guest"))
    other:emit("typing_indicator", "nonsense")
    hear(others, "error_occurred")
    hear(events, "error_occurred", 10)
    task.sleep(1.1)
    conn:emit("typing_indicator", "after a while")
    local heard = 0
    task.sleep(0.3)
    for _, event in ipairs(events) do
      if event.name == "error_occurred" then heard = heard + 1 end
    end
    expect(heard > 10).is_true()
    expect(heard < 100).is_true()
  end)

  test.it("takes no connection without a valid token", function()
    for _, token in ipairs { "nonsense", "" } do
      local events = connect(token)
      expect(events.state).is("closed")
      expect(events.info.data.code).is("AUTH_ERROR")
    end
  end)

  test.it("counts who is there", function()
    script.keep.active_users = nil
    local events = connect((login "demo"))
    expect(hear(events, "system_status_update").activeUsers).is(1)
    connect((login "guest"))
    expect(hear(events, "system_status_update", 2).activeUsers).is(2)
  end)
end)
