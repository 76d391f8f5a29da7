-- Lists that come in pages, in both directions. The data is { pages = { ... }, params = { ... } }: the
-- pages in their order, and what each was asked for with.
--
-- All that asks for pages of one key goes one after the other: a page that is asked for while all are
-- asked for anew comes after that. What comes is swapped in as one, and a page that fails changes nothing.
local entries = require "tidelock.query.entries"
local fetching = require "tidelock.query.fetch"
local json = require "tidelock.json"
local store = require "tidelock.store"

local M = {}

-- --- which page comes next ------------------------------------------------------------------

-- The parameter of the page after the last, or before the first; nil: there is none. A null is none, too.
local function beyond(def, pages, params, forward)
  local fn = forward and def.next or def.previous
  local at = forward and #pages or 1
  local param = fn and pages[at] ~= nil and fn(pages[at], params[at], pages) or nil
  if param == json.null then return nil end
  return param
end

local function known(def, k)
  local data = entries.data(def, k)
  if not data then return nil end
  return data.pages, data.params
end

-- --- asking ---------------------------------------------------------------------------------

local function ask_page(def, live, param, forward)
  return fetching.ask(def, live.params, { key = def.key_list(live.k), page = param,
    direction = forward and "next" or "previous" })
end

-- All pages anew, in turn, since a page says what the next one is asked for with.
local function ask_all(def, live)
  local old, old_params = known(def, live.k)
  local wanted = old and math.max(#old, 1) or 1
  local pages, params = {}, {}
  local param = def.first
  if old_params then param = old_params[1] end
  for i = 1, wanted do
    local page, err, away = ask_page(def, live, param, true)
    if page == nil then return nil, err, away end
    pages[i], params[i] = page, param == nil and json.null or param
    param = beyond(def, pages, params, true)
    if param == nil then break end
  end
  return { pages = pages, params = params }
end

-- The list with a page more at one end, and within max_pages at the other.
local function extend(def, old, params, page, param, forward)
  local pages, all = {}, {}
  for i = 1, #old do pages[i], all[i] = old[i], params[i] end
  local at = forward and #pages + 1 or 1
  table.insert(pages, at, page)
  table.insert(all, at, param)
  while def.max_pages and #pages > def.max_pages do
    table.remove(pages, forward and 1 or nil)
    table.remove(all, forward and 1 or nil)
  end
  return { pages = pages, params = all }
end

-- One page more; all, if there are none yet.
local function ask_beyond(def, live, forward)
  local old, params = known(def, live.k)
  if not old then return ask_all(def, live) end
  local param = beyond(def, old, params, forward)
  if param == nil then return store.copy(entries.data(def, live.k)) end
  local page, err, away = ask_page(def, live, param, forward)
  if page == nil then return nil, err, away end
  return extend(def, old, params, page, param, forward)
end

--- What a fetch of a list of pages does.
function M.produce(def, live) return ask_all(def, live) end

-- --- the methods ----------------------------------------------------------------------------

local function need_pages(q, what)
  if not q.def.next then
    error(("query:%s is for lists of pages: the query %s has no function `next`"):format(what, q.def.name), 3)
  end
end

-- Who wants the same page waits for the same request.
local function fetch_beyond(q, k, forward)
  local def = q.def
  local live = fetching.live_of(def, k, rawget(q, "params"))
  while live.task and live.wants ~= forward do
    live.task:await()
    live = fetching.live_of(def, k, rawget(q, "params"))
  end
  if not live.task then
    live.wants = forward
    fetching.start(def, live, function(_, one) return ask_beyond(def, one, forward) end)
  end
  return fetching.wait(def, live)
end

local function has_beyond(q, k, forward)
  local pages, params = known(q.def, k)
  return pages ~= nil and beyond(q.def, pages, params, forward) ~= nil
end

--- Adds the methods of a list of pages to those of a query.
function M.add_methods(Query, key_of, give)
  for name, forward in pairs { next = true, previous = false } do
    Query["fetch_" .. name] = function(q)
      need_pages(q, "fetch_" .. name)
      local k = key_of(q)
      local err = fetch_beyond(q, k, forward)
      if err then return nil, err end
      return give(q, k)
    end
    Query["has_" .. name] = function(q)
      need_pages(q, "has_" .. name)
      return has_beyond(q, key_of(q), forward)
    end
  end
end

return M
