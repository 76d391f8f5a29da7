-- tidelock.date: RFC 3339 both ways, arithmetic over the changes of clocks, times relative to now.
-- A zone named here is one of the IANA's; the dates of its changes are facts.
local date = require "tidelock.date"
local test = require "tidelock.test"
local expect = test.expect

local BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"

local function at(text, zone) return assert(date.parse(text, { zone = zone })) end
local function show(seconds, zone) return assert(date.format(seconds, { zone = zone })) end

-- add in local time, shown in the zone.
local function added(text, amounts, zone)
  return show(assert(date.add(at(text, zone), amounts, { zone = zone })), zone)
end

local function refused(code, word, value, err)
  expect(value).is_nil()
  expect(err.code).is(code)
  expect(err.message).matches(word)
end

test.describe("RFC 3339", function()
  test.it("section 5.8: its examples", function()
    for text, seconds in pairs {
      ["1985-04-12T23:20:50.52Z"] = 482196050.52, ["1996-12-19T16:39:57-08:00"] = 851042397,
      ["1990-12-31T23:59:60Z"] = 662688000, ["1990-12-31T15:59:60-08:00"] = 662688000,
      ["1937-01-01T12:00:27.87+00:20"] = -1041337172.13, ["2016-12-31T23:59:60.5Z"] = 1483228800.5,
      ["2024-05-01t12:30:00z"] = 1714566600, ["2024-05-01T12:30:00-00:00"] = 1714566600,
    } do
      expect(date.parse(text)).is_close(seconds, 1e-6)
    end
  end)

  test.it("whole seconds are integers", function()
    expect(math.type(date.parse "2024-05-01T12:30:00Z")).is "integer"
    expect(math.type(date.parse("2024-05-01T12:30:00", { zone = BERLIN }))).is "integer"
  end)

  test.it("what is none is refused, with the reason", function()
    for text, why in pairs {
      [""] = "too short", ["2024-05-01T12:30:00"] = "no offset", ["2024-05-01"] = "too short",
      ["2024-13-01T00:00:00Z"] = "no such month", ["2024-00-01T00:00:00Z"] = "no such month",
      ["2023-02-29T00:00:00Z"] = "no such day", ["1900-02-29T00:00:00Z"] = "no such day",
      ["2024-05-00T00:00:00Z"] = "no such day", ["2024-05-01T24:00:00Z"] = "time of day",
      ["2024-05-01T12:60:00Z"] = "time of day", ["2024-05-01T12:30:61Z"] = "time of day",
      ["2024-05-01T12:30:60Z"] = "no such second", ["2024-05-01T23:59:60Z"] = "no such second",
      ["2016-12-31T22:59:60Z"] = "no such second", ["2016-12-31T23:59:60+01:00"] = "no such second",
      ["2024-05-01T12:30:00.Z"] = "offset", ["2024-05-01T12:30:00+0200"] = "offset",
      ["2024-05-01T12:30:00+24:00"] = "offset", ["2024-05-01T12:30:00+02:60"] = "offset",
      ["2024-05-01T12:30:00Z "] = "offset", ["2024-05-01T12:30:00Z\0"] = "offset",
      ["2024-05-01T12:30:00 Z"] = "offset", ["2024-05-01T12:30:00,5Z"] = "offset",
      ["12024-05-01T12:30:00Z"] = "date", ["-024-05-01T12:30:00Z"] = "date",
      ["2024-05-01T1\xd9\xa1:30:00Z"] = "time", ["2024-05-01X12:30:00Z"] = "time",
      ["2024-05-01T12:30:00." .. ("0"):rep(100) .. "Z"] = "too long",
    } do
      local value, err = date.parse(text)
      if value ~= nil then error("took " .. text) end
      expect(err.code).is "DECODE"
      expect(err.message).matches(why)
    end
  end)

  test.it("a time without an offset is one of the zone that is given", function()
    expect(date.parse("2024-05-01T12:30:00", { zone = BERLIN })).is(at "2024-05-01T12:30:00+02:00")
    expect(date.parse("2024-01-01T12:30:00.5", { zone = BERLIN })).is(at "2024-01-01T12:30:00.5+01:00")
    expect(date.parse("2024-05-01T12:30:00-03:00", { zone = BERLIN })).is(at "2024-05-01T12:30:00-03:00")
    expect(date.parse("2024-05-01T12:30:00", { zone = "UTC" })).is(1714566600)
    -- clocks skip it, or show it twice
    expect(date.parse("2026-03-29T02:30:00", { zone = BERLIN })).is(at "2026-03-29T03:30:00+02:00")
    expect(date.parse("2026-10-25T02:30:00", { zone = BERLIN })).is(at "2026-10-25T02:30:00+02:00")
  end)

  test.it("is written in UTC or a zone", function()
    expect(date.format(0)).is "1970-01-01T00:00:00Z"
    expect(date.format(1714566600, { zone = BERLIN })).is "2024-05-01T14:30:00+02:00"
    expect(date.format(1714566600, { zone = "Asia/Kathmandu" })).is "2024-05-01T18:15:00+05:45"
    expect(date.format(1714566600, { zone = "-03:30" })).is "2024-05-01T09:00:00-03:30"
    expect(date.format(1704067200, { zone = "Europe/London" })).is "2024-01-01T00:00:00+00:00"
    expect(date.format(-62167219200)).is "0000-01-01T00:00:00Z"
    expect(date.format(253402300799)).is "9999-12-31T23:59:59Z"
  end)

  test.it("an offset with seconds is cut to minutes, and the instant stays", function()
    local text = date.format(-3e9, { zone = BERLIN }) -- +00:53:28 until 1893
    expect(text).matches "%+00:53$"
    expect(date.parse(text)).is(-3e9)
    local west = date.format(-3e9, { zone = NEW_YORK }) -- -04:56:02 until 1883
    expect(west).matches "%-04:56$"
    expect(date.parse(west)).is(-3e9)
  end)

  test.it("fractions have the digits that are needed, or asked for", function()
    local shown = { [0.5] = ".5", [0.25] = ".25", [0.123456] = ".123456", [1e-7] = "", [0.1 + 0.2] = ".3" }
    for seconds, text in pairs(shown) do
      expect(date.format(seconds)).is("1970-01-01T00:00:00" .. text .. "Z")
    end
    expect(date.format(1714566600.3, { digits = 1 })).is "2024-05-01T12:30:00.3Z"
    expect(date.format(1714566600.999, { digits = 0 })).is "2024-05-01T12:30:00Z"
    expect(date.format(1714566600, { digits = 3 })).is "2024-05-01T12:30:00.000Z"
    expect(date.format(-0.25)).is "1969-12-31T23:59:59.75Z"
    expect(date.format(0.99999999)).is "1970-01-01T00:00:01Z"
    for _, text in ipairs { "2024-05-01T12:30:00.123456Z", "1937-01-01T12:00:27.87Z" } do
      expect(date.format(date.parse(text))).is(text)
    end
  end)

  test.it("years that it cannot write are refused", function()
    for _, seconds in ipairs {
      -62167219201, 253402300800, 1e300, -1e300, 1 / 0, -1 / 0, 0 / 0, math.maxinteger, math.mininteger,
    } do
      refused("INVALID", "0000 to 9999", date.format(seconds))
      refused("INVALID", "0000 to 9999", date.fields(seconds))
      refused("INVALID", "0000 to 9999", date.add(seconds, { days = 1 }))
      refused("INVALID", "0000 to 9999", date.start_of(seconds, "week"))
      refused("INVALID", "0000 to 9999", date.difference(0, seconds))
      refused("INVALID", "0000 to 9999", date.relative(seconds))
    end
    refused("INVALID", "0000 to 9999", date.format(253402300799, { zone = BERLIN }))
    refused("INVALID", "0000 to 9999", date.format(-62167219200, { zone = NEW_YORK }))
  end)
end)

