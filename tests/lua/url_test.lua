-- What goes out for the path of a URL: the segments of dots are removed, as the WHATWG standard has
-- it, in requests, below a client's base_url, behind a redirect, and in the path of a WebSocket.
local http = require "tidelock.http"
local server = require "tidelock.server"
local socket = require "tidelock.socket"
local test = require "tidelock.test"
local expect = test.expect

local srv = server.listen("seen", {})
srv:get("/to/here", function(req) return 302, "", { Location = req.query.where } end)
srv:websocket("/*path", { open = function(ws, req) ws:send(req.path) end })
srv:get("/*path", function(req)
  return req.path .. (req.query_string ~= "" and "?" .. req.query_string or "")
end)

local cases = {
  ["/a/../b"] = "/b", ["/a/./b"] = "/a/b", ["/a/%2e%2e/b"] = "/b", ["/a/.%2E/b"] = "/b",
  ["/a/%2e/b"] = "/a/b", ["/a/b/.."] = "/a/", ["/a/b/."] = "/a/b/", ["/../../a"] = "/a",
  ["/a/..\\b"] = "/b", ["/a//../b"] = "/a/b",
  ["/a/.../b"] = "/a/.../b", ["/a/..b/c"] = "/a/..b/c", ["/a?x=/../b"] = "/a?x=/../b", ["/a/..?x"] = "/?x",
}

test.describe("the segments of dots of a path", function()
  test.it("are removed from a request", function()
    for path, seen in pairs(cases) do expect(http.get(srv.url .. path).body, path).is(seen) end
  end)

  test.it("are removed below a base_url", function()
    local api = http.client { base_url = srv.url .. "/api/v1/" }
    expect(api:get("users/../posts").body).is "/api/v1/posts"
    expect(api:get("/./users").body).is "/api/v1/users"
    expect(api:get("%2e%2e/v2").body).is "/api/v2"
  end)

  test.it("are removed behind a redirect", function()
    local places = { ["../x"] = "/x", ["%2e%2e/x"] = "/x", ["./x"] = "/to/x", ["/y/%2e%2E/x"] = "/x" }
    for where, seen in pairs(places) do
      expect(http.get(srv.url .. "/to/here", { query = { where = where } }).body, where).is(seen)
    end
  end)

  test.it("are removed from the target of a WebSocket", function()
    local got
    local url = srv.url:gsub("^http", "ws") .. "/a/../b/%2e%2e/c"
    local ws = socket.connect("dots", { url = url, protocol = "websocket" })
    ws:on("message", function(text) got = text end)
    test.wait_for(function() return got end)
    expect(got).is "/c"
    ws:disconnect()
  end)
end)
