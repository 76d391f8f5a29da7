---@meta tidelock.date

---Reads and writes times as RFC 3339 has them, computes with calendars in time zones, and tells times
---relative to now. A time is a number of seconds since 1970 began, UTC, as `os.time()` has it; it may
---have a fraction. Zones are those of the system, by the names of the IANA: `"Europe/Berlin"`;
---besides `"UTC"` (the default), `"local"`, and offsets like `"+02:00"`.
---
---```lua
---local date = require "tidelock.date"
---
---local berlin = { zone = "Europe/Berlin" }
---local saturday = date.parse "2026-03-28T12:00:00+01:00"
---print(date.format(date.add(saturday, { days = 1 }, berlin), berlin))
---print(date.format(date.start_of(saturday, "week", berlin), berlin))
---print(date.relative(saturday, { now = saturday + 300, language = "de" }))
---local seconds, err = date.parse "2026-02-29T12:00:00Z"
---print(seconds, err.code)
---```
---```text
---2026-03-29T12:00:00+02:00
---2026-03-23T00:00:00+01:00
---vor 5 Minuten
---nil	DECODE
---```
---@class tidelock.date
---@field languages table<string, tidelock.date.Language> the texts of `relative`, by language; scripts may add some. There are `en`, `de` and `pl`
local date = {}

---In which zone. Other names raise.
---@class tidelock.date.InZone
---@field zone? string its name. Default: `"UTC"`

---How `parse` reads. Other names raise.
---@class tidelock.date.ParseOptions
---@field zone? string the zone of a text that has no offset. Default: such a text is refused

---How `format` writes. Other names raise.
---@class tidelock.date.FormatOptions
---@field zone? string in which zone. Default: `"UTC"`
---@field digits? integer digits of the fraction, 0 to 6; what is beyond is cut off. Default: as many as are needed

---How `difference` counts. Other names raise.
---@class tidelock.date.DifferenceOptions
---@field zone? string by the clocks of which zone. Default: `"UTC"`
---@field largest? "years"|"months"|"weeks"|"days"|"hours"|"minutes"|"seconds" the largest unit. Default: `"years"`

---What a week is. Other names raise.
---@class tidelock.date.StartOptions
---@field zone? string in which zone. Default: `"UTC"`
---@field week_starts? "monday"|"tuesday"|"wednesday"|"thursday"|"friday"|"saturday"|"sunday" the first day of a week. Default: `"monday"`, as ISO 8601 has it

---How `relative` tells. Other names raise.
---@class tidelock.date.RelativeOptions
---@field now? number the time that it is relative to. Default: `os.time()`
---@field language? string a key of `date.languages`; of `"de-AT"` the part `"de"` counts where there is no more. Default: `"en"`
---@field zone? string by whose calendar months and years are counted. Default: `"UTC"`

---How much to add. Other names raise. Years, months, weeks and days are whole numbers.
---@class tidelock.date.Amounts
---@field years? integer years of the calendar
---@field months? integer months of the calendar
---@field weeks? integer seven days each
---@field days? integer days as clocks have them: one on which they change has 23 or 25 hours
---@field hours? number 3600 seconds each
---@field minutes? number 60 seconds each
---@field seconds? number seconds

---A difference. All that is not 0 has one sign.
---@class tidelock.date.Parts
---@field years integer years of the calendar
---@field months integer months of the calendar
---@field weeks integer 0 unless weeks are the largest unit
---@field days integer days as clocks have them
---@field hours integer 3600 seconds each
---@field minutes integer 60 seconds each
---@field seconds number the rest, with its fraction

---A time, as a clock and a calendar show it.
---@class tidelock.date.Fields
---@field year integer 0 to 9999
---@field month integer 1 to 12
---@field day integer 1 to 31
---@field hour integer 0 to 23
---@field minute integer 0 to 59
---@field second number 0 to less than 60, with its fraction
---@field weekday integer 1, Monday, to 7, Sunday
---@field yearday integer 1 to 366
---@field offset integer seconds east of UTC
---@field dst boolean whether it is summer time
---@field zone string the short name of the zone at that time, like `CEST`

