---@meta tidelock.http

---Sends HTTP requests and waits for the responses (RFC 9110, RFC 9112).
---A response with the status 4xx or 5xx is a response like any other, unless `expect` says
---otherwise. A function that waits belongs in a handler, a task or `script.on_start`. A response
---comes whole, or as a stream. See docs/http.md.
---
---```lua
---local http = require "tidelock.http"
---local script = require "tidelock.script"
---local server = require "tidelock.server"
---
---local srv = server.listen("shop", {})
---srv:get("/price/:fruit", function(req) return { fruit = req.params.fruit, price = 3 } end)
---
---script.on_start(function()
---  local shop = http.client { base_url = srv.url, timeout = 5 }
---  local res = shop:get "/price/apple"
---  print(res.status, res:json().price)
---  local none, err = shop:get("/cellar", { expect = "2xx" })
---  print(none, err.code, err.status)
---end)
---```
---```text
---200	3
---nil	HTTP	404
---```
---@class tidelock.http
local http = {}

---How a host is reached and trusted. Connections of `tidelock.socket` take these options, too.
---@class tidelock.Route
---@field proxy? string the URL of a proxy with its credentials: `http`, `https`, `socks4`, `socks4a`, `socks5` or `socks5h`; `""`: no proxy. Default: as `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` of the environment say
---@field ca? string a PEM file of the certificates to trust. Default: those of the system
---@field cert? string a PEM file with the certificate of this side
---@field key? string a PEM file with the key of this side. Default: the file `cert`
---@field key_password? string the password of the key
---@field pin? string the public key that the server must have: `sha256//` and the base64 of its SHA-256; several are joined by `;`
---@field ciphers? string the ciphers up to TLS 1.2, as OpenSSL lists them. Default: those of the library
---@field insecure? boolean accepts any certificate: for tests. Default: `false`

---The options that a request and a client both take. Other names raise.
---@class tidelock.http.Common: tidelock.Route
---@field headers? table<string, string|number|false|(string|number)[]> headers by name; a list is sent as several headers; `false` leaves out a header of the client
---@field query? table<string, string|number|boolean|(string|number|boolean)[]> is added to the URL, percent-encoded (RFC 3986); a list repeats its name
---@field timeout? number seconds for the whole call: all attempts, waits, redirects and the body; `math.huge`: no limit. Default: 30
---@field attempt_timeout? number seconds for each attempt. Default: no limit of its own
---@field retries? integer how many more attempts a call may have, 0 to 100: after 408, 425, 429, 500, 502, 503, 504 and failed connections, where the method is idempotent, nothing was sent, or there is an idempotency key. Default: 2
---@field breaker? boolean refuses calls to an origin with `UNAVAILABLE` while they fail there. Default: `true`
---@field stream? boolean gives the response when its head is there; its body is read with `chunks`, `lines` or `read`. Default: `false`
---@field idle_timeout? number seconds in which nothing of the body of a stream comes, though it is read. Default: 30
---@field max_connections? integer how many connections to an origin all requests with this option have at once, 1 to 10,000; more wait. Default: no limit
---@field keep_alive_timeout? number seconds for which the connection is kept unused; 0: not at all. Default: 118, which is the most
---@field connect_timeout? number seconds until the connection is made. Default: 10
---@field max_body? integer bytes of the body of the response, decompressed; a larger one is `TOO_LARGE`. Default: 64 MiB
---@field decompress? boolean decompresses the body as its `Content-Encoding` says: gzip or deflate; `false`: the body as it came. Default: `true`
---@field redirects? integer how many redirects are followed, 0 to 1000; more are an `HTTP` error; 0: a redirect is the response. Default: 5
---@field http2? boolean speaks HTTP/2 (RFC 9113) over TLS where the server does, with a connection for each request. Default: `false`
---@field session? tidelock.Session|false whose token is sent as `Authorization: Bearer` to its origins; a 401 for it is renewed and sent once more
---@field cookies? boolean|string|tidelock.http.Cookies takes the cookies of answers, and sends those of a jar: `true` for the jar `"default"` of the script, the name of a jar, or what `http.cookies` gave. Default: `false`
---@field expect? string|integer|false the status that is expected: `"2xx"` or another class, or a number; any other response becomes `nil` and an `HTTP` error. Default: `false`
---@field value? boolean gives the value in the answer, and the response as second result, in the place of the response: decoded JSON, out of an envelope `{success, data}` if it has one; `true` where there is none. What is no success is `nil` and an error. Default: `false`

