local test = require "tidelock.test"
local random = require "tidelock.random"
local expect = test.expect

test.describe("random", function()
  test.it("gives as many bytes as asked, never twice the same", function()
    local seen = {}
    for _ = 1, 500 do
      local bytes = random.bytes(16)
      expect(#bytes).is(16)
      expect(seen[bytes]).is_nil()
      seen[bytes] = true
    end
    expect(#random.bytes(1024)).is(1024)
  end)

  test.it("spells them as digits", function()
    expect(random.hex(24)).matches("^" .. ("%x"):rep(48) .. "$")
  end)

  test.it("uses every byte value", function()
    local seen, count = {}, 0
    for _ = 1, 10 do
      for byte in random.bytes(1024):gmatch("[\0-\255]") do seen[byte] = true end
    end
    for _ in pairs(seen) do count = count + 1 end
    expect(count).is(256)
  end)

  test.it("makes UUIDs of version 4", function()
    local uuid = "^%x%x%x%x%x%x%x%x%-%x%x%x%x%-4%x%x%x%-[89ab]%x%x%x%-" .. ("%x"):rep(12) .. "$"
    for _ = 1, 50 do expect(random.uuid()).matches(uuid) end
  end)

  test.it("refuses other counts", function()
    for _, count in ipairs { 0, -1, 1025 } do
      expect(function() random.bytes(count) end).raises("1 to 1024")
    end
    expect(function() random.hex("many") end).raises("number expected")
  end)
end)
