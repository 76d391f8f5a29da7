local test = require "tidelock.test"
local json = require "tidelock.json"
local limits = require "tidelock.schema.issue"
local schema = require "tidelock.schema"
local expect = test.expect

-- The issues as "path: message", in their order.
local function issues(of, value)
  local checked, err = of:check(value)
  if not err then error("it fits: " .. tostring(json.encode(checked)), 2) end
  local list = {}
  for i, issue in ipairs(err.issues) do list[i] = issue.path .. ": " .. issue.message end
  return list
end

local function fits(of, value, want)
  local checked, err = of:check(value)
  if err then error(tostring(err), 2) end
  if want == nil then want = value end
  expect(checked).equals(want)
end

local function encoded(of, value) return json.encode(of:assert(value)) end

local Attachment = schema.record {
  id = schema.string(), filename = schema.string(), type = schema.string(),
  size = schema.integer { min = 0 }, url = schema.string { format = "url" },
}

local Message = schema.record {
  id = schema.string { nonempty = true },
  sessionId = schema.string(),
  userId = schema.string(),
  content = schema.string { max = 8000 },
  type = schema.enum { "user", "assistant", "system" },
  status = schema.enum { "sending", "sent", "delivered", "read", "processed", "failed" },
  metadata = schema.record {
    confidence = schema.number { min = 0, max = 1 }:optional(),
    attachments = schema.array(Attachment):optional(),
  },
  createdAt = schema.coerce.date(),
  updatedAt = schema.coerce.date(),
}

local function message(changes)
  local made = {
    id = "m1", sessionId = "s1", userId = "u1", content = "Hello", type = "user", status = "sent",
    metadata = { attachments = json.array {
      { id = "a", filename = "a.png", type = "image/png", size = 3, url = "https://example.org/a" },
    } },
    createdAt = "2024-05-01T12:30:00Z", updatedAt = "2024-05-01T14:30:00.5+02:00",
  }
  for key, value in pairs(changes or {}) do made[key] = value end
  return made
end