---A part of a `multipart/form-data` body (RFC 7578).
---@class tidelock.http.Part
---@field name string the name of the field
---@field body? string the contents; a part has these or a file
---@field file? string the path of a file with the contents, as `fs.read` takes it; it is read while it is sent
---@field filename? string makes it a file of that name. Default: with `file`, its name
---@field type? string its media type. Default: none; for a file `application/octet-stream`

---The options of a request. Other names raise. `body`, `json`, `form` and `multipart` exclude each other.
---@class tidelock.http.Options: tidelock.http.Common
---@field body? string the body, sent as it is
---@field json? any a value that is sent as JSON, with `Content-Type: application/json` unless `headers` names another type
---@field form? table<string, string|number|boolean|(string|number|boolean)[]> is sent as a form (`application/x-www-form-urlencoded`); a list repeats its name
---@field multipart? tidelock.http.Part[] is sent as `multipart/form-data`, with a random boundary
---@field on_progress? fun(done: integer, total: integer?) is called with how many bytes have passed, of the body of the request if it has one, otherwise of that of the response
---@field idempotency_key? boolean|string is sent as the header `Idempotency-Key`, the same at each attempt; `true`: a random one. The request may then be repeated, whatever its method. Default: `false`

---What `http.request` takes: a request, all in one table. Other names raise.
---@class tidelock.http.Request: tidelock.http.Options
---@field method? string the method; known ones may be in lower case. Default: `"GET"`
---@field url string an absolute URL: `http`, `https` or `unix:PATH[:TARGET]`; with a client it may be relative

---What `http.client` takes: defaults for all requests of the client. Other names raise.
---@class tidelock.http.ClientOptions: tidelock.http.Common
---@field base_url? string relative URLs are put behind it: `http://host/api` and `/x` are `http://host/api/x`; `headers` and `query` of the client go to the origin of this URL only
---@field idempotency_key? boolean gives each request a random key of its own. Default: `false`
---@field cache? boolean|tidelock.http.Cache keeps responses and answers from them (RFC 9111): `true` for a cache of its own, or one that `http.cache` made. Default: `false`
---@field refused? fun(token?: string): string|true|nil, any of event streams: is called after a 401, as that option of `events`

---A response.
---@class tidelock.http.Response
---@field status integer the status, like 200
---@field headers table<string, string> headers by lower-case name; repeated ones are joined with `, `; `set-cookie` is a list
---@field body? string the body, decompressed; `nil` for a stream
---@field version "1.0"|"1.1"|"2" the version of HTTP
---@field url string the URL that answered, after redirects
---@field cache? "fresh"|"stale"|"revalidated" how the cache of the client answered; absent: the server did
local Response = {}

---Decodes the body as JSON.
---@return any value the value
---@return tidelock.Error? err `DECODE`: the body is no JSON
function Response:json() end

---Reads the body in pieces, as they come: `for chunk in res:chunks() do`. The loop ends the stream.
---@return fun(): string? next raises the error of a body that breaks off
function Response:chunks() end

---Reads the body in lines, without LF and CRLF: `for line in res:lines() do`. The loop ends the stream.
---@return fun(): string? next raises the error of a body that breaks off
function Response:lines() end

---Waits for the next piece of the body.
---@return string? chunk the piece; `nil` at the end
---@return tidelock.Error? err `RESET`, `TIMEOUT`, `DECODE`, `MEMORY`, `ABORTED` after `close`
function Response:read() end

---Ends a stream, read or not. Harmless when it has ended.
function Response:close() end

---A link of the header `Link`, with its other parameters beside these.
---@class tidelock.http.Link
---@field rel string the relation type, in lower case
---@field url string where it leads: an absolute URL of http or https, or on the same socket

---Reads the header `Link` (RFC 8288). Links about another resource (`anchor`) are left out.
---@return tidelock.http.Link[] links one for each relation type, in their order
function Response:links() end

---Finds the first link with a relation type.
---@param rel string the relation type, like `"next"`
---@return string? url where it leads
function Response:link(rel) end

