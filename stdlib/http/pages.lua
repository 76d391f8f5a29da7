-- Lists that come page by page: the next page is named by the header Link, by a cursor in the answer, or
-- by the page numbers of an envelope {data, pagination}.
local answers = require "tidelock.http.answer"
local checks = require "tidelock.options.core"
local errors = require "tidelock.errors"
local json = require "tidelock.json"
local link = require "tidelock.http.link"
local identity = require("tidelock.http.options").identity
local urls = require "tidelock.http.url"

local M = {}

-- --- options --------------------------------------------------------------------------------

local ways = { link = true, cursor = true, envelope = true }
local kinds = { by = "string", cursor = "string", cursor_query = "string", items = "string",
  max_pages = "number" }

local pages_rule = { least = 1, whole = true }

-- Raises misuse without a position: the caller adds its own.
function M.check(paging)
  if paging == nil then return {} end
  if type(paging) ~= "table" then error("http: paging must be a table", 0) end
  for name, value in pairs(paging) do
    local want = kinds[name]
    if not want then
      error(("http: paging has no option '%s'%s"):format(checks.cut(tostring(name)),
        checks.suggest(tostring(name), kinds)), 0)
    end
    if type(value) ~= want then error(("http: paging.%s must be a %s"):format(name, want), 0) end
  end
  if paging.by and not ways[paging.by] then error('http: paging.by is "link", "cursor" or "envelope"', 0) end
  if paging.by == "cursor" and not paging.cursor then
    error('http: paging by cursor needs the cursor\'s place in the answer: cursor = "meta.next"', 0)
  end
  local problem = checks.number_problem(paging.max_pages or 1, pages_rule)
  if problem then error("http: paging.max_pages " .. problem, 0) end
  return paging
end

-- --- the answer -----------------------------------------------------------------------------

-- The value at "meta.next" of a decoded answer, or nil.
local function value_at(body, path)
  for name in path:gmatch "[^.]+" do
    if type(body) ~= "table" then return nil end
    body = body[name]
  end
  if body == json.null then return nil end
  return body
end

local function items_of(body, paging, url)
  local list = body
  if paging.items then
    list = value_at(body, paging.items)
  elseif type(body) == "table" and type(body.data) == "table" then
    list = body.data
  end
  if type(list) == "table" and (next(list) == nil or #list > 0) then return list end
  error(errors.new { code = "INVALID", sent = "yes",
    message = ("the page %s holds no list%s"):format(urls.show(url), paging.items and
      " at " .. checks.cut(paging.items) or ': name its place, items = "data.list"') })
end

-- --- the next page --------------------------------------------------------------------------

-- What leads to the next page: changed options, and a key by which a repeated page is known.
local next_by = {}

-- Another origin gets no headers, no certificate and no query of the request, nor those of its client.
function next_by.link(state, res)
  local url = link.url(res, "next")
  if not url then return nil end
  local options = state.first
  local all = {}
  for name, value in pairs(options) do all[name] = value end
  all.query = nil
  all.url = url
  state.elsewhere = urls.origin(url) ~= state.origin
  if not state.elsewhere then return all, url end
  all.headers = nil
  for name in pairs(identity) do all[name] = nil end
  return all, url
end

local function with_query(options, name, value)
  local all = {}
  for key, one in pairs(options) do all[key] = one end
  all.query = {}
  for key, one in pairs(options.query or {}) do all.query[key] = one end
  all.query[name] = value
  return all
end

function next_by.cursor(state, _, body)
  local cursor = value_at(body, state.paging.cursor)
  if cursor == nil or cursor == "" or cursor == false then return nil end
  if type(cursor) ~= "string" and type(cursor) ~= "number" then return nil end
  return with_query(state.first, state.paging.cursor_query or "cursor", cursor), tostring(cursor)
end

-- The pages are counted here: a server that names the same page again is not followed in a circle.
function next_by.envelope(state, _, body, items)
  local said = type(body) == "table" and body.pagination
  if type(said) ~= "table" or type(said.totalPages) ~= "number" or #items == 0 then return nil end
  local page = state.page or type(said.page) == "number" and said.page or 1
  state.page = page + 1
  if page >= said.totalPages then return nil end
  return with_query(state.first, "page", state.page), state.page
end

local function way_of(state, res, body)
  if state.paging.by then return state.paging.by end
  if state.paging.cursor then return "cursor" end
  if type(body) == "table" and type(body.pagination) == "table" then return "envelope" end
  return res.headers.link and "link" or nil
end

local function plan_next(state, res, body, items)
  state.way = state.way or way_of(state, res, body)
  if not state.way or state.count >= (state.paging.max_pages or math.huge) then return nil end
  local options, key = next_by[state.way](state, res, body, items)
  if not options or state.seen[key] then return nil end
  state.seen[key] = true
  return options
end

-- Asks for the next page; returns its items and the response, or nil at the end. A page that fails
-- raises its error, as io.lines does: a loop that just ended would look complete.
local function fetch_page(state)
  local options = state.next
  if not options then return nil end
  state.next = nil
  local res, err = state.send(options, state.elsewhere)
  if not res then error(err, 0) end
  local value
  value, err = answers.value("GET", res)
  if value == nil then error(err, 0) end
  local body = res.body ~= "" and res:json() or nil
  local items = items_of(body, state.paging, res.url)
  state.count = state.count + 1
  state.seen[res.url] = true
  state.next = plan_next(state, res, body, items)
  return items, res
end

-- for items, res in M.pages(send, options, paging, origin): send(options, elsewhere) gives a response, or
-- nil, err; elsewhere: it leads to another origin than `origin`, that of the first page.
function M.pages(send, options, paging, origin)
  local state = { send = send, first = options, next = options, paging = paging, origin = origin, seen = {},
    count = 0 }
  return function() return fetch_page(state) end
end

-- for item in M.items(...): the items of all pages.
function M.items(send, options, paging, origin)
  local fetch = M.pages(send, options, paging, origin)
  local items, at = {}, 0
  return function()
    at = at + 1
    while items and items[at] == nil do items, at = fetch(), 1 end
    return items and items[at]
  end
end

return M