test.describe("a check", function()
  test.it("returns a fresh copy, transformed, and leaves what it was given", function()
    local given = message { more = true }
    local text = json.encode(given)
    local checked = Message:assert(given)
    expect(checked.createdAt).is(1714566600)
    expect(math.type(checked.createdAt)).is("integer")
    expect(checked.updatedAt).is(1714566600.5)
    expect(checked.more).is_nil()
    checked.metadata.attachments[1].size = 99
    table.insert(checked.metadata.attachments, {})
    expect(json.encode(given)).is(text)
  end)

  test.it("takes its own results again", function()
    local once = Message:assert(message())
    fits(Message, once, once)
  end)

  test.it("reports all issues, each with its path", function()
    local bad = message {
      id = "", content = 7, type = "robot", createdAt = "yesterday", updatedAt = false,
    }
    bad.sessionId = nil
    bad.metadata = { confidence = 2, attachments = { {}, "x" } }
    expect(issues(Message, bad)).equals {
      "content: expected string, received number",
      'createdAt: expected RFC 3339 time, received "yesterday"',
      "id: expected at least 1 character, received 0 characters",
      "metadata.attachments[1].filename: expected string, received nothing",
      "metadata.attachments[1].id: expected string, received nothing",
      "metadata.attachments[1].size: expected integer, received nothing",
      "metadata.attachments[1].type: expected string, received nothing",
      "metadata.attachments[1].url: expected string, received nothing",
      "metadata.attachments[2]: expected object, received string",
      "metadata.confidence: expected at most 1, received 2",
      "sessionId: expected string, received nothing",
      'type: expected "user" or "assistant" or "system", received "robot"',
      "updatedAt: expected RFC 3339 time, received boolean",
    }
  end)

  test.it("gives an error that reads well", function()
    local _, err = Message:check(message { id = 1, content = 2, type = 3, status = 4 })
    expect(err.code).is("INVALID")
    expect(err.recoverable).is(false)
    expect(err.detail).is(err.issues)
    expect(#err.issues).is(4)
    expect(err.issues[1]).equals {
      path = "content", expected = "string", received = "number",
      message = "expected string, received number",
    }
    expect(tostring(err)).is("INVALID: content: expected string, received number; "
      .. "id: expected string, received number; status: expected \"sending\" or \"sent\" or "
      .. "\"delivered\" or \"read\" or \"processed\" or \"failed\", received 4; and 1 more")
    _, err = schema.string():check(7, "the name")
    expect(tostring(err)).is("INVALID: the name: expected string, received number")
  end)

  test.it("may raise, or answer yes or no", function()
    expect(Message:is(message())).is(true)
    expect(Message:is {}).is(false)
    local ok, err = pcall(function() Message:assert {} end)
    expect(ok).is(false)
    expect(err.code).is("INVALID")
    expect(schema.boolean():check(false)).is(false)
  end)
end)

test.describe("strings", function()
  test.it("are counted in characters", function()
    local short = schema.string { min = 2, max = 3 }
    fits(short, "äöü")
    fits(short, "\u{1F600}\u{1F600}")
    expect(issues(short, "äöüß")).equals { ": expected at most 3 characters, received 4 characters" }
    expect(issues(short, "ä")).equals { ": expected at least 2 characters, received 1 character" }
    expect(schema.string { max = 2 }:is "\xff\xfe").is(true) -- bytes, where it is no UTF-8
    expect(schema.string { max = 2 }:is "\xff\xfe\xfd").is(false)
    expect(schema.string { nonempty = true }:is "").is(false)
  end)

  test.it("are trimmed before they are measured", function()
    local name = schema.string { trim = true, nonempty = true }
    fits(name, " \t a b \n", "a b")
    fits(name, "x", "x")
    expect(name:is "   ").is(false)
  end)

  test.it("match patterns", function()
    local color = schema.string { pattern = "^#%x%x%x$" }
    fits(color, "#a0F")
    expect(issues(color, "red\27[2J")).equals { ': expected text like "^#%x%x%x$", received "red?[2J"' }
    expect(function() schema.string { pattern = "[" } end).raises "malformed pattern"
  end)

  local function formats(name, right, wrong)
    local of = schema.string { format = name }
    for _, text in ipairs(right) do fits(of, text) end
    for _, text in ipairs(wrong) do
      if of:is(text) then error(name .. " took " .. text) end
    end
  end

  test.it("have the format of e-mail addresses", function()
    formats("email", { "ada@example.com", "a.b+c@d-e.co.uk", "jörg@müller.de", "_@1.io" }, {
      "", "ada", "@example.com", "ada@", "ada@example", "a b@example.com", "a@b@c.de", ".a@b.de",
      "a.@b.de", "a..b@c.de", "a@-b.de", "a@b-.de", "a@b..de", "a@b.de\n",
      ("x"):rep(65) .. "@example.com", "a@" .. ("x"):rep(64) .. ".de", "a@" .. ("x."):rep(130) .. "de",
    })
  end)

  test.it("have the format of URLs", function()
    formats("url", {
      "http://localhost", "https://example.org:8443/a?b=c#d", "ws://127.0.0.1:1/x", "wss://[::1]:80/",
      "HTTPS://user:pw@example.org./", "http://müller.de",
    }, {
      "", "example.org", "/path", "http://", "http:///x", "ftp://example.org", "javascript:alert(1)",
      "http://a b", "http://a\n", "http://example.org:99999", "http://example.org:x", "http://-a.de",
      "http://[::1", "http://a..b",
    })
  end)

  test.it("have the format of UUIDs and times", function()
    formats("uuid", { "123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-426614174000" },
      { "", "123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400g" })
    formats("date-time", { "2024-02-29T00:00:00Z" }, { "2023-02-29T00:00:00Z", "2024-02-29" })
  end)
end)

test.describe("numbers", function()
  test.it("are finite", function()
    expect(issues(schema.number(), 0 / 0)).equals { ": expected number, received NaN" }
    expect(issues(schema.number(), math.huge)).equals { ": expected number, received infinity" }
    expect(issues(schema.number(), "1")).equals { ": expected number, received string" }
    fits(schema.number { infinite = true }, -math.huge)
    expect(schema.number { infinite = true }:is(0 / 0)).is(false)
  end)

  test.it("keep to their bounds", function()
    local percent = schema.number { min = 0, max = 100 }
    for _, value in ipairs { 0, 0.5, 100 } do fits(percent, value) end
    expect(issues(percent, -0.5)).equals { ": expected at least 0, received -0.5" }
    expect(issues(percent, 101)).equals { ": expected at most 100, received 101" }
    expect(schema.number { positive = true }:is(0)).is(false)
    expect(schema.integer { positive = true, max = 3 }:is(3)).is(true)
  end)

  test.it("are whole, where that is asked", function()
    expect(math.type(schema.integer():assert(3.0))).is("integer")
    expect(issues(schema.integer(), 3.5)).equals { ": expected integer, received 3.5" }
    expect(schema.integer():is(2.0 ^ 70)).is(false)
    expect(schema.integer():is(0 / 0)).is(false)
    expect(schema.integer():is "3").is(false)
  end)
end)

test.describe("coercing", function()
  local date = schema.coerce.date()

  test.it("reads times as RFC 3339 writes them", function()
    for text, seconds in pairs {
      ["1970-01-01T00:00:00Z"] = 0, ["2000-02-29T23:59:59z"] = 951868799,
      ["1985-04-12T23:20:50.52Z"] = 482196050.52, ["1996-12-19T16:39:57-08:00"] = 851042397,
      ["1990-12-31T23:59:60Z"] = 662688000, ["1990-12-31T15:59:60-08:00"] = 662688000,
      ["1937-01-01T12:00:27.87+00:20"] = -1041337172.13, ["0000-01-01T00:00:00Z"] = -62167219200,
      ["9999-12-31T23:59:59Z"] = 253402300799, ["2024-05-01 12:30:00Z"] = 1714566600,
      ["2100-03-01T00:00:00Z"] = 4107542400,
    } do
      expect(date:assert(text)).is_close(seconds, 1e-6)
    end
  end)

  test.it("agrees with the system's calendar", function()
    for day = -30000, 60000, 37 do
      local text = os.date("!%Y-%m-%dT%H:%M:%SZ", day * 86400 + 3661)
      expect(date:assert(text)).is(day * 86400 + 3661)
    end
  end)

  test.it("refuses what is no time", function()
    for _, text in ipairs {
      "", "now", "2024-05-01", "2024-05-01T12:30Z", "2024-05-01T12:30:00", "2024-13-01T00:00:00Z",
      "2024-00-01T00:00:00Z", "2024-04-31T00:00:00Z", "2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
      "2024-05-00T00:00:00Z", "2024-05-01T24:00:00Z", "2024-05-01T12:60:00Z", "2024-05-01T12:30:61Z",
      "2024-05-01T12:30:60Z", "2024-05-01T12:30:00.Z", "2024-05-01T12:30:005Z",
      "2024-05-01T12:30:00+0200", "2024-05-01T12:30:00+24:00", "2024-05-01T12:30:00+02:60",
      "2024-05-01T12:30:00Z ", "12024-05-01T12:30:00Z", "2024-5-1T12:30:00Z",
    } do
      if date:is(text) then error("took " .. text) end
    end
  end)

  test.it("takes times without an offset where they are said to be of UTC", function()
    local utc = schema.coerce.date { assume_utc = true }
    expect(utc:assert "2024-05-01T12:30:00").is(1714566600)
    expect(utc:assert "2024-05-01T12:30:00+01:00").is(1714563000)
  end)

  test.it("takes seconds, but no milliseconds", function()
    fits(date, 1714566600.25)
    expect(date:is(1714566600000)).is(false)
    expect(date:is(0 / 0)).is(false)
  end)

  test.it("reads numbers as JSON writes them", function()
    local number, integer = schema.coerce.number(), schema.coerce.integer { max = 99 }
    fits(number, "-12.5e1", -125.0)
    fits(number, 7)
    fits(integer, "42", 42)
    for _, text in ipairs {
      "", " 1", "1 ", "0x10", "nan", "inf", "1e999", "01", ".5", "5.", "1e", "+1", "1_0",
    } do
      if number:is(text) then error("took " .. text) end
    end
    expect(integer:is "4.5").is(false)
    expect(issues(integer, "100")).equals { ": expected at most 99, received 100" }
    expect(number:is(("9"):rep(100000))).is(false)
  end)

  test.it("reads booleans", function()
    local boolean = schema.coerce.boolean()
    for _, value in ipairs { "true", "1", true } do fits(boolean, value, true) end
    for _, value in ipairs { "false", "0", false } do expect(boolean:check(value)).is(false) end
    for _, value in ipairs { "yes", "", 1, "TRUE", json.null } do expect(boolean:is(value)).is(false) end
    expect(boolean:is(nil)).is(false)
  end)
end)

test.describe("literals and enums", function()
  test.it("are taken as they are", function()
    fits(schema.literal "a", "a")
    fits(schema.enum { 1, "one", false }, "one")
    expect(schema.enum { 1, false }:check(false)).is(false)
    expect(issues(schema.literal(true), "true")).equals { ': expected true, received "true"' }
    expect(issues(schema.enum { 1, "one" }, nil)).equals { ': expected 1 or "one", received nothing' }
    expect(issues(schema.enum { 1 }, ("x"):rep(1000))).equals {
      ': expected 1, received "' .. ("x"):rep(40) .. '..."',
    }
  end)

  test.it("are made of single values alone", function()
    expect(function() schema.literal {} end).raises "string, number or boolean"
    expect(function() schema.enum {} end).raises "a list"
    expect(function() schema.enum { 0 / 0 } end).raises "string, number or boolean"
  end)
end)

test.describe("arrays", function()
  test.it("stay arrays when they are empty", function()
    local list = schema.array(schema.string())
    expect(encoded(list, json.array {})).is("[]")
    expect(encoded(list, {})).is("[]")
    expect(encoded(list, json.decode "[]")).is("[]")
  end)

  test.it("are distinguished from objects", function()
    local list, object = schema.array(schema.any()), schema.map(schema.any())
    expect(issues(list, json.decode "{}")).equals { ": expected array, received object" }
    expect(issues(object, json.decode "[]")).equals { ": expected object, received array" }
    expect(issues(list, { a = 1 })).equals { ": expected array, received object" }
    expect(issues(object, { 1 })).equals { ": expected object, received array" }
    expect(issues(list, "x")).equals { ": expected array, received string" }
    expect(issues(list, json.null)).equals { ": expected array, received null" }
  end)

  test.it("have neither gaps nor names", function()
    local list = schema.array(schema.any())
    for _, bad in ipairs { { 1, nil, 3 }, { 1, name = 2 }, { 1, [0] = 0 }, { 1, [2.5] = 1 } } do
      expect(issues(list, bad)).equals { ": expected array, received array with gaps or names" }
    end
  end)

  test.it("have as many items as asked", function()
    local some = schema.array(schema.integer(), { min = 1, max = 2 })
    fits(some, { 1, 2 })
    expect(issues(some, {})).equals { ": expected at least 1 item, received 0 items" }
    expect(issues(some, { 1, 2, "x" })).equals { ": expected at most 2 items, received 3 items" }
    expect(schema.array(schema.any(), { nonempty = true }):is {}).is(false)
  end)

  test.it("keep their nulls", function()
    local list = schema.array(schema.integer():nullable())
    expect(encoded(list, json.decode "[1,null,3]")).is("[1,null,3]")
    expect(encoded(schema.array(schema.integer():optional()), json.decode "[1,null]")).is("[1,null]")
    expect(issues(schema.array(schema.integer()), json.decode "[1,null]")).equals {
      "[2]: expected integer, received null",
    }
  end)

  test.it("are tuples, where each place has its own", function()
    local pair = schema.tuple { schema.string(), schema.number():optional() }
    fits(pair, { "a", 1 })
    expect(encoded(pair, { "a" })).is('["a"]')
    expect(issues(pair, { 1, "b" })).equals {
      "[1]: expected string, received number", "[2]: expected number, received string",
    }
    expect(issues(pair, { "a", 1, 2 })).equals { ": expected at most 2 items, received 3 items" }
    expect(issues(pair, {})).equals { "[1]: expected string, received nothing" }
    local longer = schema.tuple({ schema.string() }, { rest = schema.integer() })
    fits(longer, { "a", 1, 2 })
    expect(issues(longer, { "a", 1, "b" })).equals { "[3]: expected integer, received string" }
  end)
end)

test.describe("records", function()
  local pair = schema.record { a = schema.integer(), b = schema.string():optional() }

  test.it("leave out, refuse or keep what they do not name", function()
    local given = { a = 1, c = { 2 }, d = true }
    fits(pair, given, { a = 1 })
    fits(pair:passthrough(), given)
    expect(pair:passthrough():assert(given).c).is_not(given.c)
    expect(issues(pair:strict(), given)).equals { "c: unknown key", "d: unknown key" }
    expect(issues(pair:strict(), { a = 1, [7] = 1 })).equals { "[7]: unknown key" }
    fits(pair:strict():strip(), given, { a = 1 })
    expect(encoded(schema.record {}, { x = 1 })).is("{}")
  end)

  test.it("are extended, cut, and made partial", function()
    local more = pair:strict():extend { c = schema.boolean(), b = schema.integer() }
    fits(more, { a = 1, b = 2, c = true })
    expect(issues(more, { a = 1, b = "x", c = true, d = 1 })).equals {
      "b: expected integer, received string", "d: unknown key",
    }
    fits(pair:extend(schema.record { c = schema.any() }), { a = 1, c = 2 })
    fits(more:pick { "a" }, { a = 1 })
    expect(more:pick({ "a" }):is { a = 1, b = 2 }).is(false)
    fits(more:omit { "a", "b" }, { c = true })
    fits(more:partial(), { c = true })
    expect(encoded(schema.record { a = schema.integer():default(7) }:partial(), {})).is("{}")
    expect(more:partial({ "a" }):is { b = 1 }).is(false)
    fits(more:partial { "a" }, { b = 1, c = true })
    fits(pair, { a = 1 })
  end)

  test.it("say what was meant wrongly", function()
    expect(function() pair:pick { "x" } end).raises "no field 'x'"
    expect(function() pair:optional():extend {} end).raises "of records"
    expect(function() schema.record { a = schema.string } end).raises "call it"
    expect(function() schema.record { a = "string" } end).raises "the field 'a'"
    expect(function() schema.record { schema.string() } end).raises "names"
    expect(function() schema.string { length = 3 } end).raises 'unknown option "length"'
    expect(function() schema.string { min = "3" } end).raises "min must be a number"
    expect(function() schema.array {} end).raises "the item"
    expect(function() schema.string { format = "phone" } end).raises "no format"
  end)

  test.it("take null for absent, and nothing for an empty object", function()
    expect(encoded(pair, { a = 1, b = json.null })).is('{"a":1}')
    expect(issues(pair, { a = json.null })).equals { "a: expected integer, received nothing" }
    fits(schema.record { a = schema.integer():nullable() }, json.decode '{"a":null}', {})
    expect(issues(pair, json.array {})).equals { ": expected object, received array" }
    expect(issues(pair, nil)).equals { ": expected object, received nothing" }
    expect(issues(pair, print)).equals { ": expected object, received function" }
  end)

  test.it("write odd keys so that they can be read", function()
    local map = schema.map(schema.map(schema.integer()))
    expect(issues(map, { ["a b"] = { ["c\n"] = "x" } })).equals {
      '["a b"]["c?"]: expected integer, received string',
    }
    local long = ("k"):rep(1000)
    expect(#issues(map, { [long] = 1 })[1] < 100).is(true)
  end)
end)

test.describe("maps", function()
  test.it("check each value, and the keys", function()
    local ages = schema.map(schema.integer(), { max = 3, key = schema.string { pattern = "^%l+$" } })
    fits(ages, { ada = 36, alan = 41 })
    expect(issues(ages, { ada = "x", Bob = 1, cy = 2 })).equals {
      'Bob: expected text like "^%l+$" as key, received "Bob"',
      "ada: expected integer, received string",
    }
    expect(issues(ages, { a = 1, b = 2, c = 3, d = 4 })).equals {
      ": expected at most 3 items, received 4 items",
    }
    expect(issues(schema.map(schema.any()), { [2] = 1 })).equals {
      "[2]: expected a string as key, received number",
    }
    expect(encoded(ages, {})).is("{}")
  end)
end)

test.describe("unions", function()
  local either = schema.union { schema.string(), schema.integer { min = 5 }, schema.array(schema.integer()) }

  test.it("take the first that fits", function()
    for _, value in ipairs { "a", 7, { 1, 2 } } do fits(either, value) end
  end)

  test.it("report the issues of the choice that was meant", function()
    expect(issues(either, true)).equals { ": expected string or integer or array, received true" }
    expect(issues(either, 3)).equals { ": expected at least 5, received 3" }
    expect(issues(either, { 1, "b" })).equals { "[2]: expected integer, received string" }
  end)

  test.it("say which choice failed where, when several may have been meant", function()
    local by_id = schema.record { id = schema.integer(), at = schema.record { x = schema.number() } }
    local by_name = schema.record { name = schema.string() }
    local both = schema.union { by_id, schema.string(), by_name }
    local value, err = both:check { id = "7", at = { x = "1" } }
    expect(value).is_nil()
    local found = {}
    for i, each in ipairs(err.issues) do
      found[i] = each.choice .. " " .. each.path .. ": " .. each.message
    end
    expect(found).equals {
      "1 at.x: choice 1: expected number, received string",
      "1 id: choice 1: expected integer, received string",
      "3 name: choice 3: expected string, received nothing",
    }
    expect(err.message).contains "name: choice 3: expected string"
    expect(issues(schema.array(both), { { id = 1, at = { x = 1 } }, { name = 2 } })).equals {
      "[2].at: choice 1: expected object, received nothing",
      "[2].id: choice 1: expected integer, received nothing",
      "[2].name: choice 3: expected string, received number",
    }
    local nested = schema.union { schema.union { by_id, by_name }, schema.record { z = schema.null() } }
    local _, deep = nested:check { name = 5, z = 1 }
    local choices = {}
    for i, each in ipairs(deep.issues) do choices[i] = each.choice end
    expect(choices).equals { "1.1", "1.1", "1.2", "2" }
    local _, one = either:check(3)
    expect({ one.issues[1].choice, one.issues[1].message }).equals { "2", "expected at least 5, received 3" }
  end)

  local event = schema.tagged_union("kind", {
    text = schema.record { text = schema.string() },
    move = schema.record({ kind = schema.literal "move", x = schema.number() }):strict(),
  })

  test.it("are distinguished by a tag", function()
    fits(event, { kind = "text", text = "hi" })
    fits(event, { kind = "move", x = 1 })
    expect(issues(event, { kind = "text" })).equals { "text: expected string, received nothing" }
    expect(issues(event, { kind = "fly" })).equals { 'kind: expected "move" or "text", received "fly"' }
    expect(issues(event, {})).equals { 'kind: expected "move" or "text", received nothing' }
    expect(issues(event, 7)).equals { ": expected object, received number" }
  end)
end)

test.describe("what may be missing", function()
  test.it("is nil, null or a default", function()
    expect(schema.string():optional():check(nil)).is_nil()
    expect(select(2, schema.string():optional():check(nil))).is_nil()
    expect(schema.string():optional():check(json.null)).is_nil()
    expect(schema.string():nullable():check(json.null)).is(json.null)
    expect(schema.null():check(json.null)).is(json.null)
    expect(schema.string():default("x"):check(nil)).is("x")
    expect(schema.string():default("x"):is(7)).is(false)
    expect(schema.boolean():default(false):check(json.null)).is(false)
  end)

  test.it("gets a default of its own", function()
    local list = schema.array(schema.string()):default {}
    local first = list:assert(nil)
    table.insert(first, "x")
    expect(json.encode(list:assert(nil))).is("[]")
    local count = 0
    local numbered = schema.record { n = schema.integer():default(function()
      count = count + 1
      return count
    end) }
    fits(numbered, {}, { n = 1 })
    fits(numbered, {}, { n = 2 })
  end)

  test.it("may be replaced where it is wrong", function()
    local status = schema.record { status = schema.enum({ "up", "down" }):catch "unknown" }
    fits(status, { status = "up" })
    fits(status, { status = "sideways" }, { status = "unknown" })
    fits(status, {}, { status = "unknown" })
    local list = schema.array(schema.array(schema.integer()):catch {})
    expect(encoded(list, { { 1 }, { "x" }, 3 })).is("[[1],[],[]]")
  end)
end)

test.describe("rules of one's own", function()
  test.it("are asked when all others hold", function()
    local asked = 0
    local even = schema.integer():refine(function(n)
      asked = asked + 1
      return n % 2 == 0
    end, "must be even")
    fits(even, 4)
    expect(issues(even, 3)).equals { ": must be even" }
    expect(issues(even, "x")).equals { ": expected integer, received string" }
    expect(asked).is(2)
  end)

  test.it("may say why, and where", function()
    local form = schema.record({ password = schema.string(), again = schema.string() }):refine(
      function(f) return f.password == f.again end, "is not the same", "again")
    expect(issues(schema.array(form), { { password = "a", again = "b" } })).equals {
      "[1].again: is not the same",
    }
    local why = schema.integer():refine(function(n) return false, n .. " is odd" end)
    expect(issues(why, 3)).equals { ": 3 is odd" }
  end)

  test.it("make other values", function()
    local upper = schema.string():transform(string.upper)
    fits(schema.array(upper), { "a", "b" }, { "A", "B" })
    local host = schema.string():transform(function(url)
      local name = url:match "^https://([^/]+)"
      if not name then return nil, "is not https" end
      return name
    end)
    fits(host, "https://a.b/c", "a.b")
    expect(issues(host, "ftp://a")).equals { ": is not https" }
    fits(schema.string():transform(tonumber):refine(function(n) return n > 1 end), "2", 2)
  end)

  test.it("may not make nothing of something", function()
    local number = schema.string():transform(tonumber)
    fits(number, "7", 7)
    expect(issues(number, "x")).equals { ": nothing came of it" }
    expect(issues(schema.record { n = number }, { n = "x" })).equals { "n: nothing came of it" }
    expect(issues(schema.array(number), { "1", "x" })).equals { "[2]: nothing came of it" }
    expect(number:is("x")).is(false)
    expect(number:catch(0):check("x")).is(0)
    local kept = schema.string():optional():transform(function(text) return text and text:upper() end)
    expect({ kept:check(nil) }).equals {}
    expect(schema.union({ number, schema.literal "x" }):check("x")).is("x")
    local empty = schema.record { n = schema.integer():default(function() end) }
    expect(issues(empty, {})).equals { "n: the function of default gave nothing" }
    local caught = schema.integer():catch(function() end)
    expect(issues(caught, "x")).equals { ": the function of catch gave nothing" }
    expect(issues(schema.integer():refine(function() end), 1)).equals { ": does not hold" }
  end)

  test.it("raise what they raise, and cannot wait", function()
    expect(function() schema.any():refine(function() error "broken" end):check(1) end).raises "broken"
    local task = require "tidelock.task"
    local slow = schema.any():transform(function() task.sleep(0.001) end)
    expect(function() slow:check(1) end).raises "not possible here"
  end)

  test.it("may check other values meanwhile", function()
    local inner = schema.array(schema.integer())
    local outer = schema.array(schema.any():refine(function(v) return inner:is(v) end, "no list"))
    expect(issues(outer, { { 1 }, { "x" }, 2 })).equals { "[2]: no list", "[3]: no list" }
  end)
end)

test.describe("recursion", function()
  local Tree
  Tree = schema.lazy(function()
    return schema.record { name = schema.string(), parts = schema.array(Tree):optional() }
  end, "Tree")

  local function nested(depth)
    local tree = { name = "leaf" }
    for _ = 1, depth do tree = { name = "node", parts = { tree } } end
    return tree
  end

  test.it("goes as deep as JSON", function()
    fits(Tree, nested(20))
    expect(Tree:is(nested(255))).is(true)
    expect(issues(Tree, { name = "a", parts = { { name = 1 } } })).equals {
      "parts[1].name: expected string, received number",
    }
    expect(issues(Tree, nested(600))[1]).contains "nested too deeply"
    expect(#tostring(select(2, Tree:check(nested(600)))) < 500).is(true)
  end)

  test.it("ends where a value holds itself", function()
    local loop = { name = "a" }
    loop.parts = { loop, loop }
    expect(issues(Tree, loop)[1]).contains "nested too deeply"
    local any = {}
    any.a, any.b = any, any
    expect(issues(schema.any(), any)[1]).contains "nested too deeply"
    expect(function() schema.any():default(any) end).raises "holds itself"
    local selfish
    selfish = schema.lazy(function() return selfish:optional() end)
    expect(selfish:is(nil)).is(true)
  end)

  test.it("ends where one value is met in too many places", function()
    local value = { name = "a" }
    for _ = 1, 40 do value = { name = "b", parts = { value, value } } end
    limits.MAX_VALUES = 10000
    local all, caught = issues(Tree, value), Tree:catch("fallback"):is(value)
    limits.MAX_VALUES = 1000000
    expect(all[1]).contains "too many values"
    expect(caught).is(false)
  end)

  test.it("reports a hundred issues and no more", function()
    local list = {}
    for i = 1, 100000 do list[i] = { a = i } end
    local _, err = schema.array(schema.record { a = schema.string(), b = schema.string() }):check(list)
    expect(#err.issues).is(100)
    expect(tostring(err)).contains "and many more"
    local map = {}
    for i = 1, 1000 do map["k" .. i] = i end
    expect(#issues(schema.map(schema.string()), map)).is(100)
    expect(#issues(schema.record({}):strict(), map)).is(100)
  end)
end)

test.describe("long names", function()
  test.it("are cut in paths and messages, between characters", function()
    local long, wide = ("k"):rep(80), ("\u{20ac}"):rep(3000)
    local deep, value = schema.integer(), "x"
    for _ = 1, 40 do deep, value = schema.record { [long] = deep }, { [long] = value } end
    local _, err = deep:check(value, ("l"):rep(100000))
    expect(#err.issues[1].path <= 403).is(true)
    expect(err.issues[1].path).matches("^" .. long .. "%." .. long .. "%..*%.%.%.$")
    expect(#err.message < 1000).is(true)
    for _, key in ipairs { wide, ("x y"):rep(5000) } do
      _, err = schema.map(schema.integer()):check { [key] = "x" }
      expect(#err.issues[1].path < 100).is(true)
      expect(utf8.len(err.issues[1].path) ~= nil and utf8.len(err.message) ~= nil).is(true)
    end
    deep, value = schema.integer(), "x"
    for _ = 1, 30 do deep, value = schema.map(deep), { [wide:sub(1, 36)] = value } end
    _, err = deep:check(value)
    expect(#err.issues[1].path <= 403).is(true)
    expect(utf8.len(err.issues[1].path) ~= nil and utf8.len(err.message) ~= nil).is(true)
  end)

  test.it("cost little, however deep", function()
    local timer, tree = require "tidelock.timer", nil
    tree = schema.map(schema.union { schema.integer(), schema.lazy(function() return tree end) })
    local value = {}
    for i = 1, 90 do value["bad" .. i] = "x" end
    for _ = 1, 200 do value = { [("k"):rep(70)] = value } end
    local begun = timer.now()
    local _, err = tree:check(value)
    expect(err.code).is "INVALID"
    expect(timer.now() - begun < 2).is(true)
  end)
end)

test.describe("anything", function()
  test.it("is copied as it is", function()
    local text = '{"a":[],"b":{},"c":[1,null,{"d":[[]]}]}'
    local given = json.decode(text)
    local checked = schema.any():assert(given)
    expect(checked).equals(given)
    checked.c[3].d[1][1] = "changed"
    expect(json.encode(given)).is(json.encode(json.decode(text)))
    fits(schema.any(), "x")
    expect(schema.any():check(json.null)).is(json.null)
    expect(schema.any():check(print)).is(print)
  end)

  test.it("may be a table behind metamethods, as views are", function()
    local function view(of)
      return setmetatable({}, {
        __index = function(_, key)
          local part = of[key]
          return type(part) == "table" and view(part) or part
        end,
        __len = function() return #of end,
        __pairs = function(self)
          return function(_, last)
            local key = next(of, last)
            if key ~= nil then return key, self[key] end
          end, self, nil
        end,
        __newindex = function() error "a view cannot be written" end,
      })
    end
    local given = message()
    expect(Message:assert(view(given))).equals(Message:assert(given))
    expect(schema.any():assert(view(given))).equals(given)
    expect(issues(Message, view(message { content = 1 }))).equals {
      "content: expected string, received number",
    }
  end)

  test.it("is no container because it is userdata", function()
    local handle = require("tidelock.timer").after(60, function() end)
    expect(type(handle)).is("userdata")
    expect(issues(schema.map(schema.any()), handle)).equals { ": expected object, received userdata" }
    expect(schema.any():check(handle)).is(handle)
    handle:stop()
  end)
end)

test.describe("JSON Schema", function()
  local function exported(of)
    local made = of:json_schema()
    expect(made["$schema"]).is("https://json-schema.org/draft/2020-12/schema")
    made["$schema"] = nil
    expect(json.encode(made) ~= nil).is(true)
    return made
  end

  test.it("exports single values", function()
    expect(exported(schema.string { min = 1, max = 9, format = "url" })).equals {
      type = "string", minLength = 1, maxLength = 9, format = "uri",
    }
    expect(exported(schema.string { nonempty = true, pattern = "%d" })).equals {
      type = "string", minLength = 1, ["x-lua-pattern"] = "%d",
    }
    expect(exported(schema.integer { min = 1, positive = true })).equals {
      type = "integer", minimum = 1, exclusiveMinimum = 0,
    }
    expect(exported(schema.literal "a")).equals { const = "a" }
    expect(exported(schema.enum { "a", 1 })).equals { enum = { "a", 1 } }
    expect(exported(schema.any():describe "whatever")).equals { description = "whatever" }
    expect(exported(schema.string():nullable())).equals { type = { "string", "null" } }
    expect(exported(schema.literal(1):nullable())).equals {
      anyOf = { { const = 1 }, { type = "null" } },
    }
    expect(exported(schema.coerce.date())).equals {
      anyOf = { { type = "string", format = "date-time" }, { type = "number" } },
    }
  end)

  test.it("exports containers", function()
    local made = exported(schema.record({
      a = schema.array(schema.string(), { min = 1 }), b = schema.integer():default(3),
      c = schema.map(schema.boolean()):optional(), d = schema.string():nullable(),
      e = schema.tuple { schema.string(), schema.any() },
      f = schema.union { schema.null(), schema.string() },
    }):strict():describe "a record")
    expect(made.required).equals { "a", "e" }
    expect(made.additionalProperties).is(false)
    expect(made.description).is("a record")
    expect(made.properties.a).equals { type = "array", items = { type = "string" }, minItems = 1 }
    expect(made.properties.b).equals { type = "integer", default = 3 }
    expect(made.properties.c).equals { type = "object", additionalProperties = { type = "boolean" } }
    expect(made.properties.e).equals {
      type = "array", prefixItems = { { type = "string" }, {} }, items = false, minItems = 1,
    }
    expect(made.properties.f).equals { anyOf = { { type = "null" }, { type = "string" } } }
    expect(json.encode(exported(schema.record {}))).contains '"required":[]'
  end)

  test.it("exports choices and recursion", function()
    local tagged = exported(schema.tagged_union("k", { a = schema.record {}, b = schema.record {} }))
    expect(#tagged.oneOf).is(2)
    expect(tagged.oneOf[2].properties.k).equals { const = "b" }
    expect(tagged.oneOf[2].required).equals { "k" }
    local Tree
    Tree = schema.lazy(function()
      return schema.record { parts = schema.array(Tree), next = Tree:optional() }
    end, "Tree")
    local made = exported(Tree)
    expect(made["$ref"]).is("#/$defs/Tree")
    expect(made["$defs"].Tree.properties.parts.items).equals { ["$ref"] = "#/$defs/Tree" }
    expect(made["$defs"].Tree.required).equals { "parts" }
  end)
end)
