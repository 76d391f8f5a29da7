-- Event streams: all changes of a user, and the assistant's answer to a message as it comes. Both go on
-- after the Last-Event-ID.
local access = require "access"
local assistant = require "assistant"
local config = require "config"
local data = require "data"
local failure = require "failure"
local feed = require "feed"
local frame = require "frame"
local json = require "tidelock.json"
local thinking = require "thinking"

local headers = { ["Content-Type"] = "text/event-stream", ["Cache-Control"] = "no-store" }

local function stream(fn) return nil, { raw = fn, headers = headers } end

local function need_room(user)
  if not feed.has_room(user) then failure.too_many("streams", config.limits.streams) end
end

-- Whether the token of a request still holds: a stream ends with its token, and its client comes again.
local function still_valid(req)
  local token = req.headers.authorization:match "%S+$"
  return access:user_of(token) == req.user
end

local function find_answer(session, message_id)
  for _, message in ipairs(session.messages) do
    if message.metadata.inReplyTo == message_id then return message end
  end
end

-- What there is so far of an answer; each item has its place as its id. The last is "done".
local function answer_items(user, message_id)
  local _, session = data.message(user, message_id)
  local answer, steps, items = find_answer(session, message_id), thinking.steps_done(message_id), {}
  local function add(type, value) items[#items + 1] = { type = type, data = json.encode(value) } end
  for i = 1, answer and #assistant.steps or steps or 0 do add("progress", assistant.steps[i]) end
  if not answer and steps then return items, false end
  for word in (answer and answer.content or ""):gmatch "%S+%s*" do add("text", { text = word }) end
  add("done", { id = answer and answer.id })
  return items, true
end

local function send_answer(req, out, from)
  local sent = from
  feed.each_change(out, req.user, function()
    local ok, items, done = pcall(answer_items, req.user, req.params.id)
    if not ok then return false end -- the message is gone
    for i = sent + 1, #items do
      if not out:event { id = i, type = items[i].type, data = items[i].data } then return false end
    end
    sent = math.max(sent, #items)
    return not done and still_valid(req)
  end)
end

return function(srv)
  srv:get("/api/events", frame.signed_in(function(req)
    need_room(req.user)
    return stream(function(out)
      feed.follow(out, req.user, req.headers["last-event-id"], function() return still_valid(req) end)
    end)
  end))

  srv:get("/api/chat/messages/:id/answer", frame.signed_in(function(req)
    local items, done = answer_items(req.user, req.params.id)
    local said = req.headers["last-event-id"]
    local from = said and said:match "^%d+$" and math.tointeger(tonumber(said)) or 0
    if done and from >= #items then return nil, { status = 204, raw = "" } end
    need_room(req.user)
    return stream(function(out) send_answer(req, out, from) end)
  end))
end
