local test = require "tidelock.test"
local hook = require "NAME"
local expect = test.expect

test.describe("NAME", function()
  test.it("counts words", function()
    expect(hook.summary { userName = "Ada", content = "three small words" }).is "Ada wrote 3 words"
    expect(hook.summary { userName = "Ada", content = " one " }).is "Ada wrote 1 word"
  end)
end)
