---@meta types
-- The types of the server's answers and events, as its API names them. Times are ISO 8601 in UTC.
error("types.lua is for editors: it is not to be required")

---@class User
---@field id string
---@field name string
---@field email? string of one's own profile alone
---@field avatar? string
---@field preferences? UserPreferences
---@field createdAt? string
---@field updatedAt? string

---@class UserPreferences
---@field theme "light"|"dark"|"system"
---@field notifications { email: boolean, push: boolean, desktop: boolean }
---@field language string

---@alias ProjectStatus "planning"|"active"|"on_hold"|"completed"|"cancelled"
---@alias ProjectPriority "low"|"medium"|"high"|"urgent"

---@class Project
---@field id string
---@field name string
---@field description string
---@field status ProjectStatus
---@field priority ProjectPriority
---@field progress number 0 to 100
---@field tags string[]
---@field collaborators User[]
---@field ownerId string
---@field settings ProjectSettings
---@field createdAt string
---@field updatedAt string

---@class ProjectSettings
---@field autoSave boolean
---@field notifications boolean
---@field aiAssistance boolean
---@field memoryRetention number days

---@class ChatSession its messages are had by a path of their own
---@field id string
---@field projectId string
---@field title string
---@field participants User[]
---@field messageCount integer
---@field settings { autoSave: boolean, memoryContext: boolean, aiAssistance: boolean }
---@field createdAt string
---@field updatedAt string

---@alias MessageType "user"|"assistant"|"system"
---@alias MessageStatus "sending"|"sent"|"delivered"|"read"|"processed"|"failed"

---@class Message
---@field id string
---@field sessionId string
---@field userId string
---@field userName string
---@field content string
---@field type MessageType
---@field status MessageStatus
---@field clientId? string the id under which its client sent it
---@field metadata table
---@field createdAt string
---@field updatedAt string

---@class AuthResponse
---@field user User
---@field token string
---@field refreshToken string
---@field expiresAt string
---@field expiresIn number seconds

---@class Pagination
---@field page integer
---@field limit integer
---@field total integer
---@field totalPages integer

-- --- events ---------------------------------------------------------------------------------

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
---@field note? string what it does
---@field response? Message of ai_processing_end
---@field error? { message: string, code: string } of ai_processing_error

---@class ProjectEvent
---@field project? Project of project_created and project_updated
---@field projectId? string of project_deleted

---@class SystemStatus
---@field aiService "healthy"|"degraded"|"down"
---@field memoryService "healthy"|"degraded"|"down"
---@field activeUsers integer

---@class ErrorOccurred
---@field message string
---@field code string