---The error with the code `HTTP`: a response with a status that was not expected. With `value` also
---`REJECTED`: an envelope that says `success: false`.
---@class tidelock.http.Error: tidelock.Error
---@field status integer the status
---@field response tidelock.http.Response the response
---@field body? any with `value`: the decoded body
---@field errors? any[] with `value`: what the envelope or the problem lists as `errors`
---@field problem? tidelock.http.Problem with `value`: the problem, if the answer is one

---A problem of RFC 9457, with its extensions beside these.
---@class tidelock.http.Problem
---@field type string a URI that tells kinds of problems apart. Default: `"about:blank"`
---@field title? string the kind of problem, in words
---@field status? number the status that the sender gave
---@field detail? string this problem, in words; for people, not to be taken apart
---@field instance? string a URI of this very problem

---How a list continues.
---@class tidelock.http.Paging
---@field by? "link"|"cursor"|"envelope" what names the next page: the header `Link`, a cursor, the page numbers of an envelope's `pagination`. Default: the one that the first page has
---@field cursor? string where a page has the cursor of the next, like `"meta.next"`
---@field cursor_query? string the name in the query that takes it. Default: `"cursor"`
---@field items? string where a page has its list, like `"data.list"`. Default: `data`, or the whole
---@field max_pages? number the most pages to fetch. Default: no limit

---The options of a list: those of a GET, whose `value` and `expect` have no meaning here, and how the
---list continues.
---@class tidelock.http.ListOptions: tidelock.http.Options
---@field paging? tidelock.http.Paging how the list continues

---Sends a request. Every error of it says in `sent` whether the server may have seen the request.
---@param options tidelock.http.Request the request
---@return tidelock.http.Response? response the response
---@return tidelock.Error? err no response: `URL`, `DNS`, `CONNECT`, `PROXY`, `TLS`, `TIMEOUT` with its `phase`, `RESET`, `PROTOCOL`, `DECODE`, `TOO_LARGE`, `INVALID`, `UNAVAILABLE`; `HTTP`: too many redirects; with `expect` also a `tidelock.http.Error`: another status
function http.request(options) end

---Sends a GET request.
---@param url string an absolute URL: `http`, `https` or `unix:PATH[:TARGET]`
---@param options? tidelock.http.Options headers, limits and so on
---@return tidelock.http.Response? response the response
---@return tidelock.Error? err as `http.request`
function http.get(url, options) end

---Sends a HEAD request. The response has no body.
---@param url string an absolute URL: `http`, `https` or `unix:PATH[:TARGET]`
---@param options? tidelock.http.Options headers, limits and so on
---@return tidelock.http.Response? response the response
---@return tidelock.Error? err as `http.request`
function http.head(url, options) end

---Sends a DELETE request.
---@param url string an absolute URL: `http`, `https` or `unix:PATH[:TARGET]`
---@param options? tidelock.http.Options headers, limits and so on
---@return tidelock.http.Response? response the response
---@return tidelock.Error? err as `http.request`
function http.delete(url, options) end

---Sends a POST request. The body may stand before the options, as a string.
---@param url string an absolute URL: `http`, `https` or `unix:PATH[:TARGET]`
---@param body_or_options? string|tidelock.http.Options the body, or the options
---@param options? tidelock.http.Options the options, behind a body
---@return tidelock.http.Response? response the response
---@return tidelock.Error? err as `http.request`
function http.post(url, body_or_options, options) end

---Sends a PUT request. The body may stand before the options, as a string.
---@param url string an absolute URL: `http`, `https` or `unix:PATH[:TARGET]`
---@param body_or_options? string|tidelock.http.Options the body, or the options
---@param options? tidelock.http.Options the options, behind a body
---@return tidelock.http.Response? response the response
---@return tidelock.Error? err as `http.request`
function http.put(url, body_or_options, options) end

---Sends a PATCH request. The body may stand before the options, as a string.
---@param url string an absolute URL: `http`, `https` or `unix:PATH[:TARGET]`
---@param body_or_options? string|tidelock.http.Options the body, or the options
---@param options? tidelock.http.Options the options, behind a body
---@return tidelock.http.Response? response the response
---@return tidelock.Error? err as `http.request`
function http.patch(url, body_or_options, options) end