test.describe("zones", function()
  test.it("one that there is not is told", function()
    for _, name in ipairs {
      "Europe/Nowhere", "", "..", "../../etc/passwd", "/etc/localtime", "Europe/../Europe/Berlin",
      "Europe//Berlin", "Europe/", "Europe", "zone.tab", "Europe/Berlin\0", ".", "a b", ("x"):rep(300),
      "Europe\\Berlin",
    } do
      refused("NOT_FOUND", "no time zone", date.format(0, { zone = name }))
    end
    refused("NOT_FOUND", "written %+02:00", date.format(0, { zone = "+2" }))
    refused("NOT_FOUND", "no time zone", date.parse("2024-05-01T12:30:00Z", { zone = "Europe/Nowhere" }))
  end)

  test.it("change by the rule of the file beyond its list", function()
    expect(show(at "2500-07-01T00:00:00Z", BERLIN)).is "2500-07-01T02:00:00+02:00"
    expect(show(at "2500-12-01T00:00:00Z", BERLIN)).is "2500-12-01T01:00:00+01:00"
    expect(show(at "9999-07-01T00:00:00Z", NEW_YORK)).is "9999-06-30T20:00:00-04:00"
    expect(show(at "2300-01-01T00:00:00Z", "Australia/Sydney")).is "2300-01-01T11:00:00+11:00"
  end)

  test.it("agree with the system's own clock", function()
    local zone = "local"
    for seconds = 0, 4e9, 86400 * 37 + 3601 do
      local f, g = date.fields(seconds, { zone = zone }), os.date("*t", seconds)
      expect({ f.year, f.month, f.day, f.hour, f.minute, f.second, f.dst, f.yearday, f.weekday % 7 + 1 })
        .equals { g.year, g.month, g.day, g.hour, g.min, g.sec, g.isdst, g.yday, g.wday }
    end
  end)
end)

