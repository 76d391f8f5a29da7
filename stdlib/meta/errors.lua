---@meta tidelock.errors

---@alias tidelock.Severity "low"|"medium"|"high"|"critical"

---What functions return beside nil when they fail. `tostring(err)` reads
---`CODE: message (phase: ...) <- CODE: cause`.
---@class tidelock.Error
---@field code string one of `errors.codes`, or a script's own
---@field message string what happened, where, what to do; for developers
---@field detail? any the library's or server's own words
---@field severity tidelock.Severity
---@field recoverable boolean whether trying again later may help
---@field retry_after? number seconds to wait first, if the server named any
---@field phase? string of a TIMEOUT: what took too long ("dns", "connect", "tls", ...)
---@field sent? "no"|"yes"|"unknown" whether the request reached the server
---@field cause? tidelock.Error|string
---@field data? any what the maker added
---@field time number wall-clock seconds

---@class tidelock.errors
---@field codes table<string, {meaning: string, severity: tidelock.Severity, recoverable: boolean}> see docs/errors.md
local errors = {}

---@class tidelock.errors.new
---@field code string LIKE_THIS
---@field message? string the code's meaning when not given
---@field detail? any
---@field severity? tidelock.Severity the code's; medium for a code of your own
---@field recoverable? boolean the code's; false for a code of your own
---@field retry_after? number seconds
---@field phase? string
---@field sent? "no"|"yes"|"unknown"
---@field cause? any
---@field data? any

---Makes an error; other fields than these raise.
---@param fields tidelock.errors.new
---@return tidelock.Error
function errors.new(fields) end

---Makes an error that was caused by another.
---@param cause tidelock.Error|string
---@param code string
---@param message? string the code's meaning when not given
---@return tidelock.Error
function errors.wrap(cause, code, message) end

---Whether a value is an error, and of that code.
---@param value any
---@param code? string
---@return boolean
function errors.is(value, code) end

return errors
