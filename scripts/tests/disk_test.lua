local test = require "tidelock.test"
local errors = require "tidelock.errors"
local printed = require "tests.printed"
local stores = require "stores.all"
local expect = test.expect

local hears = {}
local function fake(name)
  return { on_error = function(_, fn) hears[name] = fn end }
end
require "handlers.disk" { chat = fake "chat", user = fake "user" }

test.describe("a disk that fails", function()
  test.before_each(stores.reset)

  local full = errors.new { code = "IO", message = "the disk is full" }

  test.it("is reported once, whichever store fails, and once when it works again", function()
    local lines = printed(function()
      hears.chat(full)
      hears.user(full)
      hears.chat(full)
      hears.chat(nil)
      hears.user(nil)
      hears.user(nil)
    end)
    expect(#lines).is(2)
    expect(lines[1]).contains "the disk is full"
    expect(lines[1]).contains "cannot be kept"
    expect(lines[2]).is("* it is kept again")
  end)

  test.it("is not data that cannot be read, which has its own line", function()
    local lines = printed(function()
      hears.chat(errors.new { code = "DECODE", message = "set aside as x" })
    end)
    expect(lines).equals { "! not all that was kept can be used: set aside as x" }
  end)
end)
