local test = require "tidelock.test"
local view = require "views.plain"
local expect = test.expect

test.describe("the plain view", function()
  test.it("lets no control character through", function()
    expect(view.clean "a\27[2Jb\7c\rd\0e\127f").is("a?[2Jb?c?d?e?f")
    expect(view.clean "one\ttab\nline").is("one\ttab\nline")
    expect(view.clean "one\r\ntwo").is("one\ntwo")
    expect(view.clean "csi \xc2\x9b31m").is("csi ?31m")
    expect(view.clean "äöü € 🌙").is("äöü € 🌙")
  end)
end)
