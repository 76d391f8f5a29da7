-- The value in an answer of an API: JSON, bare or in an envelope {success, data, message, errors}; and the
-- error in one: problem details (RFC 9457), or an envelope whose success is false.
local errors = require "tidelock.errors"
local json = require "tidelock.json"
local status = require "tidelock.http.status"
local urls = require "tidelock.http.url"

local M = {}

-- "application/json" of "Application/JSON; charset=utf-8".
local function media_type(res)
  return (res.headers["content-type"] or ""):match("^%s*([^;%s]*)"):lower()
end

local function is_json(kind) return kind == "" or kind == "application/json" or kind:find "%+json$" end

local problem_types = { type = "string", title = "string", status = "number", detail = "string",
  instance = "string" }

-- Members of a wrong type are ignored; those that the standard does not know are extensions.
local function read_problem(body)
  local problem = {}
  for name, value in pairs(body) do
    if type(value) == (problem_types[name] or type(value)) then problem[name] = value end
  end
  problem.type = problem.type or "about:blank"
  return problem
end

local function is_object(value) return type(value) == "table" and (next(value) ~= nil and #value == 0) end

local function is_envelope(value) return is_object(value) and type(value.success) == "boolean" end

local function text_of(value) return type(value) == "string" and value ~= "" and value or nil end

-- The error of an answer that is no success; `body` is its JSON, or nil.
local function refuse(method, res, body)
  local err = status.refuse(method, res)
  if not is_object(body) then return err end
  err.body = body
  if media_type(res) == "application/problem+json" then err.problem = read_problem(body) end
  local said = err.problem and text_of(err.problem.title) or text_of(body.message)
  if said then err.message = err.message .. ": " .. said end
  if type(body.errors) == "table" then err.errors = body.errors end
  return err
end

local function reject(method, res, body)
  local err = refuse(method, res, body)
  err.code, err.recoverable = "REJECTED", false
  return err
end

local function decode(method, res)
  local kind = media_type(res)
  if res.body == "" then return true end
  if not is_json(kind) then
    return nil, errors.new { code = "DECODE", sent = "yes",
      message = ("%s %s answered with %s, not with JSON"):format(method, urls.show(res.url), kind) }
  end
  local value, err = res:json()
  if err then return nil, err end
  return value == nil and json.null or value
end

local function is_success(res) return res.status >= 200 and res.status < 300 end

-- Returns the value: true where there is none, json.null for a null; or nil, err.
function M.value(method, res)
  local value, err = decode(method, res)
  if not is_success(res) or media_type(res) == "application/problem+json" then
    return nil, refuse(method, res, value)
  end
  if value == nil then return nil, err end
  if not is_envelope(value) then return value end
  if not value.success then return nil, reject(method, res, value) end
  if value.data == nil then return true end
  return value.data
end

return M
