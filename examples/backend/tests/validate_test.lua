local test = require "tidelock.test"
local failure = require "failure"
local validate = require "validate"
local json = require "tidelock.json"
local expect = test.expect

local function errors_of(values, wanted)
  local ok, err = pcall(validate.fields, values, wanted)
  expect(ok).is(false)
  if not failure.is(err) then error(err, 0) end
  expect(err.status).is(400)
  return table.concat(err.errors, "; ")
end

test.describe("validate", function()
  test.it("takes what is named, trimmed, and leaves the rest out", function()
    local wanted = { name = validate.text { max = 5 } }
    expect(validate.fields({ name = "  Moon ", admin = true }, wanted)).equals { name = "Moon" }
  end)

  test.it("reports all errors at once, in order", function()
    local text, number = validate.text { max = 3 }, validate.number(0, 9)
    local wanted = { b = validate.boolean(), a = text, c = number }
    expect(errors_of({ a = "long", c = 10 }, wanted))
      .is("a must have at most 3 characters; b is missing; c must be a number from 0 to 9")
  end)

  test.it("counts characters, not bytes, and refuses what is not UTF-8", function()
    local wanted = { a = validate.text { max = 3 } }
    expect(validate.fields({ a = "äöü" }, wanted).a).is("äöü")
    expect(errors_of({ a = "\xff" }, wanted)).is("a must be UTF-8")
    expect(errors_of({ a = "   " }, wanted)).is("a must not be empty")
    expect(errors_of({ a = 7 }, wanted)).is("a must be text")
  end)

  test.it("takes null for missing", function()
    local text = validate.text { max = 3 }
    expect(validate.fields({ a = json.null }, { a = validate.optional(text) })).equals {}
    expect(errors_of({ a = json.null }, { a = text })).is("a is missing")
  end)

  test.it("looks into lists and objects", function()
    local wanted = {
      tags = validate.list(validate.text { max = 3 }, 2),
      set = validate.object { on = validate.boolean() },
    }
    expect(validate.fields({ tags = { "a" }, set = { on = true, x = 1 } }, wanted))
      .equals { tags = { "a" }, set = { on = true } }
    expect(errors_of({ tags = { "a", 7 }, set = { 1 } }, wanted))
      .is("set must be an object; tags entry 2 must be text")
    expect(errors_of({ tags = { "a", "b", "c" }, set = {} }, wanted))
      .is("set is wrong: on is missing; tags must have at most 2 entries")
    expect(errors_of({ tags = { a = 1 }, set = "x" }, wanted))
      .is("set must be an object; tags must be a list")
  end)

  test.it("refuses numbers that are none", function()
    expect(errors_of({ n = 0 / 0 }, { n = validate.number(0, 1) })).contains("from 0 to 1")
    expect(errors_of({ n = "1" }, { n = validate.number(0, 1) })).contains("from 0 to 1")
  end)

  test.it("refuses bodies that are no objects", function()
    for _, body in ipairs { "text", 7, true, { 1, 2 }, json.null } do
      expect(errors_of(body, {})).is("the body must be a JSON object")
    end
  end)

  test.it("reads paging, with its defaults and bounds", function()
    local page, limit = validate.paging({}, 100)
    expect({ page, limit }).equals { 1, 20 }
    page, limit = validate.paging({ page = "3", limit = "100" }, 100)
    expect({ page, limit }).equals { 3, 100 }
    for _, query in ipairs { { page = "0" }, { page = "x" }, { page = "-1" }, { page = "1.5" },
      { page = "1e3" }, { limit = "101" }, { limit = "" }, { page = "99999999999999999999" } } do
      local ok, err = pcall(validate.paging, query, 100)
      expect(ok).is(false)
      expect(err.code).is("VALIDATION_ERROR")
    end
  end)
end)
