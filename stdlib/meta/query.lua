---@meta tidelock.query

---Keeps what a server knows: it is asked for once for all who want it, shown while it is asked for anew,
---and kept over reloads and, if wanted, restarts. See docs/query.md.
---
---```lua
---local query = require "tidelock.query"
---local script = require "tidelock.script"
---
---local asked = 0
---local projects = query.define("projects", {
---  stale_time = 60,
---  fetch = function(params)
---    asked = asked + 1
---    return { "project " .. params.page }
---  end,
---})
---
---script.on_start(function()
---  local first = projects { page = 1 }
---  print(first:get()[1], first:get(1), asked)
---  query.invalidate { "projects" }
---  print(first:state().invalid, first:get(1), asked)
---end)
---```
---```text
---project 1	project 1	1
---true	project 1	2
---```
---@class tidelock.query
local query = {}

---What the function of a query gets beside the parameters.
---@class tidelock.query.Info
---@field key any[] the key
---@field page? any of a list of pages: what the page is asked for with
---@field direction? "next"|"previous" of a list of pages: at which end it is

---How a query asks, and how long what it knows is good.
---@class tidelock.query.Options
---@field fetch fun(params: any, info: tidelock.query.Info): any, any asks the server; waits; returns the data, or nil and an error
---@field key? any[]|fun(params: any): any[] the key, or what makes one of the parameters. Default: `{ name }`; parameters are added to a list
---@field stale_time? number seconds for which data is fresh. Default: 0
---@field gc_time? number seconds after which data that nobody uses is dropped; `math.huge`: never. Default: 300
---@field error_time? number seconds for which an error stands for the next who asks. Default: 5
---@field retry? integer|false|fun(attempt: integer, err: tidelock.Error): boolean|number|nil how many more attempts; or a function that says whether, or after how many seconds. Default: 3
---@field refetch_interval? number seconds between fetches while it is observed. Default: none
---@field placeholder? any data to show while there is none, or a function of the parameters that returns it
---@field select? fun(data: any, params: any): any what is shown of the data; may not wait
---@field tags? string[]|fun(data: any, key: any[]): string[] names for `query.invalidate_tag`
---@field persist? boolean whether the data outlives the process. Default: `false`
---@field version? integer the schema version of the data. Default: 1
---@field migrate? fun(data: any, from: integer): any returns the data of an older version as data of this one. Default: it is dropped
---@field session? tidelock.Session the account whose data it is: dropped at its logout, and at another login
---@field share? "none"|"read"|"write" what other scripts may do with it, by `query.attach`. Default: `"none"`
---@field first? any of a list of pages: what the first is asked for with
---@field next? fun(page: any, param: any, pages: any): any makes it a list of pages: what the page after this last one is asked for with, `nil`: there is none
---@field previous? fun(page: any, param: any, pages: any): any the same for the page before the first
---@field max_pages? integer how many pages are kept; more fall off at the other end

---Declares a query of this script. Its data lives on over reloads.
---@param name string letters, digits, `_`, `.` and `-`, 52 at most
---@param options tidelock.query.Options how it asks
---@return tidelock.Query query the query without parameters
function query.define(name, options) end

---Uses a query of another script, as far as its owner shares it: it has `with`, `get`, `refetch`,
---`prefetch`, `peek`, `state` and `subscribe(fn)`, and if it is shared for writing `set_data`, `invalidate`
---and `remove`, which wait and return `true`, or `nil` and an error.
---@param target string the script and the query: `"script:name"`
---@return tidelock.Query query the query; `get` gives NOT_FOUND while no script has defined it
function query.attach(target) end

---Makes data stale, and asks for what is observed of it: that of all keys that begin with this list, or of
---which a function says so. A fetch under way becomes stale too: one more follows it.
---@param what any[]|tidelock.Query|fun(info: tidelock.query.KeyInfo): boolean the beginning of keys, a query, or a function that may not wait
function query.invalidate(what) end

