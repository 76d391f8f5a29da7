-- Downloads: a body that is written to a file as it comes, and goes on where it was cut, in the same call or
-- in a later one (RFC 9110, 13.1.5 and 14). Beside the part of the file that is there lies what says which
-- version of the body it is of: nothing is ever put together from two versions.
local attempts = require "tidelock.http.attempts"
local core = require "tidelock.http.core"
local crypto = require "tidelock.crypto"
local errors = require "tidelock.errors"
local files = require "tidelock.fs.core"
local json = require "tidelock.json"
local log = require "tidelock.log"
local options_of = require "tidelock.http.options"
local response = require "tidelock.http.response"
local status = require "tidelock.http.status"
local task = require "tidelock.task"
local timer = require "tidelock.timer"
local urls = require "tidelock.http.url"

local M = {}

local much = 64 << 10 -- bytes: who brings so many has not failed in vain
local least_age = 60 -- seconds after which Last-Modified is a strong validator
local interval = 0.01 -- seconds between two calls of on_progress
local most_record = 16 << 10 -- bytes

-- --- options --------------------------------------------------------------------------------

local not_taken = { "method", "body", "json", "form", "multipart", "stream", "value", "expect", "decompress",
  "idempotency_key" }

local function check_file(options)
  local file, folder = options.file, options.folder
  if type(file) ~= "string" or file == "" or file:find "/$" then
    options_of.misuse("download needs a file: the path that the body is written to")
  end
  if folder ~= nil and getmetatable(folder) ~= "folder" then
    options_of.misuse("the folder of a download must be what fs.folder gave, not a %s", type(folder))
  end
  if options.resume ~= nil and type(options.resume) ~= "boolean" then
    options_of.misuse("resume must be a boolean, not a %s", type(options.resume))
  end
end

local own_headers = { range = true, ["if-range"] = true }

local function check_headers(headers)
  for name in pairs(type(headers) == "table" and headers or {}) do
    if type(name) == "string" and own_headers[name:lower()] then
      options_of.misuse("the header %s of a download is its own: use resume", name)
    end
  end
end

-- The options of each of its requests.
local function request_options(url, options)
  local request = {}
  for name, value in pairs(options) do request[name] = value end
  for _, name in ipairs { "file", "folder", "resume", "on_progress", "max_body" } do request[name] = nil end
  request.url, request.method = url, "GET"
  request.stream, request.value, request.expect, request.decompress = true, false, false, false
  return request
end

local function merged(options, defaults, name)
  if options[name] ~= nil then return options[name] end
  return defaults[name]
end

--- Returns what is known of a download. `send(options)` sends a request. Raises misuse.
function M.plan(url, options, defaults, send)
  if type(options) ~= "table" then options_of.misuse "download takes a table of options, with its file" end
  for _, name in ipairs(not_taken) do
    if options[name] ~= nil then options_of.misuse("download has no option '%s'", name) end
  end
  check_file(options)
  check_headers(options.headers)
  local request = request_options(url, options)
  options_of.check("download", request, options_of.of_request)
  if options.on_progress ~= nil then options_of.of_request.on_progress("on_progress", options.on_progress) end
  local whole = urls.with_query(urls.join(defaults.base_url, url), defaults.query, options.query)
  local limit = merged(options, defaults, "timeout")
  return {
    request = request, send = send, url = whole, shown = urls.show(whole), file = options.file,
    folder = options.folder and options.folder.number or 1, resume = options.resume or false,
    part = options.file .. ".part", record = options.file .. ".part.json", source = crypto.sha256(whole),
    most = options.max_body, retries = merged(options, defaults, "retries") or attempts.standard_retries,
    deadline = limit and timer.now() + limit, on_progress = options.on_progress,
    size = 0, resumed = 0, place = {},
  }
end

-- --- what is there already ------------------------------------------------------------------

-- The record of the part, or nil where there is none that can be used.
local function read_record(d)
  local text = files.read(d.folder, d.record, most_record)
  local record = text and json.decode(text)
  if type(record) ~= "table" or record.source ~= d.source then return nil end
  if record.by ~= "etag" and record.by ~= "last-modified" then return nil end
  if type(record.validator) ~= "string" or record.validator:find "%c" then return nil end
  local total = record.total
  if total ~= nil and (math.type(total) ~= "integer" or total < 0) then return nil end
  return record
end

-- Finds out where it goes on. Returns true, or nil and why it may not.
local function look(d)
  local folder = files.folders()[d.folder]
  if not folder or not folder.write then return files.writer(d.folder, d.part, d.resume, d.place) end
  if not d.resume then return true end
  local info = files.stat(d.folder, d.part)
  local size = info and info.type == "file" and info.size or 0
  local record = size > 0 and read_record(d)
  if not record or record.total and size > record.total then return true end
  d.version, d.size, d.resumed = record, size, size
  return true
