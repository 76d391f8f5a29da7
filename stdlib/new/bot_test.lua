local test = require "tidelock.test"
local bot = require "NAME"
local expect = test.expect

local function said(content, kind)
  return bot.answer { type = kind or "user", content = content, userName = "Ada" }
end

test.describe("NAME", function()
  test.it("welcomes who says hello", function()
    expect(said "hello").is "Welcome aboard, Ada!"
    expect(said "Hello there").is "Welcome aboard, Ada!"
  end)

  test.it("is silent otherwise, also about its own words", function()
    expect(said "good night").is_nil()
    expect(said "Welcome aboard, Ada!").is_nil()
    expect(said("hello", "assistant")).is_nil()
  end)
end)