---A key, for the function of `query.invalidate`.
---@class tidelock.query.KeyInfo
---@field name string of the definition
---@field key any[] the key
---@field data any what is known
---@field updated_at? number when that came, in seconds since 1970

---Makes the data of all keys with a tag stale.
---@param tag string one of `tags`
function query.invalidate_tag(tag) end

---Says that the user looks again: what is observed and not fresh is asked for.
function query.focus() end

---Forgets all data of this script's queries.
function query.clear() end

---Says whether a value is a query.
---@param value any any value
---@return boolean is whether it is one
function query.is(value) end

---What is known of a query, and what goes on.
---@class tidelock.query.State
---@field data any the data, with `select`; or the placeholder
---@field error? tidelock.Error of the last fetch, if it failed
---@field status "pending"|"success"|"error" there is nothing yet; there is data; the last fetch failed, whether or not there is data
---@field fetch_status "fetching"|"paused"|"idle" it is asked for; it waits for the network; nothing goes on
---@field updated_at? number when the data came, in seconds since 1970
---@field invalid boolean whether it was invalidated since
---@field placeholder? boolean whether `data` is only the placeholder

---A query with its parameters. Calling it with others is `with`.
---@class tidelock.Query
---@overload fun(params: any): tidelock.Query
local Query = {}

---Returns the same query for other parameters.
---@param params any plain data; tables are the same if their content is
---@return tidelock.Query query that query
function Query:with(params) end

---Returns the data or a part of it: at once if it is fresh, otherwise when it has been asked for. Without a
---network it returns what there is, or waits for 10 seconds.
---@param ... string|integer the keys and indexes on the way to the part
---@return any data a view, a string, a number or a boolean; nil after an error
---@return tidelock.Error? err why there is none
function Query:get(...) end

---Returns what is known now, or a part of it. Waits for nothing and asks for nothing.
---@param ... string|integer the keys and indexes on the way to the part
---@return any data nil: there is none
function Query:peek(...) end

---Asks for the data, fresh or not, and waits for it. A fetch that goes on already is joined.
---@return any data as `get`
---@return tidelock.Error? err why it failed
function Query:refetch() end

---Begins to ask for the data unless it is fresh. Does not wait.
function Query:prefetch() end

---Returns what is known, and what goes on.
---@return tidelock.query.State state a copy
function Query:state() end

---Writes the data. A fetch that is under way does not overwrite it: one more follows. What was invalid
---stays so.
---@param value any the data; or a function that gets what there is and returns the data, `nil`: no change
function Query:set_data(value) end

---Makes the data stale, and asks for it if it is observed.
function Query:invalidate() end

---Forgets the data; what a fetch under way brings is dropped.
function Query:remove() end

---Calls a function after a turn in which the data, or a part of it, has changed. Until `off` the query is
---observed: it is asked for now unless it is fresh, and again when it becomes invalid. The selector may be
---left out.
---@param selector tidelock.StorePath|fun(data: any): any the part: a key, a path, or a function that returns it
---@param fn fun(new: any, old: any) may wait
---@param options? tidelock.store.SubscribeOptions when to call it
---@return tidelock.Handler handler removes the function
---@overload fun(self: tidelock.Query, fn: fun(new: any, old: any), options?: tidelock.store.SubscribeOptions): tidelock.Handler
function Query:subscribe(selector, fn, options) end

---Calls a function after a turn in which the state has changed. The query is observed, as with `subscribe`.
---@param fn fun(state: tidelock.query.State) may wait
---@return tidelock.Handler handler removes the function
function Query:on_state(fn) end

---Asks for the page after the last one. All pages, if there are none.
---@return any data all pages: `{ pages = {...}, params = {...} }`
---@return tidelock.Error? err why it failed; the pages stay
function Query:fetch_next() end

---Asks for the page before the first one.
---@return any data as `fetch_next`
---@return tidelock.Error? err why it failed; the pages stay
function Query:fetch_previous() end

---Says whether there is a page after the last one.
---@return boolean has as `next` says
function Query:has_next() end

---Says whether there is a page before the first one.
---@return boolean has as `previous` says
function Query:has_previous() end

return query