---Gives the pages of a list, one after the other: `for items, response in http.pages(url)`.
---A page that fails raises its error, so that no list looks complete that is not.
---@param url string an absolute URL
---@param options? tidelock.http.ListOptions the options of each request
---@return fun(): any[]?, tidelock.http.Response? next gives the items of the next page
function http.pages(url, options) end

---Gives the items of a list, whatever pages they come in: `for item in http.items(url)`. It raises as `pages` does.
---@param url string an absolute URL
---@param options? tidelock.http.ListOptions the options of each request
---@return fun(): any next gives the next item
function http.items(url, options) end

---A cookie.
---@class tidelock.http.Cookie
---@field name string its name
---@field value string its value
---@field domain string the host, or the domain, that it is for
---@field path string the path that it is for
---@field expires? number when it ends, in seconds since 1970; absent: with the process
---@field host_only boolean it is for that host alone, not for those below it
---@field secure boolean it is sent over TLS alone
---@field http_only boolean the server said `HttpOnly`

---A jar of cookies, which belongs to the script.
---@class tidelock.http.Cookies
local Cookies = {}

---Lists what the jar has, the oldest first.
---@return tidelock.http.Cookie[] cookies those that are not over
function Cookies:list() end

---Forgets all cookies, those that are kept, too.
function Cookies:clear() end

---How a jar is kept. Other names raise.
---@class tidelock.http.CookiesOptions
---@field persist? boolean keeps the cookies that have an end in the profile, over restarts. Default: `false`

---Gives the script's jar of cookies of a name, for the option `cookies`. It stays the same over a reload.
---@param name? string 1 to 64 letters, digits, `.`, `_` and `-`. Default: `"default"`
---@param options? tidelock.http.CookiesOptions how it is kept
---@return tidelock.http.Cookies jar the jar
function http.cookies(name, options) end

---The options of a download: those of a GET, without `stream`, `value`, `expect`, `decompress` and
---`idempotency_key`, and these. Without `timeout` it may take any time; `idle_timeout` counts.
---@class tidelock.http.DownloadOptions: tidelock.http.Options
---@field file string the path of the file, which `tidelock.fs` may write; it appears when it is whole
---@field folder? tidelock.fs.Folder the folder of `file`. Default: the one that was allowed first
---@field resume? boolean goes on with the part that an earlier call has left, and leaves one. Default: `false`

---What a download has come to.
---@class tidelock.http.Download
---@field status integer of the last answer: 200, 206 or 416
---@field headers table<string, string|string[]> of the last answer
---@field url string the URL that answered, after redirects
---@field version string of HTTP
---@field file string the path
---@field bytes integer what the file has
---@field resumed integer how many of them an earlier call had left

---Writes the body of a URL to a file, and goes on where it breaks off, if the server can tell its versions
---apart. Waits until the file is whole.
---@param url string an absolute URL
---@param options tidelock.http.DownloadOptions the file, and the options of its requests
---@return tidelock.http.Download? result what came of it
---@return tidelock.Error? err as `http.request`, with every status but 200, 206 and 416 as `HTTP`; or as `fs.write`
function http.download(url, options) end

---How much a cache holds. Other names raise.
---@class tidelock.http.CacheLimits
---@field max_entries? integer the most responses. Default: 1000
---@field max_bytes? integer the most bytes, with what a response costs beside its body. Default: 32 MiB

---How much a cache holds now, and how often it was of use.
---@class tidelock.http.CacheStats
---@field entries integer responses
---@field bytes integer bytes
---@field hits integer requests that were answered from it
---@field misses integer requests that the server answered
---@field evictions integer responses that were given up for others

---A private cache of responses. It belongs to one generation of a script.
---@class tidelock.http.Cache
local Cache = {}

---Forgets all responses.
function Cache:clear() end

---Says what it holds.
---@return tidelock.http.CacheStats stats counts and bytes
function Cache:stats() end

---Makes a private cache (RFC 9111), for one client or several.
---@param limits? tidelock.http.CacheLimits how much it holds
---@return tidelock.http.Cache cache the cache
function http.cache(limits) end

---Makes a client: the same functions as methods, with defaults that each request may override.
---@param options? tidelock.http.ClientOptions the defaults
---@return tidelock.http.Client client the client
function http.client(options) end

