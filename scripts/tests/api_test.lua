-- The REST services against a server that hands out tokens and takes them away.
local test = require "tidelock.test"
local config = require "config"
config.api_url, config.ws_url = "http://api.test", "http://api.test"
local api = require "services.api"
local auth = require "services.auth"
local chat = require "services.chat"
local json = require "tidelock.json"
local messages = require "messages"
local projects = require "services.projects"
local known = require "stores.projects"
local stores = require "stores.all"
local user = require "stores.user"
local task = require "tidelock.task"
local script = require "tidelock.script"
local timer = require "tidelock.timer"
local expect = test.expect

local seen, good, serial, refresh_good, terms

local function count(name) seen[name] = (seen[name] or 0) + 1 end

local function tokens(body)
  serial = serial + 1
  good = "access-" .. serial
  body = body or {}
  body.user = { id = "u1", name = "Ada", email = "ada@example.com" }
  body.token, body.refreshToken = good, "refresh-" .. serial
  for name, value in pairs(terms) do body[name] = value end
  return { success = true, data = body }
end

local function refused(code) return { success = false, message = "no", code = code } end

local NOW = "2024-05-01T12:30:00Z"

local function project(id, name)
  return { id = id, name = name, status = "active", priority = "low", createdAt = NOW, updatedAt = NOW }
end

local odd -- what a server answers that is not quite well

local function serve(srv)
  srv:route("POST", "/api/auth/login", function(req)
    count "login"
    if req.json().password ~= "right" then return 401, refused "AUTH_ERROR" end
    return tokens()
  end)

  srv:route("POST", "/api/auth/refresh", function(req)
    count "refresh"
    task.sleep(0.02)
    if not refresh_good or req.json().refreshToken ~= "refresh-" .. serial then
      return 401, refused "AUTH_ERROR"
    end
    return tokens()
  end)

  srv:route("GET", "/thing", function(req)
    count "thing"
    if req.headers.authorization ~= "Bearer " .. good then return 401, refused "AUTH_ERROR" end
    return { success = true, data = { value = 7 } }
  end)

  srv:route("GET", "/never", function()
    count "never"
    return 401, refused "AUTH_ERROR"
  end)

  srv:route("GET", "/status/:status", function(req)
    return tonumber(req.params.status), { success = false, code = "ODD", errors = { "x is y" } }
  end)
  srv:route("GET", "/text", function() return "no JSON" end)
  srv:route("GET", "/odd", function() return { hello = true } end)

  srv:route("GET", "/api/projects", function(req)
    local page = tonumber(req.query.page or 1)
    local list = { project("p" .. page, "Project " .. page) }
    return { success = true, data = list, pagination = { page = page, limit = 1, total = 3, totalPages = 3 } }
  end)

  srv:route("GET", "/odd/refusal", function() return 418, odd, { ["Retry-After"] = "soon" } end)
  srv:route("POST", "/api/projects", function() return { success = true, data = odd } end)
  srv:route("GET", "/api/chat/projects/:id/sessions", function() return { success = true, data = odd } end)
  srv:route("GET", "/api/chat/sessions/:id/messages", function() return { success = true, data = odd } end)
  srv:route("POST", "/api/chat/messages", function() return { success = true, data = odd } end)
  srv:route("POST", "/api/auth/logout", function(req)
    count "logout"
    seen.logout_token = req.headers.authorization
    return { success = true }
  end)
end

-- Lets time pass in which a token is no longer a new one, whose refusal is final.
local function age_token(clock) clock.advance(31) end

-- What a function gives, while the clock goes on.
local function within(clock, fn)
  local running = task.spawn(fn)
  clock.advance(1)
  return running:await()
end

