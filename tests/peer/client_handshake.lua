-- The opening handshake of a plain WebSocket against handshake_server.js, which answers as no
-- server should, and ends at every byte. Run by handshake_test.sh.
local test = require "tidelock.test"
local socket = require "tidelock.socket"
local task = require "tidelock.task"
local env = require "tidelock.env"
local json = require "tidelock.json"
local timer = require "tidelock.timer"
local expect, wait_for = test.expect, test.wait_for

local URL = env.get("WS_URL")
local count = 0

-- Opens the path and gathers what comes of it.
local function visit(path, more)
  count = count + 1
  local options = { url = URL .. path, protocol = "websocket", reconnect = false, timeout = 10 }
  for key, value in pairs(more or {}) do options[key] = value end
  local seen = { messages = {}, states = {}, ends = 0 }
  seen.conn = socket.connect("c" .. count, options)
  seen.conn:on("message", function(data) seen.messages[#seen.messages + 1] = data end)
  seen.conn:on("connect_error", function(err) seen.connect_error = err end)
  seen.conn:on_state(function(state, info)
    seen.states[#seen.states + 1] = state
    seen[state] = info
    if state == "closed" then seen.ends = seen.ends + 1 end
  end)
  return seen
end

local function ended(path, more)
  local seen = visit(path, more)
  wait_for(function() return seen.closed end)
  expect(seen.ends).is(1)
  return seen
end

local function echoes(seen)
  wait_for(function() return seen.conn.connected end)
  local before = #seen.messages
  seen.conn:send("echo")
  wait_for(function() return #seen.messages > before end)
  expect(seen.messages[#seen.messages]).is("echo")
  seen.conn:disconnect()
end

-- path: what the error's message says
local refused = {
  ["/wrong-accept"] = "Sec-WebSocket-Accept", ["/case-accept"] = "Sec-WebSocket-Accept",
  ["/echoed-key"] = "Sec-WebSocket-Accept", ["/no-accept"] = "Sec-WebSocket-Accept",
  ["/accept-twice"] = "twice", ["/no-upgrade"] = "Upgrade", ["/wrong-upgrade"] = "Upgrade",
  ["/no-connection"] = "Connection", ["/wrong-connection"] = "Connection",
  ["/deflate"] = "extension", ["/http10"] = "HTTP/1.1", ["/http2"] = "HTTP/1.1",
  ["/no-status"] = "HTTP/1.1", ["/no-colon"] = "no header", ["/nul"] = "no header",
  ["/folded"] = "no header", ["/garbage"] = "HTTP/1.1", ["/ssh"] = "HTTP/1.1",
  ["/subprotocol?name=other"] = "not offered", ["/subprotocol?name=Chat"] = "not offered",
  ["/subprotocol?name="] = "not offered",
  ["/200"] = "200 OK", ["/301"] = "wss://elsewhere.example/", ["/307"] = "unix:/tmp/no.sock", ["/401"] = "401 Unauthorized",
  ["/404"] = "404 Not Found", ["/429"] = "429", ["/500"] = "500 Internal Server Error",
}

test.describe("the handshake is refused", function()
  local paths = {}
  for path in pairs(refused) do paths[#paths + 1] = path end
  table.sort(paths)
  for _, path in ipairs(paths) do
    test.it(path, function()
      local seen = ended(path, { subprotocols = path:find("^/sub") and "chat, more" or nil })
      local err = seen.connect_error
      expect(err.code).is("HANDSHAKE")
      expect(err.phase).is("handshake")
      expect(err.message).contains(refused[path])
      expect(seen.states).equals { "connecting", "closed" }
      expect(seen.messages).equals {}
    end)
  end

  test.it("with the start of the body in the detail, and Retry-After", function()
    expect(ended("/401").connect_error.detail).contains("token has expired")
    expect(ended("/404").connect_error.detail).contains("no such room")
    expect(ended("/429").connect_error.retry_after).is(7)
    local detail = ended("/500").connect_error.detail
    expect(#detail < 400).is(true)
    expect(detail:find("[%c\xff]")).is_nil()
  end)

  test.it("when its headers do not end", function()
    expect(ended("/flood").connect_error.code).is("TOO_LARGE")
    expect(ended("/long-line").connect_error.code).is("TOO_LARGE")
  end)

  test.it("when it does not come in time", function()
    for _, path in ipairs { "/never", "/stall?at=0", "/stall?at=60", "/stall?at=128" } do
      local err = ended(path, { timeout = 0.1 }).connect_error
      expect(err.code).is("TIMEOUT")
      expect(err.phase).is("handshake")
    end
  end)

  test.it("without a word to the server", function()
    local seen = visit("/said")
    wait_for(function() return seen.messages[1] end)
    expect(seen.messages[1]).is("0")
    seen.conn:disconnect()
  end)
end)

test.describe("the handshake is accepted", function()
  for _, path in ipairs { "/good", "/lower", "/spaces", "/no-reason", "/interim" } do
    test.it(path, function() echoes(visit(path)) end)
  end
  test.it("with a subprotocol that was offered", function()
    echoes(visit("/subprotocol?name=more", { subprotocols = "chat, more" }))
  end)
  test.it("with frames in the same segment, and byte by byte", function()
    for _, path in ipairs { "/extra", "/slow" } do
      local seen = ended(path)
      expect(seen.messages).equals { "one", "two" }
      expect(seen.closed.code).is(1000)
    end
  end)
end)

-- What must have come of a conversation that ended after `at` bytes.
local function check_cut(plan, seen, at)
  local messages = {}
  if at >= plan.one then messages[1] = "one" end
  if at >= plan.two then messages[2] = "two" end
  expect(seen.messages).equals(messages)
  expect(seen.connected ~= nil).is(at >= plan.head)
  expect(seen.closed.code).is(at == plan.close and 1000 or 1006)
  if at < plan.head then expect(seen.connect_error.phase).is("handshake") end
end

test.describe("the connection ends at any byte", function()
  local plan
  test.before_each(function()
    if plan then return end
    local seen = visit("/plan")
    wait_for(function() return seen.messages[1] end)
    seen.conn:disconnect()
    plan = json.decode(seen.messages[1])
  end)

  test.it("in order", function()
    for at = 0, plan.close do
      local seen = ended("/cut?at=" .. at)
      check_cut(plan, seen, at)
      if at < plan.close then expect(seen.closed.error.code).is("RESET") end
    end
  end)

  -- A reset may destroy bytes that came before it: all that counts is that it ends, once.
  test.it("in a reset", function()
    for at = 0, plan.close do
      local seen = ended("/reset?at=" .. at)
      expect(seen.closed.error.code == "RESET" or at == plan.close).is(true)
    end
  end)

  test.it("on our side", function()
    for at = 0, plan.close do
      local seen = visit("/stall?at=" .. at)
      if at >= plan.head then wait_for(function() return #seen.states > 1 end) end
      if at % 2 == 0 then task.sleep(0) end
      seen.conn:disconnect()
      wait_for(function() return seen.conn.state == "closed" end)
    end
  end)

  test.it("many at once", function()
    local from, all = timer.now(), {}
    for at = 0, plan.close do all[at] = visit("/cut?at=" .. at) end
    for at = 0, plan.close do
      wait_for(function() return all[at].closed end)
      check_cut(plan, all[at], at)
    end
    expect(timer.now() - from < 30).is(true)
  end)
end)
