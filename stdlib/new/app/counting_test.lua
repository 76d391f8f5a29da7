local test = require "tidelock.test"
local counting = require "counting"
local expect = test.expect

test.describe("counting", function()
  test.it("counts what people write", function()
    local users = {}
    counting.add(users, { type = "user", userName = "Bob" })
    counting.add(users, { type = "user", userName = "Ada" })
    counting.add(users, { type = "user", userName = "Ada" })
    counting.add(users, { type = "assistant", userName = "Robot" })
    expect(users).equals { Ada = 2, Bob = 1 }
    expect(counting.summary(users)).is "Ada 2, Bob 1"
  end)

  test.it("says that there is nothing yet", function()
    expect(counting.summary {}).is "nobody has written anything"
  end)
end)