---The texts of a language. In each `{n}` stands for the number. The keys below `past` and `future` are
---second, minute, hour, day, week, month, year; below them, the categories that `plural` gives.
---@class tidelock.date.Language
---@field plural fun(n: integer): string the plural category of a number, as Unicode CLDR has them: `zero`, `one`, `two`, `few`, `many` or `other`
---@field now string for less than a second
---@field past table<string, table<string, string>> like `past.minute.other = "{n} minutes ago"`
---@field future table<string, table<string, string>> like `future.minute.other = "in {n} minutes"`

---Reads a time of RFC 3339: `2024-05-01T12:30:00.25+02:00`. The `T` may be a space. A leap second, `:60`
---at the end of a month, becomes the second after it.
---@param text string the text
---@param options? tidelock.date.ParseOptions the zone of a text without an offset
---@return number? seconds the time; an integer where the text has no fraction
---@return tidelock.Error? err `DECODE`: no such time, and why; `NOT_FOUND`: no such zone
function date.parse(text, options) end

---Writes a time as RFC 3339 has it. In `"UTC"` it ends with `Z`, in other zones with the offset.
---@param seconds number the time
---@param options? tidelock.date.FormatOptions the zone, and how many digits
---@return string? text like `2024-05-01T14:30:00+02:00`
---@return tidelock.Error? err `INVALID`: not in the years 0000 to 9999; `NOT_FOUND`: no such zone
function date.format(seconds, options) end

---Splits a time into what clocks and calendars of a zone show.
---@param seconds number the time
---@param options? tidelock.date.InZone the zone
---@return tidelock.date.Fields? fields the parts
---@return tidelock.Error? err `INVALID`: not in the years 0000 to 9999; `NOT_FOUND`: no such zone
function date.fields(seconds, options) end

---Makes a time of its parts, the opposite of `fields`. Of a time that clocks show twice it takes the
---first; one that they skip counts on from before the gap.
---@param fields table `year`, `month` and `day`, and `hour`, `minute`, `second`, 0 by default; others are not looked at
---@param options? tidelock.date.InZone the zone
---@return number? seconds the time
---@return tidelock.Error? err `INVALID`: there is no such time; `NOT_FOUND`: no such zone
function date.time(fields, options) end

---Adds to a time: years and months first, then weeks and days, as clocks of the zone show them, then
---hours, minutes and seconds as they pass. A day that the month does not have becomes its last.
---@param seconds number the time
---@param amounts tidelock.date.Amounts what to add; negative numbers take away
---@param options? tidelock.date.InZone the zone
---@return number? seconds the other time
---@return tidelock.Error? err `INVALID`: not in the years 0000 to 9999; `NOT_FOUND`: no such zone
function date.add(seconds, amounts, options) end

---Says how far one time is from another. `date.add(from, difference)` in the same zone is `to` again.
---@param from number a time
---@param to number another; where it is earlier the parts are negative
---@param options? tidelock.date.DifferenceOptions the zone and the largest unit
---@return tidelock.date.Parts? difference its parts
---@return tidelock.Error? err `INVALID`: not in the years 0000 to 9999; `NOT_FOUND`: no such zone
function date.difference(from, to, options) end

---Gives the first instant of the day, week, month or year that a time lies in. Where clocks skip
---midnight it is the instant at which they go on.
---@param seconds number the time
---@param unit "day"|"week"|"month"|"year" of what
---@param options? tidelock.date.StartOptions the zone, and the first day of a week
---@return number? seconds the time of the start
---@return tidelock.Error? err `INVALID`: not in the years 0000 to 9999; `NOT_FOUND`: no such zone
function date.start_of(seconds, unit, options) end

---Tells a time relative to now: "5 minutes ago", "in 2 days". It is told in the largest unit of which
---one has passed in full.
---@param seconds number the time
---@param options? tidelock.date.RelativeOptions now, and the language
---@return string? text the text
---@return tidelock.Error? err `NOT_FOUND`: no such language or zone; `INVALID`: not in the years 0000 to 9999
function date.relative(seconds, options) end

return date
