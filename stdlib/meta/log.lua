---@meta tidelock.log

---Writes records to the log: standard error, or the file of `--log-file`.
---A record is one line, with its level and the name of the script. `--log-level` says which levels
---appear (`info` and above unless it is given), `--log-format json` writes each record as JSON. Logging never fails and never
---waits, and it is allowed while a script loads, too. A script may write 1000 records at once and
---100 a second for long; the log counts and drops the others. A record has at most 64 KiB.
---
---```lua
---local log = require "tidelock.log"
---
---log.info("the file is read", { lines = 42 })
---```
---Behind the time it writes:
---```text
---INFO  example: the file is read {"lines":42}
---```
---@class tidelock.log
local log = {}

---Writes a record of the level DEBUG: for developers. It appears with `--log-level debug`.
---@param message any the text of the record; other values appear as `tostring` gives them
---@param fields? table more values, which appear behind the message as JSON; a value that JSON cannot hold appears as a text that says why
function log.debug(message, fields) end

---Writes a record of the level INFO: something happened as expected.
---@param message any the text of the record; other values appear as `tostring` gives them
---@param fields? table more values, which appear behind the message as JSON
function log.info(message, fields) end

---Writes a record of the level WARN: something is wrong, and the script goes on.
---@param message any the text of the record; other values appear as `tostring` gives them
---@param fields? table more values, which appear behind the message as JSON
function log.warn(message, fields) end

---Writes a record of the level ERROR: something failed.
---@param message any the text of the record; other values appear as `tostring` gives them
---@param fields? table more values, which appear behind the message as JSON
function log.error(message, fields) end

return log
