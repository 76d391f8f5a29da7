---@meta tidelock.crypto

---Writes and reads base64 and hexadecimal digits, and makes digests and keyed digests: for
---webhooks, signatures and tokens. All texts are strings of bytes; other types raise, numbers
---included. Random bytes come from `tidelock.random`.
---
---```lua
---local crypto = require "tidelock.crypto"
---
---local body, secret = '{"id":1}', "whsec_c2VjcmV0"
---local signature = "sha256=" .. crypto.hmac("sha256", secret, body)
---print(signature)
---print(crypto.equal(signature, "sha256=" .. ("0"):rep(64)))
---print(crypto.base64_encode("any\0bytes", { url = true }))
---local bytes, err = crypto.base64_decode "YW55*GJ5dGVz"
---print(bytes, err.code)
---```
---```text
---sha256=2419e5058d9c8d0a5cd08fd70d56652f681f140b36ee6f46d4c6c41715beca2e
---false
---YW55AGJ5dGVz
---nil	DECODE
---```
---@class tidelock.crypto
local crypto = {}

---How base64 is written (RFC 4648). Other names raise.
---@class tidelock.crypto.base64
---@field url? boolean the alphabet for URLs and file names: `-` and `_` for `+` and `/`. Default: `false`
---@field padding? boolean `=` fills up the last four characters. Default: the opposite of `url`, as JSON Web Tokens have it

---The name of a digest. SHA-1 is for old protocols that ask for it: it is not secure any more.
---@alias tidelock.crypto.digest "sha1"|"sha256"|"sha384"|"sha512"

---How a digest is written: lower-case hexadecimal digits, the bytes themselves, base64 with padding,
---or base64 for URLs without.
---@alias tidelock.crypto.format "hex"|"bytes"|"base64"|"base64url"

---Writes bytes as base64 (RFC 4648).
---@param bytes string any bytes
---@param options? tidelock.crypto.base64 the form
---@return string text the text, without line breaks
function crypto.base64_encode(bytes, options) end

---Reads base64 (RFC 4648). Only the text that `base64_encode` writes with the same options is read:
---no line breaks, no blanks, no missing or needless padding, no bits left over.
---@param text string base64
---@param options? tidelock.crypto.base64 the form
---@return string? bytes the bytes
---@return tidelock.Error? err `DECODE`: no base64 of this form, with the byte that cannot stand there
function crypto.base64_decode(text, options) end

---Writes bytes as hexadecimal digits.
---@param bytes string any bytes
---@return string digits two lower-case digits for each byte
function crypto.hex_encode(bytes) end

---Reads hexadecimal digits.
---@param digits string digits in either case, nothing between them
---@return string? bytes the bytes
---@return tidelock.Error? err `DECODE`: a character that is no digit, or an odd number of digits
function crypto.hex_decode(digits) end

---Makes a digest of a text (FIPS 180-4).
---@param name tidelock.crypto.digest which digest; other names raise
---@param text string any bytes
---@param format? tidelock.crypto.format how it is written. Default: `"hex"`
---@return string digest the digest
function crypto.digest(name, text, format) end

---Makes the SHA-256 digest of a text: `crypto.digest("sha256", text, format)`.
---@param text string any bytes
---@param format? tidelock.crypto.format how it is written. Default: `"hex"`
---@return string digest the digest
function crypto.sha256(text, format) end

---Makes a keyed digest of a text, an HMAC (RFC 2104). Compare one that came with one that was made by
---`crypto.equal`, never by `==`.
---@param name tidelock.crypto.digest which digest; other names raise
---@param key string the secret that both sides know, of any length
---@param text string any bytes
---@param format? tidelock.crypto.format how it is written. Default: `"hex"`
---@return string digest the keyed digest
function crypto.hmac(name, key, text, format) end

---Compares two texts in a time that depends on their lengths alone, not on where they differ: so
---nobody can find out a secret byte by byte.
---@param a string a text
---@param b string another one
---@return boolean equal whether they are the same bytes
function crypto.equal(a, b) end

return crypto
