-- Sessions in one process: who gets the token, what waits, and what misuse says. Over processes and disks:
-- tests/e2e/session_cases.py.
local test = require "tidelock.test"
local errors = require "tidelock.errors"
local http = require "tidelock.http"
local server = require "tidelock.server"
local session = require "tidelock.session"
local task = require "tidelock.task"
local expect, it = test.expect, test.it

local srv = server.listen("home", {})
local other = server.listen("other", {})
local number, refreshes, delay, life, broken = 0, 0, 0, 3600, false

local function rotate()
  number = number + 1
  return { access = "access" .. number, refresh = "refresh" .. number, expires_in = life, who = "ann" }
end
srv:post("/login", function(req)
  if req.headers.authorization then return 400, "a login carries no token" end
  return rotate()
end)
srv:post("/refresh", function(req)
  refreshes = refreshes + 1
  if req.headers.authorization then return 400, "a refresh carries no token" end
  task.sleep(delay)
  if broken then return 503, "down" end
  return rotate()
end)
local function show(req) return { token = req.headers.authorization or "none" } end
srv:get("/x", show)
srv:get("/away", function() return 302, "", { Location = other.url .. "/x" } end)
other:get("/x", show)

local api, given
local me = session.define("me", {
  login = function(...)
    given = { ... }
    return api:post("/login", { value = true })
  end,
  refresh = function(_, pair)
    given = pair
    return api:post("/refresh", { value = true, retries = 0 })
  end,
  logout = function(pair) given = pair.access return true end,
})
local next_pair
local sink = session.define("sink", { login = function() return next_pair end })

local function begin()
  api = api or http.client { base_url = srv.url, session = me }
  life, delay, refreshes, broken = 3600, 0, 0, false
end

local function token_at(url, options) return api:get(url, options):json().token end

it("is closed until a login, whose arguments are passed on", function()
  begin()
  expect(me:state().status).equals "closed"
  expect(token_at "/x").equals "none"
  local token, err = me:token()
  expect(token).is_nil()
  expect(errors.is(err, "CLOSED")).equals(true)
  expect(me:login("ann", 7)).equals(true)
  expect(given[1] .. given[2]).equals "ann7"
  expect(me:token()).equals("access" .. number)
  expect(me:state().status).equals "open"
end)

it("sends the token to its origin alone, over redirects too", function()
  begin()
  me:login()
  expect(token_at "/x").equals("Bearer access" .. number)
  expect(token_at(other.url .. "/x")).equals "none"
  expect(token_at "/away").equals "none"
  expect(token_at("/x", { session = false })).equals "none"
  expect(token_at("/x", { headers = { authorization = "Basic me" } })).equals "Basic me"
end)

it("shows the token to no middleware", function()
  begin()
  me:login()
  local client, seen = http.client { base_url = srv.url, session = me }, nil
  client:use(function(req, next) seen = req.headers.authorization return next(req) end)
  client:use(function(req, next) seen = seen or req.headers.authorization return next(req) end,
    { per_attempt = true })
  expect(client:get("/x"):json().token).equals("Bearer access" .. number)
  expect(seen).is_nil()
end)

it("renews before the end, once for all that wait, and one of them may be cancelled", function()
  begin()
  life = 0.01
  me:login()
  task.sleep(0.02)
  life, delay = 3600, 0.1
  local tokens = {}
  local waiting = task.spawn(function() me:token() end)
  for i = 1, 5 do task.spawn(function() tokens[i] = me:token() end) end
  task.sleep(0.03)
  waiting:cancel()
  expect(token_at "/x").equals("Bearer access" .. number)
  task.sleep(0.01)
  expect(#tokens).equals(5)
  expect(tokens[5]).equals(tokens[1])
  expect(refreshes).equals(1)
  expect(given.who).equals "ann"
end)

it("uses a token that is due for as long as it lasts, if it cannot be renewed", function()
  begin()
  life, broken = 0.5, true
  me:login()
  task.sleep(0.46)
  expect(token_at "/x").equals("Bearer access" .. number)
  expect(refreshes).equals(1)
  task.sleep(0.1)
  local res, err = api:get "/x"
  expect(res).is_nil()
  expect(errors.is(err, "HTTP")).equals(true)
  expect(err.sent).equals "no"
  expect(me:state().status).equals "open"
end)

it("forgets at a logout, and says so", function()
  begin()
  me:login()
  local states, was = {}, "access" .. number
  local handle = me:on_change(function(state) states[#states + 1] = state.status .. (state.reason or "") end)
  expect(me:logout()).equals(true)
  expect(given).equals(was)
  expect(me:login()).equals(true)
  task.sleep(0.01)
  handle:off()
  expect(table.concat(states, " ")).equals "closedlogout open"
end)

it("refuses a pair that is none", function()
  begin()
  local bad = { {}, { access = "" }, { access = 7 }, { access = "two words" }, { access = "line\nbreak" },
    { refresh = "r" } }
  for _, pair in ipairs(bad) do
    next_pair = pair
    local ok, err = sink:login()
    expect(ok).is_nil()
    expect(errors.is(err, "INVALID")).equals(true)
  end
end)

it("names what is wrong in a definition", function()
  local wrong = { { "refresh must be a function", { refresh = 7 } }, { "share is", { share = "read" } },
    { "origins%[1%]", { origins = { "example.org:x:y" } } }, { "account", { account = "" } },
    { "remember", { remmber = true } } }
  for _, case in ipairs(wrong) do
    local ok, err = pcall(session.define, "bad", case[2])
    expect(ok).equals(false)
    expect(tostring(err)).matches(case[1])
  end
end)