end

-- Notes of which version the next bytes are. Without a validator there is no record: then the part is of no
-- use to a later call.
local function write_record(d)
  if not d.resume then return true end
  local version = d.version
  if not version.validator then
    files.remove(d.folder, d.record)
    return true
  end
  return files.write(d.folder, d.record, (json.encode(version)))
end

-- --- answers --------------------------------------------------------------------------------

local function refuse(d, fmt, ...)
  return nil, errors.new { code = "PROTOCOL", sent = "yes",
    message = ("the download of %s is refused: %s"):format(d.shown, fmt:format(...)) }
end

-- What tells this version of the body from every other (RFC 9110, 8.8); only what is strong.
local function validator_of(headers)
  local tag = headers.etag
  if tag and tag:find '^"[^"%c]*"$' then return "etag", tag end
  local modified, date = core.date(headers["last-modified"] or ""), core.date(headers.date or "")
  if not modified or not date or date - modified < least_age then return nil end
  return "last-modified", headers["last-modified"]
end

local function whole_number(text)
  return text and #text <= 15 and text:find "^%d+$" and math.tointeger(tonumber(text)) or nil
end

-- It begins with the first byte of a version.
local function begin_anew(d, res)
  local by, validator = validator_of(res.headers)
  local total = whole_number(res.headers["content-length"])
  d.version = { source = d.source, by = by, validator = validator, total = total }
  d.anew, d.size, d.resumed, d.ends = true, 0, 0, total
  return true
end

-- Nothing of the part that is there can be used: the next request asks for all.
local function forget_part(d)
  d.version, d.size, d.resumed = nil, 0, 0
  if d.resume then files.remove(d.folder, d.record) end
end

-- A 206 goes on with the part only if it says so in every respect.
local function judge_range(d, res)
  local version, headers = d.version, res.headers
  local said = headers["content-range"] or ""
  local first, last, total = said:match "^%s*[Bb][Yy][Tt][Ee][Ss]%s+(%d+)%-(%d+)/([%d*]+)%s*$"
  first, last = whole_number(first), whole_number(last)
  local all = total ~= "*" and whole_number(total) or nil
  if not first or not last or total ~= "*" and not all then
    return refuse(d, "it has no range that can be read")
  end
  local tag = headers[version.by]
  if tag ~= version.validator and (tag or version.by == "etag") then return "changed" end
  if first ~= d.size or last < first or all and last >= all then
    return refuse(d, "the bytes %d to %d came, and those from %d on were asked for", first, last, d.size)
  end
  if version.total and all and all ~= version.total then
    return refuse(d, "it has %d bytes now, and had %d", all, version.total)
  end
  version.total = version.total or all
  if version.total and last >= version.total then
    return refuse(d, "the byte %d came, and it has %d", last, version.total)
  end
  d.ends = last + 1
  return true
end

-- 416: there is nothing behind the part. Then it is whole, or of another version.
local function judge_end(d, res)
  local said = res.headers["content-range"] or ""
  local total = whole_number(said:match "^%s*[Bb][Yy][Tt][Ee][Ss]%s+%*/(%d+)%s*$")
  local tag = res.headers[d.version.by]
  local same = tag == nil or tag == d.version.validator
  return same and total == d.size and (d.version.total or total) == total and "whole" or "changed"
end

-- Returns true: the body follows; "whole": there is no more; "changed": what is there is of another version;
-- or nil and an error.
local function judge(d, res)
  local asked = d.size > 0
  if res.status == 200 then return begin_anew(d, res) end
  if asked and res.status == 206 then return judge_range(d, res) end
  if asked and res.status == 416 then return judge_end(d, res) end
  if res.status == 206 then return refuse(d, "a part of it came, and all was asked for") end
  response.keep_excerpt(res)
  return nil, status.refuse("GET", res)
end

-- --- writing --------------------------------------------------------------------------------

local function too_large(d, size)
  return nil, errors.new { code = "TOO_LARGE", sent = "yes",
    message = ("the body of %s has %d bytes, and at most %d may be written"):format(d.shown, size, d.most) }
end

local function open_file(d)
  if d.place.file then return true end
  local size, err = files.writer(d.folder, d.resume and d.part or d.file, d.resume, d.place)
  if not size then return nil, err end
  if d.anew or size == d.size then return true end
  return nil, errors.new { code = "BUSY", sent = "yes",
    message = ("%s has changed while it was asked for more of it"):format(d.part) }
end

-- Before the first byte of a version is written the bytes of another are gone, and the record is there.
local function prepare(d)
  local total = d.version.total
  if d.most and total and total > d.most then return too_large(d, total) end
  local ok, err = open_file(d)
  if not ok then return nil, err end
  if not d.anew then return true end
  ok, err = files.empty(d.place.file)
  if ok then ok, err = write_record(d) end
  d.anew = nil
  return ok, err
