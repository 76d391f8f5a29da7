local test = require "tidelock.test"
local errors = require "tidelock.errors"
local messages = require "messages"
local expect = test.expect

test.describe("messages", function()
  test.it("fill in what is given", function()
    expect(messages.text("MESSAGE", { name = "Ada", content = "{name} 100%" })).is("Ada: {name} 100%")
    expect(messages.text("OPENED", { project = "Moon" })).contains("project Moon, {session}")
  end)

  test.it("refuse a code that has no text", function()
    expect(function() messages.text "NO_SUCH" end).raises("NO_SUCH")
  end)

  test.it("say what an error means", function()
    local function of(code) return messages.of_error(errors.new { code = code }, { url = "URL" }) end
    expect(of "CONNECT").is("Network connection error. Please check your connection to URL.")
    expect(of "TIMEOUT").is(of "DNS")
    expect(of "PERMISSION_ERROR").is("You don't have permission to perform this action.")
    expect(of "SOMETHING_NEW").is("An unexpected error occurred (SOMETHING_NEW).")
  end)

  test.it("say which fields are wrong", function()
    local err = errors.new { code = "VALIDATION_ERROR", data = { errors = { "a is b", "c" } } }
    expect(messages.of_error(err)).is("Please check your input and try again. (a is b; c)")
  end)

  test.it("say why a connection ended; an unknown reason as it is", function()
    expect(messages.reason "ping timeout").is("the server is silent")
    expect(messages.reason "sunspots").is("sunspots")
  end)
end)
