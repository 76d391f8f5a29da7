-- Event streams at a clock that stands still: the same in a loop and as a declaration.
local http = require "tidelock.http"
local task = require "tidelock.task"
local test = require "tidelock.test"
local expect = test.expect

local minutely = { reconnect = { delay = 60, max_delay = 60, jitter = 0 } }

-- So many times a stream of `events`, in which N is its number; then 204.
local function tides(times, events)
  local asked = 0
  return function()
    asked = asked + 1
    if asked > times then return 204, "" end
    return 200, events:gsub("N", asked), { ["Content-Type"] = "text/event-stream" }
  end
end

test.describe("events at a clock that stands still", function()
  test.it("a loop waits by it", function()
    local clock = test.clock()
    local api = test.server { routes = { ["GET /tides"] = tides(3, "id: N\ndata: N\n\n") } }
    local got, over = {}, false
    task.spawn(function()
      for event in http.events(api.url .. "/tides", minutely) do
        got[#got + 1] = event.data
      end
      over = true
    end)
    clock.advance(59)
    expect(got).equals { "1" }
    clock.advance(2)
    expect(got).equals { "1", "2" }
    clock.advance(200)
    expect(got).equals { "1", "2", "3" }
    expect(over).is(true)
    expect(api.requests[3].headers["last-event-id"]).is "2"
  end)

  test.it("a stream that is declared does, too", function()
    local clock = test.clock()
    local api = test.server { routes = { ["GET /tides"] = tides(2, "id: N\ndata: N\n\n") } }
    local got, states = {}, {}
    local news = http.events("news", api.url .. "/tides", minutely)
    news:on(function(event) got[#got + 1] = event.data end)
    news:on_state(function(name) states[#states + 1] = name end)
    clock.advance(59)
    expect(got).equals { "1" }
    expect(http.last_id "news").is "1"
    clock.advance(200)
    expect(got).equals { "1", "2" }
    expect(table.concat(states, " ")).is
      "connecting connected reconnecting connecting connected reconnecting connecting closed"
    expect(news:state()).is "closed"
    news:close()
    expect(http.last_id "news").is_nil()
  end)
end)