test.describe("fields", function()
  test.it("both ways", function()
    local f = date.fields(at "2024-12-31T23:30:15.5Z", { zone = BERLIN })
    expect(f).equals {
      year = 2025, month = 1, day = 1, hour = 0, minute = 30, second = 15.5, weekday = 3, yearday = 1,
      offset = 3600, dst = false, zone = "CET",
    }
    expect(date.time(f, { zone = BERLIN })).is(at "2024-12-31T23:30:15.5Z")
    expect(date.time { year = 1970, month = 1, day = 1 }).is(0)
    expect(math.type(date.time { year = 2000, month = 2, day = 29, second = 1 })).is "integer"
  end)

  test.it("what cannot be is named", function()
    for name, value in pairs { year = 10000, month = 13, day = 30, hour = 24, minute = -1, second = 60 } do
      local f = { year = 2023, month = 2, day = 1 }
      f[name] = value
      refused("INVALID", "no such " .. name, date.time(f))
      f[name] = {}
      refused("INVALID", "no such " .. name, date.time(f))
    end
    refused("INVALID", "no such year", date.time {})
    refused("INVALID", "no such second", date.time { year = 2000, month = 1, day = 1, second = 0 / 0 })
  end)
end)

test.describe("adding", function()
  test.it("months end where the month ends", function()
    expect(added("2024-01-31T10:00:00Z", { months = 1 })).is "2024-02-29T10:00:00Z"
    expect(added("2023-01-31T10:00:00Z", { months = 1 })).is "2023-02-28T10:00:00Z"
    expect(added("2024-02-29T10:00:00Z", { years = 1 })).is "2025-02-28T10:00:00Z"
    expect(added("2024-03-31T10:00:00Z", { months = -1 })).is "2024-02-29T10:00:00Z"
    expect(added("2024-01-31T10:00:00Z", { months = 13 })).is "2025-02-28T10:00:00Z"
    expect(added("2024-01-31T10:00:00Z", { months = -14 })).is "2022-11-30T10:00:00Z"
    expect(added("2024-01-31T10:00:00Z", { months = 1, days = 1 })).is "2024-03-01T10:00:00Z"
  end)

  test.it("a day is as long as clocks make it, hours are hours", function()
    expect(added("2026-03-28T12:00:00", { days = 1 }, BERLIN)).is "2026-03-29T12:00:00+02:00"
    expect(added("2026-03-28T12:00:00", { hours = 24 }, BERLIN)).is "2026-03-29T13:00:00+02:00"
    expect(added("2026-10-24T12:00:00", { days = 1 }, BERLIN)).is "2026-10-25T12:00:00+01:00"
    expect(added("2026-10-24T12:00:00", { hours = 24 }, BERLIN)).is "2026-10-25T11:00:00+01:00"
    expect(added("2026-03-28T12:00:00", { weeks = 1 }, NEW_YORK)).is "2026-04-04T12:00:00-04:00"
  end)

  test.it("a time that clocks skip goes on behind the gap, one of two is the first", function()
    expect(added("2026-03-28T02:30:00", { days = 1 }, BERLIN)).is "2026-03-29T03:30:00+02:00"
    expect(added("2026-02-28T02:30:00", { months = 1, days = 1 }, BERLIN)).is "2026-03-29T03:30:00+02:00"
    expect(added("2026-10-24T02:30:00", { days = 1 }, BERLIN)).is "2026-10-25T02:30:00+02:00"
    expect(added("2026-11-24T02:30:00", { months = -1, days = 1 }, BERLIN)).is "2026-10-25T02:30:00+01:00"
  end)

  test.it("nothing moves a time", function()
    local second = at "2026-10-25T02:30:00+01:00" -- the second of two
    expect(date.add(second, {}, { zone = BERLIN })).is(second)
    expect(date.add(second, { days = 0, months = 0 }, { zone = BERLIN })).is(second)
    expect(math.type(date.add(5, { days = 1, seconds = 2 }))).is "integer"
    expect(date.add(0.5, { seconds = 0.25 })).is(0.75)
  end)

  test.it("what leads out of all years is refused", function()
    for _, amounts in ipairs { { years = 9000 }, { months = -30000 }, { days = 4000000 }, { hours = 1e300 },
      { seconds = 0 / 0 }, { seconds = -1 / 0 }, { years = 1 << 60 }, { days = math.mininteger },
      { years = 1000000000000, months = -12000000000000 + 1 } } do
      refused("INVALID", "0000 to 9999", date.add(0, amounts))
    end
  end)
end)