---An event that a server sends (HTML, 9.2).
---@class tidelock.http.Event
---@field type string its type; `"message"` if the stream names none
---@field data string its lines, joined by LF
---@field id? string the last id that the stream named, its own or an earlier one
---@field gap? true it is the first after a reconnection that had no id to resume from: events may be missing, or come twice

---When an event stream is requested again.
---@class tidelock.http.Reconnect
---@field delay? number seconds before the first attempt, doubled with each; what the server sends as `retry:` counts instead. Default: 1
---@field max_delay? number the most seconds. Default: 30
---@field attempts? number how many attempts in a row, without an event. Default: no limit
---@field jitter? number the share of the delay that is random, 0 to 1. Default: 1

---What handlers of the state of an event stream are told.
---@class tidelock.http.EventsInfo
---@field error? tidelock.Error why it failed
---@field retry_in? number seconds until the next attempt
---@field attempt? integer how many attempts there were since the last event
---@field gap? true the reconnection had no id to resume from

---The options of an event stream: those of a request, without `stream`, `value`, `expect`, `retries`,
---`max_body` and `on_progress`, and these. `timeout` is that of the head, `idle_timeout` is 60 by default.
---@class tidelock.http.EventsOptions: tidelock.http.Options
---@field method? string the method. Default: `"GET"`
---@field last_id? string the id to begin after, sent as `Last-Event-ID`
---@field max_event? integer bytes of an event; a larger one is `TOO_LARGE`. Default: 1 MiB
---@field reconnect? tidelock.http.Reconnect|false when it is requested again; `false`: never. A POST or PATCH is, if there is an id, or if this is given
---@field refused? fun(token?: string): string|true|nil, any is called after a 401 with the token that was sent; returns another, or `true`: the request gets one by itself, or `nil` and an error
---@field persist? boolean keeps the last id in the profile, over restarts. Default: `false`
---@field on_state? fun(state: "connecting"|"connected"|"reconnecting"|"closed", info: tidelock.http.EventsInfo) of a loop: is called with each state
---@field name? string of a loop: the name under which its last id is kept; the loop begins after it

---Gives the events that a server sends: `for event in http.events(url) do`. It connects again where a
---stream ends or breaks off, and goes on after the last id, until the server answers 204. What ends it for
---good is raised. At a reload it raises `RELOADED`.
---
---With a name before the URL it declares a stream that goes on over a reload:
---`http.events("news", url):on(function(event) ... end)`. See docs/http_events.md.
---@param url string an absolute URL: `http`, `https` or `unix:PATH[:TARGET]`
---@param options? tidelock.http.EventsOptions headers, reconnection and so on
---@return fun(): tidelock.http.Event? next waits for the next event
---@overload fun(name: string, url: string, options?: tidelock.http.EventsOptions): tidelock.http.EventSource?, tidelock.Error?
function http.events(url, options) end

---Gives the last id of the stream that is declared by this name, or of the loop of this name.
---@param name string the name
---@return string? id the last id, also one that an earlier generation had; with `persist` of an earlier process, except while the script loads
function http.last_id(name) end

---A declared event stream.
---@class tidelock.http.EventSource
local EventSource = {}

---Adds a handler of events. Each event goes to one generation, in order; a handler is a task.
---@param fn fun(event: tidelock.http.Event) the handler
---@return tidelock.Handler handler removes the handler
function EventSource:on(fn) end

---Adds a handler of states.
---@param fn fun(state: "connecting"|"connected"|"reconnecting"|"closed", info: tidelock.http.EventsInfo) the handler
---@return tidelock.Handler handler removes the handler
function EventSource:on_state(fn) end

---Removes handlers of events.
---@param fn? function only this one. Default: all
---@return integer count how many there were
function EventSource:off(fn) end

---Ends the stream. Its name may be declared again. Harmless when it has ended.
function EventSource:close() end

---Gives the state.
---@return "connecting"|"connected"|"reconnecting"|"closed" state the state
function EventSource:state() end

---Gives the last id.
---@return string? id the last id; `nil`: none
function EventSource:last_id() end

---A request as middleware sees it.
---@class tidelock.http.Value
---@field method string the method
---@field url string the whole URL
---@field headers table<string, string|number|(string|number)[]> headers; the case of their names does not matter
---@field body? string the body

