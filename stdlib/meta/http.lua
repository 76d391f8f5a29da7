---@meta

---How a host is reached and trusted.
---@class tidelock.Route
---@field proxy? string its URL (http, https, socks4, socks4a, socks5, socks5h), credentials included; "" for none; without it as the environment says
---@field ca? string a PEM file of the certificates to trust, instead of the system's
---@field cert? string a PEM file: this side's certificate
---@field key? string a PEM file: its key; without it the key stands in `cert`
---@field key_password? string of an encrypted key
---@field pin? string the server's public key must be this one: "sha256//" and the base64 of its SHA-256; several joined by ;
---@field ciphers? string OpenSSL's list, up to TLS 1.2
---@field insecure? boolean do not check certificates: for tests

---What each request may have, and a client for all of its requests. Other names raise.
---@class tidelock.http.Common: tidelock.Route
---@field headers? table<string, string|number|false|(string|number)[]> a list goes out as several; false takes a client's away
---@field query? table<string, string|number|boolean|(string|number|boolean)[]> added to the URL (RFC 3986); a list repeats its name
---@field timeout? number seconds for the whole exchange; 30; math.huge: none
---@field decompress? boolean false: the body as it came, its Content-Encoding not undone
---@field connect_timeout? number seconds; 10
---@field max_body? integer bytes of the response's body, unpacked; 64 MiB
---@field redirects? integer how many are followed; 5; 0: none
---@field http2? boolean speak HTTP/2 (RFC 9113) where the server does over TLS, on a connection of the request's own; false
---@field expect? string|integer|false "2xx" or a status: any other response becomes nil and an HTTP error

---@class tidelock.http.Options: tidelock.http.Common
---@field body? string sent as it is
---@field json? any sent as JSON, with that Content-Type unless one is given

---@class tidelock.http.Request: tidelock.http.Options
---@field method? string "GET"
---@field url string absolute, http, https or unix:PATH[:TARGET]; a client's may be relative

---@class tidelock.http.ClientOptions: tidelock.http.Common
---@field base_url? string what relative URLs are put behind; the client's headers and query go to its origin alone

---@class tidelock.http.Response
---@field status integer
---@field headers table<string, string> by lower-case name, repeated ones joined with ", "; `set-cookie` is a list
---@field body string unpacked
---@field version "1.0"|"1.1"|"2" the HTTP that was spoken
---@field url string the one that answered, after redirects
local Response = {}

---The body, decoded.
---@return any value
---@return tidelock.Error? err DECODE, with an excerpt
function Response:json() end

---The HTTP error of `expect`.
---@class tidelock.http.Error: tidelock.Error
---@field status integer
---@field response tidelock.http.Response

---A verb: (url, options) or (url, body, options).
---@alias tidelock.http.Verb fun(url: string, body_or_options?: string|tidelock.http.Options, options?: tidelock.http.Options): tidelock.http.Response?, tidelock.Error?
---@alias tidelock.http.Method fun(self: tidelock.http.Client, url: string, body_or_options?: string|tidelock.http.Options, options?: tidelock.http.Options): tidelock.http.Response?, tidelock.Error?

---@class tidelock.http.Client
---@field get tidelock.http.Method
---@field head tidelock.http.Method
---@field post tidelock.http.Method
---@field put tidelock.http.Method
---@field patch tidelock.http.Method
---@field delete tidelock.http.Method
local Client = {}

---@param options tidelock.http.Request
---@return tidelock.http.Response?
---@return tidelock.Error? err
function Client:request(options) end

---HTTP requests. Each waits: call them in handlers and tasks. A 4xx or 5xx is a response like
---any other, unless `expect` says otherwise. See docs/http.md.
---@class tidelock.http
---@field get tidelock.http.Verb
---@field head tidelock.http.Verb
---@field post tidelock.http.Verb
---@field put tidelock.http.Verb
---@field patch tidelock.http.Verb
---@field delete tidelock.http.Verb
---@field request fun(options: tidelock.http.Request): tidelock.http.Response?, tidelock.Error?
---@field client fun(options?: tidelock.http.ClientOptions): tidelock.http.Client
