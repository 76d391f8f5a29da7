-- Texts of times that are told relative to now, by language. `plural` gives the category of a whole
-- number, as Unicode CLDR has them: zero, one, two, few, many, other. Scripts may add languages.
local function one_or_other(n) return n == 1 and "one" or "other" end

local function slavic(n)
  if n == 1 then return "one" end
  local last, tens = n % 10, n % 100
  local few = last >= 2 and last <= 4 and (tens < 12 or tens > 14)
  return few and "few" or "many"
end

-- The texts of each unit: FORMS holds the words of the categories, PATTERN stands around one.
local function around(pattern, categories, units)
  local texts = {}
  for unit, forms in pairs(units) do
    texts[unit] = {}
    for i, category in ipairs(categories) do
      texts[unit][category] = pattern:format("{n} " .. forms[i])
    end
  end
  return texts
end

local function both(past, future, categories, units)
  return around(past, categories, units), around(future, categories, units)
end

local en = { plural = one_or_other, now = "now" }
en.past, en.future = both("%s ago", "in %s", { "one", "other" }, {
  second = { "second", "seconds" }, minute = { "minute", "minutes" }, hour = { "hour", "hours" },
  day = { "day", "days" }, week = { "week", "weeks" }, month = { "month", "months" },
  year = { "year", "years" },
})

local de = { plural = one_or_other, now = "jetzt" }
de.past, de.future = both("vor %s", "in %s", { "one", "other" }, {
  second = { "Sekunde", "Sekunden" }, minute = { "Minute", "Minuten" }, hour = { "Stunde", "Stunden" },
  day = { "Tag", "Tagen" }, week = { "Woche", "Wochen" }, month = { "Monat", "Monaten" },
  year = { "Jahr", "Jahren" },
})

local pl = { plural = slavic, now = "teraz" }
pl.past, pl.future = both("%s temu", "za %s", { "one", "few", "many" }, {
  second = { "sekundę", "sekundy", "sekund" }, minute = { "minutę", "minuty", "minut" },
  hour = { "godzinę", "godziny", "godzin" }, day = { "dzień", "dni", "dni" },
  week = { "tydzień", "tygodnie", "tygodni" }, month = { "miesiąc", "miesiące", "miesięcy" },
  year = { "rok", "lata", "lat" },
})

return { en = en, de = de, pl = pl }
