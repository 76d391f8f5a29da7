-- tidelock.outbox: what a script has to tell servers, kept on the disk until it is done. See docs/outbox.md.
--
--   local say = outbox.define("say", { repeats = "key", send = function(args)
--     return api:post("/messages", { json = args })
--   end })
--   local entry, err = say { text = "hi" }   -- durable when it returns
--
-- The entries are in runtime/data/outbox.c, the tasks that send them in runtime/resource/outbox.c; what
-- becomes of an entry is decided in outbox/plan.lua.
local checks = require "tidelock.options.core"
local core = require "tidelock.outbox.core"
local errors = require "tidelock.errors"
local http_core = require "tidelock.http.core"
local log = require "tidelock.log"
local plan = require "tidelock.outbox.plan"
local response = require "tidelock.http.response"
local script = require "tidelock.script"
local send = require "tidelock.outbox.send"
local shown = require "tidelock.outbox.shown"

---@type tidelock.outbox see meta/outbox.lua
local M = {}

local box -- of this script's outbox, once something is defined
local definitions, told = {}, {}
local boot_id, process = core.process()

-- --- definitions ----------------------------------------------------------------------------

local known = { "send", "lane", "repeats", "key_lifetime", "version", "migrate", "lookup", "attempts",
  "expires", "on", "apply", "settle" }
local types = { send = "function", lane = "function", repeats = "string", key_lifetime = "number",
  version = "number", migrate = "function", lookup = "function", attempts = "number", expires = "number",
  on = "function", apply = "function", settle = "function" }
local numbers = { key_lifetime = { above = true }, version = { whole = true, least = 1 },
  attempts = { whole = true, least = 1 }, expires = { above = true } }
local repeating = { safe = true, key = true, never = true }
local default_key_lifetime = 86400

local function misuse(fmt, ...) error("outbox.define: " .. fmt:format(...), 0) end

local function check_types(options)
  if type(options) ~= "table" then misuse("it takes a table of options, not a %s", type(options)) end
  checks.check("outbox.define", options, known)
  for name, want in pairs(types) do
    local value = options[name]
    if value ~= nil and type(value) ~= want then
      misuse("%s must be a %s, not a %s", name, want, type(value))
    end
    local problem = value ~= nil and numbers[name] and checks.number_problem(value, numbers[name])
    if problem then misuse("%s: it %s", name, problem) end
  end
end

local function read_definition(name, options)
  if type(name) ~= "string" or not name:find "^[%w_.-]+$" then
    misuse("a name has letters, digits and _.-, unlike %s", checks.cut(name))
  end
  if definitions[name] then misuse("%s is defined already", name) end
  check_types(options)
  if not options.send then misuse("%s needs a function `send`", name) end
  if not repeating[options.repeats] then
    misuse('%s must say repeats = "safe", "key" or "never": what may happen if it is sent twice', name)
  end
  if (options.on == nil) ~= (options.apply == nil) or options.settle and not options.apply then
    misuse("%s: `on` says which stores `apply` changes: give both, or neither (and no `settle`)", name)
  end
  local definition = { name = name }
  for _, option in ipairs(known) do definition[option] = options[option] end
  definition.version = math.tointeger(options.version or 1)
  definition.key_lifetime = options.key_lifetime or default_key_lifetime
  return definition
end

-- --- entries --------------------------------------------------------------------------------

local Entry = {}
Entry.__index = Entry
Entry.__name = "entry"

local function now()
  local wall, boot = core.clocks()
  return { wall = wall, boot = boot, boot_id = boot_id, process = process, script = script.generation }
end

local function make_entry(row)
  return setmetatable({ id = row.id, time = row.time, name = row.name }, Entry)
end

local function gone(id)
  return nil, errors.new { code = "NOT_FOUND", message = ("there is no entry %s: it is done or was discarded")
    :format(checks.cut(id)) }
end

local function find(id)
  local seq = type(id) == "string" and box and core.find(box, id)
  return seq and core.entry(box, seq) or nil
end

local function refuse(row, what, why)
  local message = ("the entry %s of %s cannot be %s: %s"):format(row.id, row.name, what, why)
  return nil, errors.new { code = "BUSY", message = message }
