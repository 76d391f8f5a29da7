-- Answers of the server that are sent in pieces.
local http = require "tidelock.http"
local server = require "tidelock.server"
local task = require "tidelock.task"
local test = require "tidelock.test"
local expect = test.expect

local srv = server.listen("pieces", {})
local state = {}

srv:get("/events", function(req)
  local from = tonumber(req.headers["last-event-id"] or 0)
  if from >= 4 then return 204 end
  return 200, function(out)
    for n = from + 1, 4 do
      out:event { type = "tide", id = n, data = "a\r\nb " .. n, retry = 0.1 }
      if n == 2 then error "cut" end
    end
  end, { ["Content-Type"] = "text/event-stream" }
end)
srv:get("/big", function() return function(out)
  for _ = 1, 100 do
    if not out:write(("x"):rep(100000)) then state.left = true return end
    state.written = (state.written or 0) + 1
  end
end end)
srv:get("/wait", function() return function(out)
  state.out = out
  out:write "begun"
  state.woken = out:wait(10)
  state.again = out:wait(10)
end end)
srv:get("/wrong/:what", function(req) return function(out)
  state.raised = select(2, pcall(out.event, out, { [req.params.what] = "a\nb" }))
end end)

test.describe("an answer in pieces", function()
  test.before_each(function() state = {} end)

  test.it("is events that go on where they were cut", function()
    local got = {}
    for event in http.events(srv.url .. "/events", { reconnect = { delay = 0.01 } }) do
      got[#got + 1] = event.type .. " " .. event.id .. " " .. event.data:gsub("\n", "|")
    end
    expect(table.concat(got, ", ")).is "tide 1 a|b 1, tide 2 a|b 2, tide 3 a|b 3, tide 4 a|b 4"
    expect(test.uncaught()).contains "cut"
  end)

  test.it("waits for a client that does not read", function()
    local res = assert(http.get(srv.url .. "/big", { stream = true, timeout = 20 }))
    task.sleep(0.2)
    expect(state.written < 100).is_true()
    local bytes = 0
    for piece in res:chunks() do bytes = bytes + #piece end
    expect(bytes).is(10000000)
  end)

  test.it("hears that its client has gone", function()
    local res = assert(http.get(srv.url .. "/big", { stream = true }))
    res:close()
    test.wait_for(function() return state.left end)
    res = assert(http.get(srv.url .. "/wait", { stream = true }))
    expect(res:read()).is "begun"
    state.out:wake()
    test.wait_for(function() return state.woken end)
    res:close()
    for _ = 1, 20 do -- what is written shows it
      state.out:write ":\n\n"
      task.sleep(0.01)
    end
    test.wait_for(function() return state.again ~= nil end)
    expect(state.again).is(false)
    expect(state.out.closed).is(true)
    expect(select(2, state.out:write "x").code).is "CLOSED"
  end)

  test.it("lets no line end into the fields of an event", function()
    for _, what in ipairs { "id", "type" } do
      http.get(srv.url .. "/wrong/" .. what)
      expect(state.raised).contains "line ends"
    end
  end)

  test.it("has no body for HEAD", function()
    local res = assert(http.head(srv.url .. "/wait"))
    expect(res.status).is(200)
    expect(state.out).is_nil()
  end)
end)
