-- The types of the server's answers and events, with the names of its API: as annotations for editors,
-- as schemas for edge.lua. Fields without a schema are left out. Times arrive in the format of RFC 3339
-- and become wall-clock seconds. An unknown word of an enumeration becomes "unknown"; fields that the
-- client can do without are optional.
local schema = require "tidelock.schema"

local M = {}

local text, id = schema.string(), schema.string { nonempty = true }
local flag, count = schema.boolean(), schema.integer { min = 0 }
local time = schema.coerce.date { assume_utc = true }
local percent = schema.number { min = 0, max = 100 }

local function one_of(words) return schema.enum(words):catch "unknown" end

-- The name to show; the id where the server gives no name.
local function with_user_name(made)
  made.userName = made.userName or made.userId
  return made
end

-- --- entities ---------------------------------------------------------------------------------

---@class UserPreferences
---@field theme "light"|"dark"|"system"|"unknown"
---@field notifications { email: boolean, push: boolean, desktop: boolean }
---@field language string
M.UserPreferences = schema.record {
  theme = one_of { "light", "dark", "system" },
  notifications = schema.record { email = flag, push = flag, desktop = flag },
  language = text,
}

---@class User
---@field id string
---@field name string
---@field email? string in the user's own profile only
---@field avatar? string
---@field preferences? UserPreferences
---@field createdAt? number
---@field updatedAt? number
M.User = schema.record {
  id = id, name = text, email = text:optional(), avatar = text:optional(),
  preferences = M.UserPreferences:optional(),
  createdAt = time:optional(), updatedAt = time:optional(),
}

---@alias ProjectStatus "planning"|"active"|"on_hold"|"completed"|"cancelled"|"unknown"
---@alias ProjectPriority "low"|"medium"|"high"|"urgent"|"unknown"

---@class ProjectSettings
---@field autoSave boolean
---@field notifications boolean
---@field aiAssistance boolean
---@field memoryRetention number days
M.ProjectSettings = schema.record {
  autoSave = flag, notifications = flag, aiAssistance = flag,
  memoryRetention = schema.number { min = 0 },
}

---@class Project
---@field id string
---@field name string
---@field description string
---@field status ProjectStatus
---@field priority ProjectPriority
---@field progress number 0 to 100
---@field tags string[]
---@field collaborators User[]
---@field ownerId? string
---@field settings? ProjectSettings
---@field createdAt number
---@field updatedAt number
M.Project = schema.record {
  id = id, name = text, description = text:default "",
  status = one_of { "planning", "active", "on_hold", "completed", "cancelled" },
  priority = one_of { "low", "medium", "high", "urgent" },
  progress = percent:default(0), tags = schema.array(text):default {},
  collaborators = schema.array(M.User):default {}, ownerId = text:optional(),
  settings = M.ProjectSettings:optional(), createdAt = time, updatedAt = time,
}

---@class SessionSettings
---@field autoSave boolean
---@field memoryContext boolean
---@field aiAssistance boolean
M.SessionSettings = schema.record { autoSave = flag, memoryContext = flag, aiAssistance = flag }

---@class ChatSession without its messages, which have a path of their own
---@field id string
---@field projectId string
---@field title string
---@field participants User[]
---@field messageCount integer
---@field settings? SessionSettings
---@field createdAt number
---@field updatedAt number
M.ChatSession = schema.record {
  id = id, projectId = id, title = text, participants = schema.array(M.User):default {},
  messageCount = count:default(0), settings = M.SessionSettings:optional(),
  createdAt = time, updatedAt = time,
}

---@class Attachment
---@field id string
---@field filename string
---@field type string
---@field size integer bytes
---@field url string
M.Attachment = schema.record { id = id, filename = text, type = text, size = count, url = text }

---@class MessageMetadata
---@field confidence? number
---@field processingTime? number
---@field instructions? string
---@field summary? string
---@field attachments? Attachment[]
---@field inReplyTo? string the id of the message it answers
M.MessageMetadata = schema.record {
  confidence = schema.number():optional(), processingTime = schema.number():optional(),
  instructions = text:optional(), summary = text:optional(),
  attachments = schema.array(M.Attachment):optional(), inReplyTo = text:optional(),
}

---@alias MessageType "user"|"assistant"|"system"|"unknown"
---@alias MessageStatus "sending"|"sent"|"delivered"|"read"|"processed"|"failed"|"unknown"