end

local function is_sent_now(row) return row.first and row.busy end

-- The key of what is sent from now on is another: it is another intent.
local function fresh_note(note)
  return { key = core.new_id(), attempts = 0, waits = 0, was = note.reason }
end

--- Tries an entry again: a dead one under a new key, another one under its own, whatever its key's age.
function M.retry(id)
  local row = find(id)
  if not row then return gone(id) end
  if is_sent_now(row) then return refuse(row, "retried", "it is being sent") end
  local note = row.note
  if row.state == plan.dead then note = fresh_note(note) end
  note.forced = note.sent_at and true or nil
  local state = row.state == plan.dead and plan.waiting or note.sent_at and plan.unknown or plan.waiting
  local pending = core.set(box, row.seq, state, note)
  if row.first then core.go_on(box, row.seq) end
  local done, err = pending:wait()
  if not done then return nil, err end
  return make_entry(row)
end

--- Gives an entry other arguments, and a new key.
function M.edit(id, args)
  local row = find(id)
  if not row then return gone(id) end
  if is_sent_now(row) then return refuse(row, "edited", "it is being sent") end
  if row.state == plan.unknown or row.note.sent_at and row.state == plan.held then
    return refuse(row, "edited", "it was sent, and may have arrived")
  end
  local definition = definitions[row.name]
  local edited, err = core.edit(box, row.seq, args, definition and definition.version or row.version)
  if not edited then return nil, err end
  if definition and definition.apply then shown.show(definition, row, args) end
  local pending = core.set(box, row.seq, plan.waiting, fresh_note(row.note))
  if row.first then core.go_on(box, row.seq) end
  local done, why = pending:wait()
  if not done then return nil, why end
  return make_entry(row)
end

--- Takes an entry out.
function M.discard(id)
  local row = find(id)
  if not row then return gone(id) end
  if is_sent_now(row) then return refuse(row, "discarded", "it is being sent") end
  core.drop(box, row.seq)
  shown.take_out(row.id)
  return true
end

function Entry:retry() return M.retry(self.id) end
function Entry:edit(args) return M.edit(self.id, args) end
function Entry:discard() return M.discard(self.id) end

--- The idempotency key, or another one that is derived from it.
function Entry:key(label)
  if label ~= nil and (type(label) ~= "string" or not label:find "^[%w_.-]+$") then
    error("entry:key takes a label of letters, digits and _.-", 2)
  end
  local row = find(self.id)
  return send.key_of(row and row.note or {}, self.id, label)
end

--- Waits until the entry is on the disk.
function Entry:await()
  local pending = self.pending
  if not pending then return self end
  local written, err = pending:wait()
  if not written then return nil, err end
  self.pending = nil
  return self
end

checks.strict("an entry", Entry, "method")

-- --- what waits -----------------------------------------------------------------------------

local function describe(row, blocked)
  local state, reason = plan.states[row.state], row.note.reason
  if blocked and row.state ~= plan.dead and row.state ~= plan.held then
    state = "held"
    reason = { code = "BEHIND", message = "an entry before it in its lane waits for a decision",
      entry = blocked }
  end
  return { id = row.id, name = row.name, lane = row.lane:sub(2), state = state, time = row.time,
    version = row.version, attempts = row.note.attempts or 0, reason = reason }
end

