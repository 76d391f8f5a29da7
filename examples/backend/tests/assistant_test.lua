local test = require "tidelock.test"
local assistant = require "assistant"
local expect = test.expect

local context = { name = "Ada", project = "Moon", time = "12:30 on Monday", count = 3 }
local function answer(text) return assistant.answer(text, context) end

test.describe("the assistant", function()
  test.it("greets by name", function() expect(answer("Hello there")).matches("^Hello, Ada!") end)
  test.it("tells the time", function() expect(answer("What TIME is it?")).contains("12:30") end)
  test.it("knows where it is", function() expect(answer("where am i")).contains("Moon") end)
  test.it("says what it heard otherwise", function()
    expect(answer("this and that")).is('You said "this and that": 3 words.')
    expect(answer("something")).is('You said "something": 1 word.')
    expect(answer("äpfel, birnen")).contains("2 words")
  end)
  test.it("takes whole words only", function() expect(answer("shipping")).contains("You said") end)
  test.it("fails when asked to", function() expect(answer("please fail")).is_nil() end)
  test.it("makes progress", function()
    local last = 0
    for _, step in ipairs(assistant.steps) do
      expect(step.progress > last and step.progress < 100).is(true)
      last = step.progress
    end
  end)
end)
