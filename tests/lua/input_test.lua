local test = require "tidelock.test"
local input = require "tidelock.input"
local expect = test.expect

test.describe("input", function()
  test.it("misuse raises", function()
    expect(function() input.on_line() end).raises "function expected"
    expect(function() input.on_end "x" end).raises "function expected"
    expect(function() input.on_line(print, { cereal = true }) end)
      .raises 'unknown option "cereal" (did you mean "serial"?)'
    expect(function() input.on_line(print, "serial") end).raises "table expected"
  end)

  test.it("hands out handles", function()
    input.on_line(function() end):off()
    input.on_line(function() end, { serial = false }):off()
    input.on_end(function() end):off()
  end)
end)