--- What waits, in the order in which it was entered; at most `limit`, or 1,000.
function M.list(options)
  checks.check("outbox.list", options, { "limit" })
  local limit = options and options.limit or 1000
  local problem = checks.number_problem(limit, { whole = true, least = 1 })
  if problem then error("outbox.list: limit: it " .. problem, 2) end
  local list, blocked = {}, {}
  local seq = box and core.after(box, 0)
  while seq and #list < limit do
    local row = core.entry(box, seq)
    list[#list + 1] = describe(row, blocked[row.lane])
    if row.state == plan.dead or row.state == plan.held then
      blocked[row.lane] = blocked[row.lane] or row.id
    end
    seq = core.after(box, seq)
  end
  return list
end

--- How many entries there are.
function M.count() return box and core.count(box) or 0 end

-- --- sending --------------------------------------------------------------------------------

local function tell(level, row, fmt, ...)
  log[level](("outbox: %s %s: %s"):format(row.name, row.id, fmt:format(...)))
end

-- What settles an entry goes from one version of the script to the next: plain data alone.
local function plain_result(value)
  if not response.is(value) then return value end
  local ok, decoded = pcall(value.json, value)
  return { status = value.status, headers = value.headers, body = ok and decoded or value.body }
end

local function plain_error(err)
  if type(err) ~= "table" then return { code = "REJECTED", message = tostring(err) } end
  local status = math.type(err.status) and math.tointeger(err.status)
  return { code = tostring(err.code or "REJECTED"), message = tostring(err.message or "refused"),
    status = status, sent = err.sent, retry_after = tonumber(err.retry_after) }
end

local function refused_by(res)
  local after = http_core.retry_after(res.headers["retry-after"], res.headers.date)
  return { err = { code = "HTTP", message = ("the server answered with %d"):format(res.status),
    status = res.status, retry_after = after,
    body = type(res.body) == "string" and res.body:sub(1, 500) or nil } }
end

local nothing = "`send` returned nothing: it must return the answer, or nil and an error"

local function read_outcome(ok, value, err)
  if not ok then
    if type(value) == "table" and (value.code == "CANCELLED" or value.code == "RELOADED") then
      return { err = plain_error(value) }
    end
    return { raised = tostring(value), script = script.generation }
  end
  if response.is(value) and value.status >= 300 then return refused_by(value) end
  if value == nil and err ~= nil then return { err = plain_error(err) } end
  if not value and err == nil then return { raised = nothing, script = script.generation } end
  return { ok = true, result = plain_result(value) }
end

local function args_of(row, definition)
  local args, err = core.args(box, row.seq)
  if err then return nil, plain_error(err) end
  if row.version == definition.version then return args end
  if not definition.migrate then
    local fmt = "it is of version %d, and there is no `migrate` to make version %d of it"
    return nil, { code = "SCRIPT", message = fmt:format(row.version, definition.version) }
  end
  local ok, fresh = pcall(definition.migrate, args, row.version)
  if not ok then return nil, { code = "SCRIPT", message = "migrate: " .. tostring(fresh) } end
  return fresh == nil and args or fresh
end

-- Asks whether the server has it already. Returns an outcome, or nil: it has not.
local function look_up(definition, args, entry)
  local ok, value, err = pcall(definition.lookup, args, entry)
  if ok and value == false and err == nil then return nil end
  if ok and value == nil and err == nil then return nil end
  local outcome = read_outcome(ok, value, err)
  if outcome.err then outcome.err.sent = "unknown" end
  return outcome
end

-- It is durable that it is being sent before the first byte is.
local function mark(row)
  local note, at = row.note, now()
  if not note.sent_at then
    note.sent_at, note.sent_boot, note.boot, note.process = at.wall, at.boot, at.boot_id, at.process
  end
  return core.set(box, row.seq, plan.sending, note):wait()
end

local function run(seq)
  local row = core.entry(box, seq)
  local definition = definitions[row.name]
  local what = plan.before(row, definition, now())
  if what.what ~= "send" and what.what ~= "lookup" then return { plan = what } end
  local args, problem = args_of(row, definition)
  if problem then return { plan = { what = "hold", reason = problem, script = script.generation } } end
  local entry = make_entry(row)
  if what.what == "lookup" then
    local outcome = look_up(definition, args, entry)
    if outcome then return outcome end
    row.note.sent_at = nil -- the server has not got it
  end
  local fresh = not row.note.sent_at
  local marked, err = mark(row)
  if not marked then return { err = { code = err.code, message = err.message, sent = "no" } } end
  send.begin_attempt(seq, fresh)
  local outcome = read_outcome(pcall(definition.send, args, entry))
  send.end_attempt(seq)
  return outcome
end

-- --- what becomes of it ---------------------------------------------------------------------

local function tell_once(row, why)
  if told[row.name] then return end
  told[row.name] = true
  tell("warn", row, "%s; it waits", why.message)
end

local ends = {}

function ends.done(row, what, definition)
  local args = definition and definition.apply and args_of(row, definition)
  if args == nil then return core.finish(box, row.seq) end
  shown.settle(definition, row, args, what.result, function() core.finish(box, row.seq) end)
end

function ends.stop(row, what)
  if what.tell then tell_once(row, what.reason) end
  core.stop(box, row.seq)
end

local function put(row, state, what)
  local note = row.note
  note.reason, note.attempts = what.reason, what.attempts or note.attempts
  note.waits, note.script = what.waits or note.waits, what.script
  core.set(box, row.seq, state, note)
end

-- Nothing was sent: the key's age begins with what is.
function ends.wait(row, what)
  if what.state == plan.waiting and what.reason.sent == "no" and (row.note.attempts or 0) == 0 then
    row.note.sent_at = nil
  end
  put(row, what.state, what)
  core.go_on(box, row.seq, what.seconds)
  tell(what.waits == 1 and "info" or "debug", row, "%s; again in %.1f s", what.reason.message, what.seconds)
end

function ends.hold(row, what)
  put(row, plan.held, what)
  core.stop(box, row.seq)
  tell("error", row, "it is held: %s", what.reason.message)
end

function ends.dead(row, what)
  put(row, plan.dead, what)
  core.stop(box, row.seq)
  tell("error", row, "it is refused for good: %s; what follows it in its lane is held", what.reason.message)
end

local function ended(seq, outcome)
  local row = core.entry(box, seq)
  if not row then return end
  local definition = definitions[row.name]
  local what = plan.after(row, definition, outcome, http_core.share())
  row.note.forced = nil
  ends[what.what](row, what, definition)
end

-- What waits is shown: after a restart as before.
local function begin()
  local seq = core.after(box, 0)
  while seq do
    local row = core.entry(box, seq)
    local definition = definitions[row.name]
    if definition and definition.apply and row.version <= definition.version then
      local args = args_of(row, definition)
      if args ~= nil then shown.show(definition, row, args) end
    end
    seq = core.after(box, seq)
  end
end

-- --- mutations ------------------------------------------------------------------------------

local Mutation = {}
Mutation.__index = Mutation
Mutation.__name = "mutation"

local function lane_of(definition, args)
  if not definition.lane then return "" end
  local lane = definition.lane(args)
  if lane == nil then return "" end
  if type(lane) == "number" then lane = tostring(lane) end
  if type(lane) ~= "string" or #lane > 200 or lane:find "%z" then
    error(("the lane of %s is a text of at most 200 bytes, or a number"):format(definition.name), 0)
  end
  return "=" .. lane
end

local function enter(definition, args)
  local lane = lane_of(definition, args)
  if definition.apply then shown.targets(definition, args) end
  local id, time = core.new_id()
  local seq, pending = core.enter(box, id, definition.name, lane, definition.version, time, args)
  if not seq and pending.code == "INVALID" then
    error(("%s: its arguments must be plain data: %s"):format(definition.name, pending.message), 0)
  end
  if not seq then return nil, pending end
  local entry = { id = id, time = time, name = definition.name, pending = pending }
  if definition.apply then entry.pending = shown.enter(definition, entry, args, pending) end
  return setmetatable(entry, Entry)
end

--- Enters it, and returns the entry at once.
function Mutation:post(args) return enter(self.definition, args) end

--- Enters it, and waits until that is on the disk.
function Mutation:__call(args)
  local entry, err = enter(self.definition, args)
  if not entry then return nil, err end
  return entry:await()
end

checks.strict("a mutation", Mutation, "method")

--- Declares a mutation of this script.
function M.define(name, options)
  local ok, definition = pcall(read_definition, name, options)
  if not ok then error(definition, 2) end
  if not box then
    box = core.declare(run, ended, begin)
    send.begin(box)
  end
  definitions[name] = definition
  if definition.apply then shown.define(definition) end
  return setmetatable({ definition = definition }, Mutation)
end

return checks.strict("tidelock.outbox", M)
