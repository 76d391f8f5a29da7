local test = require "tidelock.test"
local config = require "config"
local printed = require "tests.printed"
local screen = require "screen"
local view = require "views.plain"
local expect = test.expect

test.describe("the plain view", function()
  test.it("shows enough of a line that was not sent", function()
    local function shown(content)
      return printed(function() view.not_sent { content = content } end)[1]
    end
    expect(shown "hello").is("! not sent: hello")
    expect(shown(("ä"):rep(200))).is("! not sent: " .. ("ä"):rep(200))
    expect(shown(("ä"):rep(201))).is("! not sent: " .. ("ä"):rep(200) .. "...")
  end)

  test.it("shows the last of many messages, ours as they are", function()
    screen.open({ id = "p1", name = "Moon" }, { id = "s1", title = "One" })
    local list = {}
    for i = 1, config.history + 2 do
      list[i] = { sessionId = "s1", userName = "Ada", content = "m" .. i, status = "sent" }
    end
    list[#list].status, list[#list - 1].status = "failed", "sending"
    local lines = printed(function() view.messages(list) end)
    expect(#lines).is(config.history + 1)
    expect(lines[1]).is("* before that: 2 more")
    expect(lines[2]).is("Ada: m3")
    expect(lines[#lines - 1]).is("(not sent yet) Ada: m" .. #list - 1)
    expect(lines[#lines]).is("(not sent) Ada: m" .. #list)
  end)

  test.it("lets no control character through", function()
    expect(view.clean "a\27[2Jb\7c\rd\0e\127f").is("a?[2Jb?c?d?e?f")
    expect(view.clean "one\ttab\nline").is("one\ttab\nline")
    expect(view.clean "one\r\ntwo").is("one\ntwo")
    expect(view.clean "csi \xc2\x9b31m").is("csi ?31m")
    expect(view.clean "äöü € 🌙").is("äöü € 🌙")
  end)
end)