---How a middleware runs.
---@class tidelock.http.UseOptions
---@field per_attempt? boolean it runs at each attempt of a call, instead of once. Default: `false`

---What `http.client` makes. Call its methods with a colon.
---@class tidelock.http.Client
local Client = {}

---Puts a function around each call of the client. The first added is the outermost.
---@param fn fun(req: tidelock.http.Value, next: fun(req: tidelock.http.Value?): (tidelock.http.Response?, tidelock.Error?)): (table?, tidelock.Error?) gets the request and a function that hands it on; returns a response, `{ status =, headers =, body = }`, or `nil` and an error
---@param options? tidelock.http.UseOptions how it runs
---@return tidelock.http.Client client the client itself
function Client:use(fn, options) end

---Sends a request, with the defaults of the client.
---@param options tidelock.http.Request the request
---@return tidelock.http.Response? response the response
---@return tidelock.Error? err as `http.request`
function Client:request(options) end

---Sends a GET request.
---@param url string an absolute URL, or one relative to `base_url`
---@param options? tidelock.http.Options headers, limits and so on
---@return tidelock.http.Response? response the response
---@return tidelock.Error? err as `http.request`
function Client:get(url, options) end

---Sends a HEAD request. The response has no body.
---@param url string an absolute URL, or one relative to `base_url`
---@param options? tidelock.http.Options headers, limits and so on
---@return tidelock.http.Response? response the response
---@return tidelock.Error? err as `http.request`
function Client:head(url, options) end

---Sends a DELETE request.
---@param url string an absolute URL, or one relative to `base_url`
---@param options? tidelock.http.Options headers, limits and so on
---@return tidelock.http.Response? response the response
---@return tidelock.Error? err as `http.request`
function Client:delete(url, options) end

---Sends a POST request. The body may stand before the options, as a string.
---@param url string an absolute URL, or one relative to `base_url`
---@param body_or_options? string|tidelock.http.Options the body, or the options
---@param options? tidelock.http.Options the options, behind a body
---@return tidelock.http.Response? response the response
---@return tidelock.Error? err as `http.request`
function Client:post(url, body_or_options, options) end

---Sends a PUT request. The body may stand before the options, as a string.
---@param url string an absolute URL, or one relative to `base_url`
---@param body_or_options? string|tidelock.http.Options the body, or the options
---@param options? tidelock.http.Options the options, behind a body
---@return tidelock.http.Response? response the response
---@return tidelock.Error? err as `http.request`
function Client:put(url, body_or_options, options) end

---Sends a PATCH request. The body may stand before the options, as a string.
---@param url string an absolute URL, or one relative to `base_url`
---@param body_or_options? string|tidelock.http.Options the body, or the options
---@param options? tidelock.http.Options the options, behind a body
---@return tidelock.http.Response? response the response
---@return tidelock.Error? err as `http.request`
function Client:patch(url, body_or_options, options) end

---Gives the pages of a list, one after the other: `for items, response in api:pages(url)`.
---A page that fails raises its error, so that no list looks complete that is not.
---@param url string an absolute URL, or one relative to `base_url`
---@param options? tidelock.http.ListOptions the options of each request
---@return fun(): any[]?, tidelock.http.Response? next gives the items of the next page
function Client:pages(url, options) end

---Gives the items of a list, whatever pages they come in: `for item in api:items(url)`. It raises as `pages` does.
---@param url string an absolute URL, or one relative to `base_url`
---@param options? tidelock.http.ListOptions the options of each request
---@return fun(): any next gives the next item
function Client:items(url, options) end

---Writes the body of a URL to a file, as `http.download` does.
---@param url string an absolute URL, or one relative to `base_url`
---@param options tidelock.http.DownloadOptions the file, and the options of its requests
---@return tidelock.http.Download? result what came of it
---@return tidelock.Error? err as `http.download`
function Client:download(url, options) end

---Gives the events that a server sends, as `http.events` does.
---@param url string an absolute URL, or one relative to `base_url`
---@param options? tidelock.http.EventsOptions headers, reconnection and so on
---@return fun(): tidelock.http.Event? next waits for the next event
---@overload fun(self: tidelock.http.Client, name: string, url: string, options?: tidelock.http.EventsOptions): tidelock.http.EventSource?, tidelock.Error?
function Client:events(url, options) end

return http
