---@meta tidelock.store

---Keeps state that outlives reloads, and that scripts can share. The state is an immutable tree of
---plain values: each change makes a new tree, as a whole or not at all, and is added to the history.
---See docs/store.md.
---
---```lua
---local script = require "tidelock.script"
---local store = require "tidelock.store"
---
---local chat = store.define("chat", { initial = { title = "none", count = 0 } })
---
---chat:subscribe("count", function(new, old) print("count", old, "->", new) end)
---
---script.on_start(function()
---  chat:change("begin", function(draft)
---    draft.title = "first"
---    draft.count = draft.count + 1
---  end)
---  print(chat:get("title"), #chat:history())
---end)
---```
---```text
---first	1
---count	0	->	1
---```
---@class tidelock.store
local store = {}

---The path to a part of the state: a key, or a list of keys and indexes. Indexes count from 1.
---@alias tidelock.StorePath string|(string|integer)[]

---A read-only array or object of the state, as it was when it was read. Index, `#`, `pairs`,
---`ipairs`, `==` for identity, `table.concat` and `table.unpack` work; writing raises.
---@class tidelock.View

---Limits of the history. Other names raise.
---@class tidelock.store.HistoryOptions
---@field count? integer changes; 0: the default. Default: 100
---@field bytes? integer bytes that they may hold; 0: the default. Default: 16 MiB

---The options of `store.define`. Other names raise.
---@class tidelock.StoreOptions
---@field initial? table the state that the store begins with and that `reset` goes back to; the keys of its top level are strings. Default: `{}`
---@field share? "none"|"read"|"write" what other scripts may do with it. Default: `"none"`
---@field history? tidelock.store.HistoryOptions how much the history keeps
---@field memory? integer bytes of the state and the history together. Default: 256 MiB
---@field persist? string[]|boolean the keys of the top level that live on when the process ends; `true`: all of them. Default: none
---@field persist_delay? number seconds from a change to the write, less than 3600. Default: 0.1
---@field version? integer the schema version of the state, 0 or more. Default: 1
---@field migrate? fun(draft: table, from: integer) changes a state of the schema version `from` to one of `version`; may not wait

---A change in the history.
---@class tidelock.Change
---@field time number when, in seconds since 1970
---@field script string the script that made it
---@field action? string the name that `change` was given, or `set`, `reset`, `undo`, `migrate`
---@field paths string[] the parts that changed: 32 at most, then `...`
---@field state tidelock.View the state after it
---@field store? string `script:name`; only for `store.trace`

---Declares a store. It lives on over reloads with its state. Keys that are new in `initial` are
---added, also in objects inside objects; keys that a script has removed stay removed.
---@param name string letters, digits, `_`, `.` and `-`
---@param options tidelock.StoreOptions what it begins with and how it is kept
---@return tidelock.Store store the store
function store.define(name, options) end

---Uses a store of another script, as far as the owner shares it.
---@param target string the script and the store: `"script:name"`
---@return tidelock.Store store the store; its functions raise while no script has defined it
function store.attach(target) end

---Calls a function after each change of the stores of this script and of the stores that others
---share: for tools.
---@param fn fun(change: tidelock.Change) may wait
---@return tidelock.Handler handler removes the function
function store.trace(fn) end

---Makes a plain table of a view, with plain tables inside.
---@param value any a view; any other value is returned as it is
---@return any copy the copy
function store.copy(value) end

---Says whether a value is a view.
---@param value any the value to look at
---@return boolean is_view whether it is one
function store.is_view(value) end

---Computes a value from several stores. It is computed again only after one of them has changed.
---@param stores tidelock.Store[] the stores
---@param fn fun(...: tidelock.View): any gets their states in order; may not wait
---@return tidelock.Derived derived the value
function store.derive(stores, fn) end

---A value that is computed from stores.
---@class tidelock.Derived
local Derived = {}

---Returns the value.
---@return any value what the function of `store.derive` returns for the current states
function Derived:get() end

---Calls a function after a turn in which the value has changed, once, however many of the stores
---have changed.
---@param fn fun(new: any, old: any) may wait
---@param options? tidelock.store.SubscribeOptions when to call it
---@return tidelock.Handler handler removes the function
function Derived:subscribe(fn, options) end

---The options of `subscribe`. Other names raise.
---@class tidelock.store.SubscribeOptions
---@field fire_immediately? boolean also calls the function once with the value that there is. Default: `false`
---@field equals? fun(new: any, old: any): boolean says whether two values are the same. Default: views by identity, plain tables one level deep, others by `==`

---A store, of this script or of another one. A function that the owner does not share raises.
---@class tidelock.Store
local Store = {}

---Returns the state or a part of it.
---@param ... string|integer the keys and indexes on the way to the part
---@return any value a view, a string, a number, a boolean or `nil`; it does not change later
function Store:get(...) end

---Waits until a part of the state has been read from the disk, with everything below it. The
---process goes on meanwhile.
---@param ... string|integer the keys and indexes on the way to the part
---@return any value as `get`
---@return tidelock.Error? err the part could not be read; it is still on the disk: `IO`, `DECODE`
function Store:load(...) end

---Changes keys of the top level. Each value replaces the one before as a whole.
---@param values table the new values by key; `json.null` removes a key
function Store:set(values) end

---Changes the state by editing a draft. When the function raises, the state stays as it was and
---`change` raises the same. It may not wait, must not change the same store inside, and returns
---nothing or its draft; another result raises. The name may be left out.
---@param action string a name for the history
---@param fn fun(draft: table) edits the draft like a table
---@overload fun(self: tidelock.Store, fn: fun(draft: table))
function Store:change(action, fn) end

---Calls a function after a turn in which a part of the state has changed. The selector may be left
---out: then the part is the whole state.
---@param selector tidelock.StorePath|fun(state: tidelock.View): any the part: a key, a path, or a function that returns it
---@param fn fun(new: any, old: any) may wait
---@param options? tidelock.store.SubscribeOptions when to call it
---@return tidelock.Handler handler removes the function
---@overload fun(self: tidelock.Store, fn: fun(new: tidelock.View, old: tidelock.View), options?: tidelock.store.SubscribeOptions): tidelock.Handler
function Store:subscribe(selector, fn, options) end

---Goes back to the initial state, as a change.
function Store:reset() end

---Returns the last changes.
---@return tidelock.Change[] changes the oldest first
function Store:history() end

---Goes back to the state before the last changes, as a change of its own.
---@param n? integer how many changes, 1 or more. Default: 1
---@return true? done when it worked
---@return tidelock.Error? err `NOT_FOUND`: the history does not go back that far
function Store:undo(n) end

---Waits until all earlier changes are on the disk. Returns at once for a store that keeps nothing.
---@return true? done when it worked
---@return tidelock.Error? err `IO`: the disk refuses; `DECODE`: a part cannot be written
function Store:flush() end

---Says whether a change is not on the disk yet.
---@return boolean unsaved whether one waits
function Store:unsaved() end

---Calls a function when writing fails, when a part cannot be kept, and when stored data could not be
---read at the start and was quarantined. Calls it without an error when writing works again.
---@param fn fun(err?: tidelock.Error) may wait
---@return tidelock.Handler handler removes the function
function Store:on_error(fn) end

---Returns the name of the store.
---@return string name the name it was defined with; with `store.attach`: `script:name`
function Store:name() end

return store