local status = one_of { "sending", "sent", "delivered", "read", "processed", "failed" }

---@class Message
---@field id string
---@field sessionId string
---@field userId string
---@field userName string
---@field content string
---@field type MessageType
---@field status MessageStatus
---@field clientId? string the id that its client gave it
---@field metadata MessageMetadata
---@field error? { code: string, message: string } why one of ours was not sent: stores/chat.lua
---@field createdAt number
---@field updatedAt number
local message = schema.record {
  id = id, sessionId = id, userId = id, userName = text:optional(), content = text,
  type = one_of { "user", "assistant", "system" }, status = status, clientId = text:optional(),
  metadata = M.MessageMetadata:default {}, createdAt = time, updatedAt = time,
}
M.Message = message:transform(with_user_name)

-- --- answers ----------------------------------------------------------------------------------

---@class AuthResponse
---@field user User
---@field token string
---@field refreshToken string
---@field expiresAt? number
---@field expiresIn? number seconds
M.AuthResponse = schema.record {
  user = M.User, token = id, refreshToken = id, expiresAt = time:optional(),
  expiresIn = schema.coerce.number():optional(),
}

---The answer to sending a message: the message, or its id alone (the message arrives as an event too).
M.Sent = schema.union { M.Message, message:pick { "id" } }

---@class Pagination
---@field page integer
---@field limit integer
---@field total integer
---@field totalPages integer
M.Pagination = schema.record { page = count, limit = count, total = count, totalPages = count }

---@class Answer the frame of a successful answer; its data has a schema of its own
---@field pagination? Pagination
M.Answer = schema.record { success = schema.literal(true), pagination = M.Pagination:optional() }

---@class Refusal the frame of a refusal; a failing server may send anything else
---@field message? string
---@field code? string
---@field errors? string[] an error for each wrong field
M.Refusal = schema.record {
  message = text:catch(nil), code = schema.string { max = 64, pattern = "^%u[%u%d_]*$" }:catch(nil),
  errors = schema.array(text):catch(nil),
}:catch {}

---The header Retry-After in seconds; nil for any other value.
M.RetryAfter = schema.coerce.number({ min = 0, max = 3600 }):catch(nil)

-- --- events -----------------------------------------------------------------------------------

---@class MessageProcessed
---@field id string
---@field sessionId string
---@field clientId? string
---@field status MessageStatus

---@class MessageDeleted
---@field messageId string
---@field sessionId string

---@class TypingIndicator
---@field sessionId string
---@field userId string
---@field userName string
---@field isTyping boolean

---@class AIProcessing
---@field messageId string
---@field sessionId string
---@field progress? number 0 to 100, of ai_processing_progress
---@field note? string what it is doing
---@field response? Message of ai_processing_end
---@field error? { message: string, code: string } of ai_processing_error

---@class ProjectEvent
---@field project? Project of project_created and project_updated
---@field projectId? string of project_deleted

---@alias Health "healthy"|"degraded"|"down"|"unknown"

---@class SystemStatus
---@field aiService Health
---@field memoryService Health
---@field activeUsers integer

---@class ErrorOccurred
---@field message string
---@field code string

local work = schema.record { messageId = id, sessionId = id }
local failure = schema.record { message = text, code = text:default "UNKNOWN" }
local project = schema.record { project = M.Project }
local session = schema.record { session = M.ChatSession }
local health = one_of { "healthy", "degraded", "down" }

---The payload of each event of the server.
---@type table<string, tidelock.Schema>
M.events = {
  new_message = M.Message,
  message_processed = schema.record {
    id = id, sessionId = id, clientId = text:optional(), status = status,
  },
  message_updated = M.Message,
  session_updated = session,
  session_deleted = schema.record { sessionId = id, projectId = id },
  message_deleted = schema.record { messageId = id, sessionId = id },
  typing_indicator = schema.record({
    sessionId = id, userId = id, userName = text:optional(), isTyping = flag,
  }):transform(with_user_name),
  ai_processing_start = work,
  ai_processing_progress = work:extend { progress = percent, note = text:default "" },
  ai_processing_end = work:extend { response = M.Message },
  ai_processing_error = work:extend { error = failure },
  project_created = project,
  project_updated = project,
  project_deleted = schema.record { projectId = id },
  system_status_update = schema.record {
    aiService = health, memoryService = health, activeUsers = count,
  },
  error_occurred = failure,
}

return M
