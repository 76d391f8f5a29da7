---@meta tidelock.store

---State that outlives reloads, is shared by scripts, cannot be half-changed and shows its history. See
---docs/store.md.
---@class tidelock.storelib
local store = {}

---@alias tidelock.StorePath string|(string|integer)[] a key, or a list of keys and 1-based indexes

---@class tidelock.StoreOptions
---@field initial? table what it begins with, and what reset goes back to; string keys at the top
---@field share? "none"|"read"|"write" what other scripts may do; "none"
---@field history? { count?: integer, bytes?: integer } changes remembered (100), and bytes they may hold (16 MiB)
---@field persist? string[]|boolean top-level keys that outlive the process, true for all; none
---@field persist_delay? number seconds from a change to its being written; 0.1
---@field version? integer of the state's shape; 1
---@field migrate? fun(draft: table, from: integer) makes of a state of version `from` one of this version; may not wait
---@field memory? integer bytes of state and history together; 256 MiB

---@class tidelock.View a read-only array or object; index, #, pairs, ipairs, ==, table.concat, table.unpack

---@class tidelock.Change
---@field time number wall-clock seconds
---@field script string whose it was
---@field action? string the name given to change, or "set", "reset", "undo"
---@field paths string[] what changed; at most 32, then "..."
---@field state tidelock.View after it
---@field store? string "script:name"; with trace only

---Declares a store. It lives on over reloads; keys that are new in a version's initial state are
---filled in, in objects inside objects too. Those that a script took out stay out.
---@param name string letters, digits, _ . -
---@param options tidelock.StoreOptions
---@return tidelock.Store
function store.define(name, options) end

---Uses a store of another script, as far as its owner shares it.
---@param target string "script:name"
---@return tidelock.Store
function store.attach(target) end

---Hears every change of every store, for tools.
---@param fn fun(change: tidelock.Change)
---@return tidelock.Handler
function store.trace(fn) end

---A plain table of what a view shows.
---@param value any
---@return any
function store.copy(value) end

---@param value any
---@return boolean
function store.is_view(value) end

---@class tidelock.Derived
---@field get fun(self): any
---@field subscribe fun(self, fn: fun(new: any, old: any), options?: table): tidelock.Handler

---A value computed from stores, anew only when one of them has changed. Its subscribers are told once
---after a turn, however many of the stores changed in it.
---@param stores tidelock.Store[]
---@param fn fun(...: tidelock.View): any may not wait
---@return tidelock.Derived
function store.derive(stores, fn) end

---@class tidelock.Store
local Store = {}

---The state as it is now, or a part of it: a view, a scalar, or nil. What was got never changes.
---@param ... string|integer keys on the way
---@return any
function Store:get(...) end

---Waits until what is kept at the path has been read, all below it included, and nobody is held up
---meanwhile. What is not kept, or was read already, is there at once.
---@param ... string|integer keys on the way
---@return any, tidelock.Error? # as get; nil and why it could not be read: it is still stored then
function Store:load(...) end

---Merges one level: each key of the table is replaced as a whole; json.null deletes.
---@param values table
function Store:set(values) end

---Changes the state by editing a draft, all or nothing: what the function raises is raised, with
---the state as it was. It may not wait, and returns nothing: a value would be lost, so it raises.
---@param action string a name for history
---@param fn fun(draft: table)
---@overload fun(self, fn: fun(draft: table))
function Store:change(action, fn) end

---Calls fn(new, old) after a turn in which what the selector gives has changed.
---@param selector tidelock.StorePath|fun(state: tidelock.View): any
---@param fn fun(new: any, old: any) may wait
---@param options? { fire_immediately?: boolean, equals?: fun(new: any, old: any): boolean }
---@return tidelock.Handler
---@overload fun(self, fn: fun(new: tidelock.View, old: tidelock.View)): tidelock.Handler
function Store:subscribe(selector, fn, options) end

---Back to the initial state, as a change.
function Store:reset() end

---The last changes, oldest first.
---@return tidelock.Change[]
function Store:history() end

---Back to the state before the last n changes, as a change of its own.
---@param n? integer 1
---@return true?, tidelock.Error? # NOT_FOUND when history does not reach that far
function Store:undo(n) end

---Waits until all that was changed before is on disk; at once when nothing of it is kept.
---@return true?, tidelock.Error? # IO when the disk fails, DECODE when a part cannot be kept
function Store:flush() end

---Whether something that was changed is not on disk yet.
---@return boolean
function Store:unsaved() end

---Calls fn(err) when writing fails, when a part cannot be kept, when something was set aside at the
---start, and fn(nil) when writing works again.
---@param fn fun(err?: tidelock.Error) may wait
---@return tidelock.Handler
function Store:on_error(fn) end

---@return string
function Store:name() end

return store