end

local function tell(d, last)
  local now = timer.now()
  if not d.on_progress or d.told == d.size or not last and now - (d.told_at or 0) < interval then return end
  d.told, d.told_at = d.size, now
  task.spawn(d.on_progress, d.size, d.version.total)
end

-- Takes what comes; true where the body has ended. The error of the disk has `final` set.
local function take_body(d, res)
  while true do
    local piece, err = res:read()
    if err then return nil, err end
    if not piece then return true end
    if d.ends and d.size + #piece > d.ends then
      local _, why = refuse(d, "more bytes came than were announced")
      return nil, why, true
    end
    if d.most and d.size + #piece > d.most then
      local _, why = too_large(d, d.size + #piece)
      return nil, why, true
    end
    local ok, why = files.put(d.place.file, piece)
    if not ok then return nil, why, true end
    d.size = d.size + #piece
    tell(d)
  end
end

-- The whole body is there.
local function finish(d, res)
  local ok, err = open_file(d)
  if ok then ok, err = files.keep(d.place.file, d.resume and d.file or nil) end
  if not ok then return nil, err end
  if d.resume then files.remove(d.folder, d.record) end
  tell(d, true)
  return { status = res.status, headers = res.headers, url = res.url, version = res.version, file = d.file,
    bytes = d.size, resumed = d.resumed }
end

-- --- attempts -------------------------------------------------------------------------------

local function late(d)
  return errors.new { code = "TIMEOUT", phase = "body", sent = "yes",
    message = ("the time for the download of %s was up"):format(d.shown) }
end

local function ask(d)
  local request = {}
  for name, value in pairs(d.request) do request[name] = value end
  if d.deadline then
    request.timeout = d.deadline - timer.now()
    if request.timeout <= 0 then return nil, late(d) end
  end
  if d.size > 0 then
    request.headers = {}
    for name, value in pairs(d.request.headers or {}) do request.headers[name] = value end
    request.headers.Range = ("bytes=%d-"):format(d.size)
    request.headers["If-Range"] = d.version.validator
  end
  return d.send(request)
end

local function cut_short(d)
  return errors.new { code = "RESET", sent = "yes",
    message = ("the body of %s ended after %d of %d bytes"):format(d.shown, d.size,
      d.version.total or d.ends) }
end

-- One request. Returns what is to be returned; or nothing: it goes on with another, after `err`.
local function attempt(d)
  local res, err = ask(d)
  if not res then return true, nil, err end
  local _ <close> = setmetatable({}, { __close = function() res:close() end })
  local how, why = judge(d, res)
  if not how or how == "whole" then
    if how then return true, finish(d, res) end
    if why.code == "PROTOCOL" then forget_part(d) end
    return true, nil, why
  end
  if how == "changed" then
    forget_part(d)
    return false, nil, errors.new { code = "PROTOCOL", sent = "yes",
      message = ("%s changes whenever a part of it is asked for"):format(d.shown) }
  end
  local ok
  ok, why = prepare(d)
  if not ok then return true, nil, why end
  local final
  ok, why, final = take_body(d, res)
  local all = d.version.total or d.ends
  if ok and (not all or d.size == all) then return true, finish(d, res) end
  why = why or cut_short(d)
  return final or why.code ~= "RESET" and why.code ~= "TIMEOUT", nil, why
end

-- Without a validator there is nothing to go on with.
local function give_up_unknown(d)
  if d.size > 0 and not d.version.validator then forget_part(d) end
end

-- Whether another request may be sent, after waiting for it.
local function may_go_on(d, number, err)
  if number > d.retries then return false end
  local wait = attempts.wait_before(number)
  if d.deadline and timer.now() + wait >= d.deadline then return false end
  if not core.take(d.url, err.code == "TIMEOUT") then return false end
  log.debug(("http: the download of %s broke off at %d bytes (%s): it goes on in %.2f s"):format(d.shown,
    d.size, err.code, wait))
  task.sleep(wait)
  return true
end

local function close_file(d)
  if d.place.file then files.end_writer(d.place.file) end
  d.place.file = nil
end

--- Runs a download to its end. Returns what came of it, or nil and an error.
function M.run(d)
  local _ <close> = setmetatable({}, { __close = function() close_file(d) end })
  local number = 0
  local allowed, why = look(d)
  if not allowed then return nil, why end
  while true do
    local before = d.size
    local over, result, err = attempt(d)
    if over then return result, err end
    number = d.size - before >= much and 1 or number + 1
    give_up_unknown(d)
    if not may_go_on(d, number, err) then return nil, err end
  end
end

return M