test.describe("the services", function()
  local srv

  test.before_each(function()
    stores.reset()
    config.password = "right"
    srv = test.server { host = "api.test" }
    seen, good, serial, refresh_good = {}, "", 0, true
    terms = { expiresIn = 900 }
    serve(srv)
    api.session:logout()
    seen = {}
  end)

  test.it("log in, and remember who we are", function()
    expect(auth.login()).is(true)
    expect(user.get().name).is("Ada")
    expect(api.request("GET", "/thing").value).is(7)
    expect(api.session:token()).is(good)
    expect(api.session:state().status).is "open"
  end)

  test.it("report that the server does not know us", function()
    config.password = "wrong"
    local ok, err = auth.login()
    expect(ok).is_nil()
    expect(err.code).is("LOGIN_REFUSED")
    expect(err.recoverable).is(false)
  end)

  test.it("renew a token that is refused, once for all who ask, and ask once more", function()
    local clock = test.clock()
    auth.login()
    age_token(clock)
    good = "another"
    local function ask() return api.request("GET", "/thing") end
    local results = within(clock, function() return task.all { ask, ask, ask } end)
    for i = 1, 3 do expect(results[i].value).is(7) end
    expect(seen).equals { login = 1, refresh = 1, thing = 6 }
  end)

  test.it("log in again when the refresh token is not good any more", function()
    local clock = test.clock()
    auth.login()
    age_token(clock)
    good, refresh_good = "another", false
    expect(within(clock, function() return api.request("GET", "/thing") end).value).is(7)
    expect(seen).equals { login = 2, refresh = 1, thing = 2 }
  end)

  test.it("end the session when the password is not good any more, either", function()
    local clock = test.clock()
    auth.login()
    age_token(clock)
    good, refresh_good, config.password = "another", false, "wrong"
    local _, err = within(clock, function() return api.request("GET", "/thing") end)
    expect(err.code).is "AUTH_ERROR"
    expect(api.session:state().reason).is "expired"
  end)

  test.it("log out with the token that they forget", function()
    auth.login()
    local was = good
    expect(auth.logout()).is(true)
    expect(seen.logout_token).is("Bearer " .. was)
    expect(user.get()).is_nil()
    expect(api.session:state().reason).is "logout"
  end)

  test.it("take over the tokens of the version before, once", function()
    tokens()
    script.keep.tokens = { access = good, refresh = "refresh-1", expires = timer.now() + 600 }
    auth.adopt_tokens()
    expect(script.keep.tokens).is_nil()
    expect(api.request("GET", "/thing").value).is(7)
    expect(seen).equals { thing = 1 }
    auth.adopt_tokens()
    expect(seen.login).is_nil()
  end)

  test.it("ask twice at most", function()
    local clock = test.clock()
    auth.login()
    age_token(clock)
    local data, err = within(clock, function() return api.request("GET", "/never") end)
    expect(data).is_nil()
    expect(err.code).is("AUTH_ERROR")
    expect(seen.never).is(2)
  end)

  test.it("renew a token before it ends", function()
    local clock = test.clock()
    auth.login()
    clock.advance(900 - 61)
    expect(api.session:token()).is("access-1")
    clock.advance(2)
    expect(within(clock, function() return api.session:token() end)).is("access-2")
    expect(api.session:token()).is("access-2")
    expect(seen.refresh).is(1)
  end)

  test.it("distinguish the server's refusals", function()
    local function code(status)
      local _, err = api.request("GET", "/status/" .. status, { retries = 0 })
      expect(err.data.errors).equals { "x is y" }
      return err.code, err.recoverable
    end
    expect(code(400)).is("VALIDATION_ERROR")
    expect(code(403)).is("PERMISSION_ERROR")
    expect(code(404)).is("NOT_FOUND")
    expect(code(409)).is("ODD")
    expect(code(429)).is("RATE_LIMIT_ERROR")
    expect(code(500)).is("SERVER_ERROR")
    expect(select(2, code(400))).is(false)
    expect(select(2, code(503))).is(true)
  end)

  test.it("take no answer for one that is none", function()
    local _, err = api.request("GET", "/text")
    expect(err.code).is("DECODE")
    expect(select(2, projects.get "odd").code).is("NOT_FOUND")
  end)

  test.it("take no data that is not as it should be, and say where", function()
    odd = project("p1", { "no name" })
    local made, err = projects.create { name = "x" }
    expect(made).is_nil()
    expect(err.code).is("DECODE")
    expect(tostring(err)).contains "name: expected string, received array"
    odd = json.null
    expect(select(2, projects.create { name = "x" }).code).is("DECODE")
  end)

  test.it("leave out of a list what is wrong in it", function()
    local function message(id, changes)
      local made = {
        id = id, sessionId = "s1", userId = "u1", content = "hi", type = "user", status = "sent",
        createdAt = NOW, updatedAt = NOW,
      }
      for key, value in pairs(changes or {}) do made[key] = value end
      return made
    end
    odd = { message "m1", message("m2", { content = 7 }), "m3", message("m4", { status = "new" }) }
    local list = chat.messages("s1", 10)
    expect(#list).is(2)
    expect(list[1].createdAt).is(1714566600)
    expect(list[1].userName).is("u1")
    expect(list[2].status).is("unknown")
    odd = { id = "no list" }
    expect(select(2, chat.messages("s1", 10)).code).is("DECODE")
  end)

  test.it("make no session where there are some that they cannot read", function()
    odd = { { id = "s1" } }
    local session, err = chat.session "p1"
    expect(session).is_nil()
    expect(err.code).is("DECODE")
  end)

  test.it("want of a message that was sent its id alone", function()
    odd = { id = "m1", content = false }
    expect(chat.send("s1", "hi", "c1")).equals { id = "m1" }
  end)

  test.it("bear refusals of any kind", function()
    for _, body in ipairs { {
      success = false, message = { "x" }, code = "not a code", errors = { { field = "x" } },
    }, json.array {}, "text" } do
      odd = body
      local _, err = api.request("GET", "/odd/refusal")
      expect(err.code).is("HTTP")
      expect(err.retry_after).is_nil()
      expect(messages.of_error(err)).contains "HTTP"
    end
  end)

  test.it("use the time at which a token expires, where the answer has no duration", function()
    local clock = test.clock()
    terms = { expiresAt = os.date("!%Y-%m-%dT%H:%M:%SZ", os.time() + 600) }
    auth.login()
    clock.advance(500)
    expect(api.session:token()).is "access-1"
    clock.advance(45)
    expect(within(clock, function() return api.session:token() end)).is "access-2"
  end)

  test.it("do not log in with half an answer", function()
    terms = { refreshToken = 7 }
    local ok, err = auth.login()
    expect(ok).is_nil()
    expect(tostring(err)).contains "refreshToken: expected string, received number"
    expect(api.session:state().status).is "closed"
  end)

  test.it("report that there is no server", function()
    srv:fail("refuse", { times = math.huge })
    local _, err = auth.login()
    expect(err.code).is("CONNECT")
    expect(err.recoverable).is(true)
  end)

  test.it("list all pages", function()
    local list = projects.list()
    expect(#list).is(3)
    expect(list[3].name).is("Project 3")
    for i = 1, 3 do expect(known.name("p" .. i)).is("Project " .. i) end
  end)
end)
