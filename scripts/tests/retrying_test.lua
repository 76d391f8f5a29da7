local test = require "tidelock.test"
local config = require "config"
local errors = require "tidelock.errors"
local retrying = require "flows.retrying"
local expect = test.expect

local function failing(times, err)
  local calls = 0
  return function()
    calls = calls + 1
    if calls <= times then return nil, err end
    return calls
  end
end

test.describe("trying again", function()
  test.before_each(function()
    config.retry_delay, config.retry_max_delay, config.patience = 0.001, 0.004, 0
  end)

  test.it("ends when it works", function()
    expect(retrying.persist(failing(5, errors.new { code = "CONNECT" }))).is(6)
  end)

  test.it("ends with an error that will not pass", function()
    local result, err = retrying.persist(failing(5, errors.new { code = "VALIDATION_ERROR" }))
    expect(result).is_nil()
    expect(err.code).is("VALIDATION_ERROR")
  end)

  test.it("says so once", function()
    local said = 0
    retrying.persist(failing(5, errors.new { code = "CONNECT" }), function() said = said + 1 end)
    expect(said).is(1)
  end)

  test.it("keeps quiet when it works soon", function()
    config.patience = 10
    retrying.persist(failing(2, errors.new { code = "CONNECT" }), error)
  end)
end)
