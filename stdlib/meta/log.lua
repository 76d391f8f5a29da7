---@meta tidelock.log

---Levelled, structured records, one line each, to standard error or `--log-file`. Each names
---the script. Logging never fails and may be done anywhere, while a script loads too. A script may log
---a thousand records at once and a hundred a second for long; more are dropped, and counted. A record
---has 64 KiB at most.
---@class tidelock.log
local log = {}

---@param message any shown as tostring has it
---@param fields? table encoded as JSON beside the message
function log.debug(message, fields) end

---@param message any shown as tostring has it
---@param fields? table encoded as JSON beside the message
function log.info(message, fields) end

---@param message any shown as tostring has it
---@param fields? table encoded as JSON beside the message
function log.warn(message, fields) end

---@param message any shown as tostring has it
---@param fields? table encoded as JSON beside the message
function log.error(message, fields) end

return log
