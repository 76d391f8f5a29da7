---@meta tidelock.outbox

---What a script has to tell servers, kept on the disk until it is done: in order, and once in effect.
---See docs/outbox.md.
---
---```lua
---local outbox = require "tidelock.outbox"
---local script = require "tidelock.script"
---local task = require "tidelock.task"
---
---local say = outbox.define("say", { repeats = "safe", send = function(args)
---  print("sent " .. args.text)
---  return true
---end })
---script.on_start(function()
---  for _, text in ipairs { "one", "two" } do assert(say { text = text }) end
---  task.sleep(0.1)
---  print(outbox.count())
---end)
---```
---```text
---sent one
---sent two
---0
---```
---@class tidelock.outbox
local outbox = {}

---How a mutation is sent.
---@class tidelock.MutationOptions
---@field send fun(args: any, entry: tidelock.Entry): any, tidelock.Error? tells the server, and returns the answer, or nil and an error; it may wait
---@field repeats "safe"|"key"|"never" what may be done where the answer was lost: send it again; send it again under its key while that is young enough; nothing
---@field key_lifetime? number seconds for which the server remembers a key. Default: 86,400
---@field lane? fun(args: any): string|number? what it must stay in order with. Default: all of the script
---@field lookup? fun(args: any, entry: tidelock.Entry): any, tidelock.Error? asks what became of it: the answer, false (nothing), or nil and an error
---@field version? integer of the shape of the arguments, 1 or more. Default: 1
---@field migrate? fun(args: any, from: integer): any makes arguments of an older version into the present shape: changes them, or returns others
---@field attempts? integer after so many attempts it is a dead letter. Default: no limit
---@field on? fun(args: any): ... the stores that `apply` changes; they must be writable
---@field apply? fun(draft: any, args: any, entry: table) shows the change, in a draft of each store: insert or replace by id; `entry` has `id` and `time`. It may not wait
---@field settle? fun(draft: any, args: any, result: any, entry: table) makes the change for good once the server has it. Default: `apply`
---@field expires? number seconds after which an entry that was not sent is a dead letter. Default: never

---A mutation. Call it with its arguments, plain data: it waits until the entry is on the disk.
---@class tidelock.Mutation
---@overload fun(args: any): tidelock.Entry?, tidelock.Error?
local Mutation = {}

---Makes an entry, and returns at once.
---@param args any plain data
---@return tidelock.Entry? entry that may not be on the disk yet
---@return tidelock.Error? err `TOO_LARGE`, `BUFFER_FULL`
function Mutation:post(args) end

---An entry: one call of a mutation.
---@class tidelock.Entry
---@field id string its UUID, and its first idempotency key
---@field time number when it was made, in wall-clock seconds
---@field name string of its mutation
local Entry = {}

---Waits until the entry is on the disk.
---@return tidelock.Entry? entry itself
---@return tidelock.Error? err `IO`: there is no entry
function Entry:await() end

---Gives its idempotency key.
---@param label? string letters, digits and `_.-`: another key, derived from it
---@return string key for the header `Idempotency-Key`, or for an event
function Entry:key(label) end

---As outbox.retry.
---@return tidelock.Entry? entry itself
---@return tidelock.Error? err as there
function Entry:retry() end

---As outbox.edit.
---@param args any plain data
---@return tidelock.Entry? entry itself
---@return tidelock.Error? err as there
function Entry:edit(args) end

---As outbox.discard.
---@return true? done that is so
---@return tidelock.Error? err as there
function Entry:discard() end

---What waits.
---@class tidelock.EntryState
---@field id string of the entry
---@field name string of the mutation
---@field lane string what it stays in order with; empty: the lane of the script
---@field state "waiting"|"sending"|"unknown"|"held"|"dead" what it waits for: see docs/outbox.md
---@field time number when it was made, in wall-clock seconds
---@field version integer of its arguments
---@field attempts integer so far
---@field reason? table `code` and `message`, perhaps `status`, of the last attempt, or why it is held

---Declares a mutation of this script.
---@param name string of the mutation: letters, digits and `_.-`
---@param options tidelock.MutationOptions how it is sent
---@return tidelock.Mutation mutation to be called
function outbox.define(name, options) end

---Lists the entries, in the order in which they were made.
---@param options? { limit?: integer } the most that are listed. Default: 1,000
---@return tidelock.EntryState[] entries one for each
function outbox.list(options) end

---Counts the entries.
---@return integer count how many there are
function outbox.count() end

---Sends an entry again: a dead one under a new key, a held one under its own.
---@param id string of the entry
---@return tidelock.Entry? entry the same
---@return tidelock.Error? err `NOT_FOUND`; `BUSY`: it is being sent; `IO`
function outbox.retry(id) end

---Gives an entry other arguments and a new key.
---@param id string of the entry
---@param args any plain data
---@return tidelock.Entry? entry the same
---@return tidelock.Error? err `NOT_FOUND`; `BUSY`: it is being sent, or may have arrived; `IO`
function outbox.edit(id, args) end

---Takes an entry out: it is not sent any more.
---@param id string of the entry
---@return true? done that is so
---@return tidelock.Error? err `NOT_FOUND`; `BUSY`: it is being sent
function outbox.discard(id) end

return outbox
