-- What becomes of an entry: decisions alone, from what is given, without an effect.
--
-- entry: as core.entry gives it; note: what is known of its attempts
--   { attempts, waits, key, reason, sent_at, sent_boot, boot, process, forced, script }
-- now: { wall, boot, boot_id, process }
local http_status = require "tidelock.http.status"

local M = {}

M.states = { [0] = "waiting", "sending", "unknown", "held", "dead" }
M.waiting, M.sending, M.unknown, M.held, M.dead = 0, 1, 2, 3, 4

local first_wait, longest_wait, longest_asked = 1, 60, 86400 -- seconds
local doubtful = 60 -- seconds that two clocks may differ

--- Seconds since the entry was first sent under its key; nil: the clocks contradict each other.
function M.age(note, now)
  if not note.sent_at then return 0 end
  local by_wall, by_boot = now.wall - note.sent_at, now.boot - note.sent_boot
  if note.process == now.process then return by_boot end
  if note.boot == now.boot_id and math.abs(by_wall - by_boot) > doubtful then return nil end
  if by_wall < 0 then return nil end
  return note.boot == now.boot_id and by_boot or by_wall
end

local function reason(code, message, more)
  local why = { code = code, message = message }
  for name, value in pairs(more or {}) do why[name] = value end
  return why
end

-- Whether what may have been done may be done again.
local function may_repeat(definition, note, now)
  if note.forced or definition.repeats == "safe" then return true end
  if definition.repeats == "never" then
    return false, reason("UNKNOWN", "it was sent, and no answer is known: it may not be sent twice")
  end
  local age = M.age(note, now)
  if age and age <= definition.key_lifetime then return true end
  return false, reason("UNKNOWN", age and "it was sent, and no answer is known: its key is too old by now"
    or "it was sent, and no answer is known: the clocks differ, so the age of its key is not known")
end

local function is_expired(entry, definition, now)
  if not definition.expires or entry.state == M.unknown then return false end
  local age = now.wall - entry.time
  return age >= 0 and age > definition.expires
end

--- What to do with the first entry of a lane: { what = "send" | "lookup" | "hold" | "dead" | "stop", reason }
function M.before(entry, definition, now)
  local note, state = entry.note, entry.state
  if not definition then
    return { what = "stop", reason = reason("UNDEFINED", "no script defines this mutation"), tell = true }
  elseif entry.version > definition.version then
    local text = ("it is of version %d, newer than %d"):format(entry.version, definition.version)
    return { what = "stop", tell = true, reason = reason("UNDEFINED", text) }
  elseif state == M.dead then
    return { what = "stop" }
  elseif state == M.held then
    local mended = note.reason and note.reason.code == "SCRIPT" and note.script ~= now.script
    if not mended then return { what = "stop" } end
    if not note.sent_at then return { what = "send" } end
  elseif is_expired(entry, definition, now) then
    local text = ("it waited for more than %g s"):format(definition.expires)
    return { what = "dead", reason = reason("EXPIRED", text) }
  elseif state == M.waiting then
    return { what = "send" }
  end
  if definition.lookup and not note.forced then return { what = "lookup" } end
  local fine, why = may_repeat(definition, note, now)
  return fine and { what = "send" } or { what = "hold", reason = why }
end

local function pause(number, share)
  return math.min(longest_wait, first_wait * 2 ^ (number - 1)) * (0.5 + share / 2)
end

-- Statuses after which nothing was done.
local not_done = { [425] = true, [429] = true, [503] = true }
-- Errors after which nothing was sent, and those that will be the same each time.
local unsent = { NOT_CONNECTED = true, BUFFER_FULL = true, BACKPRESSURE = true, UNAVAILABLE = true,
  DNS = true, CONNECT = true, BUSY = true }
local in_vain = { INVALID = true, URL = true, DENIED = true, TOO_LARGE = true, DECODE = true,
  UNSUPPORTED = true }
-- Errors after which it is not known whether it was done.
local lost = { TIMEOUT = true, RESET = true, CLOSED = true, CANCELLED = true, RELOADED = true, ABORTED = true,
  PROXY = true, TLS = true, IO = true, PROTOCOL = true, HANDSHAKE = true, EXPIRED = true, TEST_CLOCK = true }

-- Counts an attempt, and waits; or it was the last that is allowed.
local function again(entry, definition, why, share, state, counted)
  local attempts = (entry.note.attempts or 0) + (counted and 1 or 0)
  if definition.attempts and attempts >= definition.attempts then
    return { what = "dead", reason = why, attempts = attempts }
  end
  local waits = (entry.note.waits or 0) + 1
  local named = why.retry_after and math.min(why.retry_after, longest_asked)
  return { what = "wait", state = state, seconds = math.max(named or 0, pause(waits, share)), reason = why,
    attempts = attempts, waits = waits }
end

local function after_status(entry, definition, err, share)
  local status, why = err.status, err
  if status == 401 then return again(entry, definition, why, share, M.waiting, false) end
  local twice = status == 409 and definition.repeats == "key" and (entry.note.attempts or 0) > 0
  if http_status.later[status] or status >= 500 or twice then
    local known = definition.repeats ~= "never" or not_done[status]
    return again(entry, definition, why, share, known and M.waiting or M.unknown, true)
  end
  return { what = "dead", reason = why, attempts = (entry.note.attempts or 0) + 1 }
end

local function after_error(entry, definition, err, share)
  if err.status then return after_status(entry, definition, err, share) end
  if err.sent == "no" and in_vain[err.code] then return { what = "dead", reason = err } end
  if err.sent == "no" or not err.sent and unsent[err.code] then
    return again(entry, definition, err, share, M.waiting, false)
  end
  if lost[err.code] or err.sent then return again(entry, definition, err, share, M.unknown, true) end
  return { what = "dead", reason = err, attempts = (entry.note.attempts or 0) + 1 }
end

--- What becomes of an entry that was sent. outcome: { ok, result } or { err } or { raised = text }, or nil:
--- its task was cut. share: 0 to 1, by chance. Returns { what = "done" | "wait" | "hold" | "dead", ... }.
function M.after(entry, definition, outcome, share)
  if outcome and outcome.plan then return outcome.plan end
  if outcome and outcome.ok then return { what = "done", result = outcome.result } end
  if outcome and outcome.raised then
    return { what = "hold", reason = reason("SCRIPT", outcome.raised), script = outcome.script }
  end
  local err = outcome and outcome.err or reason("CANCELLED", "what sent it was cut")
  return after_error(entry, definition or { repeats = "never" }, err, share)
end

return M
