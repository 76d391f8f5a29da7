-- The state of the chat: stores/chat.lua and stores/chat_activity.lua change it. The fields of
-- `persist` are written to the disk. Hooks read the fields of this store, and files on the disk have
-- them: their names stay.
local json = require "tidelock.json"
local store = require "tidelock.store"

---@class Line a typed line that is not accepted by the server yet
---@field id string the clientId of its message
---@field time number when it was typed, wall-clock
---@field command? string the whole line, if it is a command
---@field content? string the text, if it is a message
---@field session? string the session it is sent to; nil: the one that is open when its turn comes
---@field failed? { code: string, message: string } why it was not sent; it waits for /retry

return store.define("chat", {
  share = "read", -- hooks beside the client show and react to it
  initial = {
    lines = json.array {}, -- Line[], in the order of typing
    unanswered = {}, -- by clientId: the time until which the client waits for an answer
    messages = {}, -- by session id: Message[]; of a deleted message the id stays
    recent = json.array {}, -- ids of the sessions with messages, the last used at the end
    places = {}, -- by session id: the project id of each session that was open
    rendered = {}, -- by session id: true once its stored messages are shown
    sessions = {}, -- by project id: ChatSession[], as last listed
    typing = {}, -- by session id, by user id: { name, deadline }
    work = {}, -- of the assistant, by session id: { message, progress, note, deadline }
    session = json.null, -- { id, title, project }, the one on the screen
  },
  persist = { "lines", "messages", "recent", "places", "session" },
  version = 1,
})