test.describe("a difference", function()
  test.it("in the units of calendars", function()
    local function between(from, to, options)
      local d = date.difference(at(from), at(to), options)
      return ("%d %d %d %d %d %d %g"):format(d.years, d.months, d.weeks, d.days, d.hours, d.minutes,
        d.seconds)
    end
    expect(between("2024-01-31T00:00:00Z", "2025-03-01T12:30:15.5Z")).is "1 1 0 1 12 30 15.5"
    expect(between("2025-03-01T12:30:15Z", "2024-01-31T00:00:00Z")).is "-1 -1 0 -1 -12 -30 -15"
    expect(between("2024-01-01T00:00:00Z", "2024-01-31T23:59:59Z", { largest = "weeks" }))
      .is "0 0 4 2 23 59 59"
    expect(between("2024-01-01T00:00:00Z", "2026-01-01T00:00:00Z", { largest = "days" })).is "0 0 0 731 0 0 0"
    expect(between("2024-01-01T00:00:00Z", "2024-01-03T00:30:00Z", { largest = "hours" }))
      .is "0 0 0 0 48 30 0"
    expect(between("2024-01-01T00:00:00Z", "2024-01-01T01:00:30Z", { largest = "minutes" }))
      .is "0 0 0 0 0 60 30"
    expect(between("2024-01-01T00:00:00Z", "2024-01-01T01:00:30Z", { largest = "seconds" }))
      .is "0 0 0 0 0 0 3630"
    expect(between("2023-01-01T00:00:00Z", "2025-12-01T00:00:00Z", { largest = "months" }))
      .is "0 35 0 0 0 0 0"
    expect(between("2026-03-28T11:00:00Z", "2026-03-29T10:00:00Z", { zone = BERLIN })).is "0 0 0 1 0 0 0"
    expect(between("2026-03-28T11:00:00Z", "2026-03-29T10:00:00Z")).is "0 0 0 0 23 0 0"
    expect(between("2024-05-01T00:00:00Z", "2024-05-01T00:00:00Z")).is "0 0 0 0 0 0 0"
  end)

  test.it("added again leads to the other time, and has one sign", function()
    math.randomseed(7)
    local units = { "years", "months", "weeks", "days", "hours", "minutes", "seconds" }
    for _ = 1, 4000 do
      local zone = ({ BERLIN, NEW_YORK, "UTC", "Australia/Lord_Howe", "Pacific/Apia" })[math.random(5)]
      local from = math.random(-2000000000, 4000000000)
      local to = from + math.random(-1, 1) * math.random(0, 10 ^ math.random(1, 9) // 1)
      if math.random(4) == 1 then from, to = from + 0.25, to + 0.5 end
      local options = { zone = zone, largest = units[math.random(7)] }
      local parts = date.difference(from, to, options)
      expect(date.add(from, parts, { zone = zone })).is(to)
      for unit, value in pairs(parts) do
        if value * (to - from) < 0 then error(unit .. " has the other sign") end
        if unit ~= "seconds" and math.type(value) ~= "integer" then error(unit .. " is no integer") end
      end
    end
  end)
end)

test.describe("the start", function()
  local function start(text, unit, zone, options)
    options = options or {}
    options.zone = zone
    return show(date.start_of(at(text, zone), unit, options), zone)
  end

  test.it("of a day, a week, a month, a year in a zone", function()
    expect(start("2026-03-29T12:00:00", "day", BERLIN)).is "2026-03-29T00:00:00+01:00"
    expect(start("2026-03-29T12:00:00", "week", BERLIN)).is "2026-03-23T00:00:00+01:00"
    local sunday, saturday = { week_starts = "sunday" }, { week_starts = "saturday" }
    expect(start("2026-03-29T12:00:00", "week", BERLIN, sunday)).is "2026-03-29T00:00:00+01:00"
    expect(start("2026-03-29T12:00:00", "week", BERLIN, saturday)).is "2026-03-28T00:00:00+01:00"
    expect(start("2026-08-31T12:00:00", "month", BERLIN)).is "2026-08-01T00:00:00+02:00"
    expect(start("2026-08-31T12:00:00", "year", BERLIN)).is "2026-01-01T00:00:00+01:00"
    expect(start("1969-12-31T23:59:59Z", "day", "UTC")).is "1969-12-31T00:00:00Z"
    expect(start("1969-12-28T23:59:59.5Z", "week", "UTC")).is "1969-12-22T00:00:00Z"
  end)

  test.it("of a day without midnight is when clocks go on", function()
    expect(start("2018-11-04T12:00:00", "day", "America/Sao_Paulo")).is "2018-11-04T01:00:00-02:00"
    expect(start("1919-03-31T12:00:00", "day", "America/Toronto")).is "1919-03-31T00:30:00-04:00"
    -- 30 December 2011 was left out
    expect(start("2012-01-01T12:00:00", "week", "Pacific/Apia", { week_starts = "friday" }))
      .is "2011-12-31T00:00:00+14:00"
  end)

  test.it("of a day with two midnights is the first", function()
    expect(start("2023-11-05T12:00:00", "day", "America/Havana")).is "2023-11-05T00:00:00-04:00"
    expect(start("2023-11-05T00:30:00-05:00", "day", "America/Havana")).is "2023-11-05T00:00:00-04:00"
  end)
end)

test.describe("relative", function()
  local now = at "2026-03-29T12:00:00Z"
  local function told(seconds, language)
    return date.relative(now + seconds, { now = now, language = language })
  end

  test.it("in English", function()
    for seconds, text in pairs {
      [0] = "now", [-0.9] = "now", [0.9] = "now", [-1] = "1 second ago", [59] = "in 59 seconds",
      [-60] = "1 minute ago", [-300] = "5 minutes ago", [-359.9] = "5 minutes ago", [3600] = "in 1 hour",
      [-86399] = "23 hours ago", [-86400] = "1 day ago", [6 * 86400] = "in 6 days",
      [-7 * 86400] = "1 week ago",
      [-27 * 86400] = "3 weeks ago", [31 * 86400] = "in 1 month", [-365 * 86400] = "1 year ago",
      [-364 * 86400] = "11 months ago", [-729 * 86400] = "1 year ago", [-730 * 86400] = "2 years ago",
    } do
      expect(told(seconds, "en")).is(text)
    end
    expect(date.relative(os.time() - 3600)).is "1 hour ago"
  end)

  test.it("in German, whose days and years have a dative", function()
    expect(told(-86400, "de")).is "vor 1 Tag"
    expect(told(-172800, "de")).is "vor 2 Tagen"
    expect(told(2 * 366 * 86400, "de")).is "in 2 Jahren"
    expect(told(-60, "de-AT")).is "vor 1 Minute"
    expect(told(0, "de")).is "jetzt"
  end)

  test.it("in Polish, which has three plurals", function()
    for count, text in pairs {
      [1] = "1 minutę temu", [2] = "2 minuty temu", [4] = "4 minuty temu", [5] = "5 minut temu",
      [12] = "12 minut temu", [14] = "14 minut temu", [21] = "21 minut temu", [22] = "22 minuty temu",
      [25] = "25 minut temu", [52] = "52 minuty temu",
    } do
      expect(told(-60 * count, "pl")).is(text)
    end
    expect(told(2 * 3600, "pl")).is "za 2 godziny"
  end)

  test.it("in a language that the script adds", function()
    date.languages.fr = {
      plural = function(n) return n < 2 and "one" or "other" end, now = "maintenant",
      past = { minute = { one = "il y a {n} minute", other = "il y a {n} minutes, 100%{n}" } },
    }
    expect(told(-60, "fr-CA")).is "il y a 1 minute"
    expect(told(-120, "fr")).is "il y a 2 minutes, 100%2"
    expect(function() told(60, "fr") end).raises "fr has no text for future.minute.one"
    date.languages.fr.plural = nil
    expect(function() told(-60, "fr") end).raises "no function `plural`"
    refused("NOT_FOUND", 'has no "xx"', date.relative(0, { language = "xx" }))
    refused("NOT_FOUND", 'has no "', date.relative(0, { language = "-" }))
  end)
end)

test.describe("what our own modules are built on", function()
  local core = require "tidelock.date.core"
  test.it("holds numbers that are too far for a calendar for the last that are not", function()
    expect(core.days(math.maxinteger, 12, 31)).is(core.days(10 ^ 15 // 1 | 0, 12, 31))
    expect(core.days(math.mininteger, 1, 1)).is(core.days(-(10 ^ 15) // 1 | 0, 1, 1))
    expect(core.days(2024, 1, math.maxinteger)).is(core.days(2024, 1, 1000000))
    expect(core.days(2024, 1, math.mininteger)).is(core.days(2024, 1, -1000000))
    expect(core.days(2024, math.maxinteger, 1)).is(core.days(2024, 1000000, 1))
    expect((core.civil(math.maxinteger))).is((core.civil(366 * 10 ^ 15 // 1 | 0)))
  end)
end)

test.describe("what is misused", function()
  test.it("raises at the line of the caller", function()
    for word, call in pairs {
      ["parse: a text"] = function() date.parse(5) end,
      ["format: a time"] = function() date.format "2024" end,
      ["format: digits"] = function() date.format(0, { digits = 7 }) end,
      ["format: zone"] = function() date.format(0, { zone = 5 }) end,
      ["fields: a time"] = function() date.fields {} end,
      ["time: a table"] = function() date.time(5) end,
      ["add: a table"] = function() date.add(0, 5) end,
      ["add: days is a whole"] = function() date.add(0, { days = 1.5 }) end,
      ["add: hours is a number"] = function() date.add(0, { hours = "1" }) end,
      ["did you mean \"days\""] = function() date.add(0, { day = 1 }) end,
      ["difference: a time"] = function() date.difference(0) end,
      ["difference: largest"] = function() date.difference(0, 1, { largest = "day" }) end,
      ["start_of: the unit"] = function() date.start_of(0, "hour") end,
      ["start_of: week_starts"] = function() date.start_of(0, "week", { week_starts = 1 }) end,
      ["relative: language"] = function() date.relative(0, { language = 5 }) end,
      ["relative: a time"] = function() date.relative(0, { now = "x" }) end,
      ["did you mean \"zone\""] = function() date.format(0, { zon = BERLIN }) end,
    } do
      expect(call).raises(word)
      expect(call).raises "date_test.lua"
    end
  end)
end)
