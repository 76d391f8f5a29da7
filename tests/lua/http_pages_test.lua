-- Links (RFC 8288), values in answers (RFC 9457, envelopes), lists page by page.
local test = require "tidelock.test"
local http = require "tidelock.http"
local json = require "tidelock.json"
local link = require "tidelock.http.link"
local server = require "tidelock.server"
local expect = test.expect

local srv = server.listen("pages", {})
local other = server.listen("other", {})
local seen = {}

local function parsed(text)
  local out = {}
  for _, one in ipairs(link.parse(text)) do
    local names = {}
    for name in pairs(one.parameters) do names[#names + 1] = name end
    table.sort(names)
    local parts = { one.target }
    for _, name in ipairs(names) do parts[#parts + 1] = name .. "=" .. one.parameters[name] end
    out[#out + 1] = table.concat(parts, " ")
  end
  return table.concat(out, " | ")
end

local function links_of(text)
  local out = {}
  for _, one in ipairs(link.of_response { url = "http://h.test/a/b?c", headers = { link = text } }) do
    out[#out + 1] = one.rel .. " " .. one.url
  end
  return table.concat(out, " | ")
end

test.describe("the header Link", function()
  test.it("reads the examples of RFC 8288", function()
    expect(parsed '<http://example.com/TheBook/chapter2>; rel="previous"; title="previous chapter"')
      .equals "http://example.com/TheBook/chapter2 rel=previous title=previous chapter"
    expect(parsed '</>; rel="http://example.net/foo"').equals "/ rel=http://example.net/foo"
    expect(parsed '</terms>; rel="copyright"; anchor="#foo"').equals "/terms anchor=#foo rel=copyright"
    local german = "</TheBook/chapter2>; rel=\"previous\"; title*=UTF-8'de'letztes%20Kapitel,\n"
      .. "</TheBook/chapter4>; rel=\"next\"; title*=UTF-8'de'n%c3%a4chstes%20Kapitel"
    expect(parsed(german))
      .equals("/TheBook/chapter2 rel=previous title*=UTF-8'de'letztes%20Kapitel | "
        .. "/TheBook/chapter4 rel=next title*=UTF-8'de'n%c3%a4chstes%20Kapitel")
    expect(links_of '<http://example.org/>; rel="start http://example.net/relation/other"')
      .equals "start http://example.org/ | http://example.net/relation/other http://example.org/"
  end)

  test.it("is not split within <> and quotes", function()
    expect(parsed '<a,b;c>; rel="x, \\"y\\"; z", <d>;rel=next').equals 'a,b;c rel=x, "y"; z | d rel=next'
    expect(parsed '<a>;rel="next').equals "a rel=next"
    expect(parsed '<a>;rel="next\\').equals "a rel=next"
  end)

  test.it("counts the first parameter of a name, in any case", function()
    expect(parsed "<a>; REL=next; rel=prev").equals "a rel=next"
    expect(parsed "<a> ;\trel\t=\tnext ; x ; =y;;z=").equals "a rel=next x= z="
    expect(links_of "<x>;rel=NEXT").equals "next http://h.test/a/x"
  end)

  test.it("reads nothing behind a mistake", function()
    for _, text in ipairs { "", ",", " , ,", "a", "<", "<a", "rel=next", "<a", ";<a>;rel=next" } do
      expect(parsed(text)).equals ""
    end
    expect(parsed "<a>;rel=next, b, <c>;rel=last").equals "a rel=next"
    expect(parsed ",, <a>;rel=next ,,<b>").equals "a rel=next | b"
  end)

  test.it("resolves against the URL that answered, and leads to http and https alone", function()
    expect(links_of "<../x?y=1>;rel=next, <?p=2>;rel=b, </z>;rel=c, <//o.test/q>;rel=d")
      .equals "next http://h.test/x?y=1 | b http://h.test/a/b?p=2 | c http://h.test/z | d http://o.test/q"
    expect(links_of "<unix:/run/docker.sock>;rel=next, <file:///etc/passwd>;rel=next, <mailto:a@b>;rel=b")
      .equals ""
    expect(links_of "<a>;rel=next;anchor=\"#x\", <b>;rel=next").equals "next http://h.test/a/b"
    expect(link.of_response { url = "unix:/run/a.sock:/x", headers = { link = "</y?z>;rel=next" } }[1].url)
      .equals "unix:/run/a.sock:/y?z"
  end)

  test.it("a header of any bytes is read in time in proportion to them", function()
    for _, unit in ipairs { " ", "\t", ";", ",", "<", ">", '"', "\\", "a", ";rel=", "<a>;" } do
      for _, lead in ipairs { "", "<a>; rel=x", '<a>; rel="', "<a>;", "<" } do
        link.parse(lead .. unit:rep(250000 // #unit) .. "y")
      end
    end
  end)

  test.it("no header raises, and what is read of one was in it", function()
    math.randomseed(11)
    local whole = '<http://a.test/?p=2>; rel="next last"; title="a\\"b", </c>;rel=prev;x, <d> ; REL = "e"'
    local odd = { "<", ">", ";", ",", '"', "\\", "=", " ", "\0", "\255", "rel=" }
    for _ = 1, 10000 do
      local text = whole
      for _ = 1, math.random(4) do
        local at = math.random(#text)
        local put = odd[math.random(#odd)]:rep(math.random(0, 3))
        text = text:sub(1, at - 1) .. put .. text:sub(at + math.random(0, 2))
      end
      for _, one in ipairs(link.parse(text)) do
        expect(text:find(one.target, 1, true) ~= nil).is_true()
      end
    end
  end)

  test.it("takes time in proportion to its length", function()
    local text = ("<a>;rel=next;x=\"\\\"" .. ("\\\""):rep(1000) .. "\", "):rep(100)
    expect(#link.parse(text)).equals(100)
    expect(#link.parse(("<a>;"):rep(50000))).equals(1)
    expect(#link.parse(("<"):rep(200000))).equals(0)
  end)
end)

-- --- values ---------------------------------------------------------------------------------

local answers = {
  bare = { 200, json.array { 1, 2 } },
  null = { 200, "null", "application/json" },
  empty = { 204, "" },
  html = { 200, "<p>", "text/html" },
  hal = { 200, '{"a":1}', "application/hal+json; charset=utf-8" },
  broken = { 200, '{"a":', "application/json" },
  envelope = { 200, { success = true, data = { id = 7 }, message = "done" } },
  nothing = { 200, { success = true } },
  refused = { 200, { success = false, message = "not today", errors = { "a", "b" } } },
  invalid = { 422, { success = false, message = "no name", errors = { "name is missing" } } },
  problem = { 403, '{"type":"https://example.com/probs/out-of-credit",'
    .. '"title":"You do not have enough credit.","detail":"Your current balance is 30, but that costs 50.",'
    .. '"instance":"/account/12345/msgs/abc","balance":30,"accounts":["/account/12345","/account/67890"]}',
    "application/problem+json" },
  odd_problem = { 500, '{"type":7,"title":null,"status":"x","detail":[],"more":true}',
    "Application/Problem+JSON" },
  empty_problem = { 500, "", "application/problem+json" },
}
srv:get("/answer/:name", function(req)
  local status, body, kind = table.unpack(answers[req.params.name])
  return status, body, kind and { ["Content-Type"] = kind } or nil
end)

local function value_of(name) return http.get(srv.url .. "/answer/" .. name, { value = true }) end

test.describe("value = true", function()
  test.it("gives the value, bare or out of the plan's envelope, and the response", function()
    local list, res = value_of "bare"
    expect(list).equals { 1, 2 }
    expect(res.status).equals(200)
    expect(value_of "hal").equals { a = 1 }
    expect(value_of "envelope").equals { id = 7 }
  end)

  test.it("never gives nil for a success", function()
    expect(value_of "null").equals(json.null)
    expect(value_of "empty").equals(true)
    expect(value_of "nothing").equals(true)
  end)

  test.it("gives a problem of RFC 9457 as an error", function()
    local value, err = value_of "problem"
    expect(value).equals(nil)
    expect(err.code).equals "HTTP"
    expect(err.status).equals(403)
    expect(err.message).contains "answered 403: You do not have enough credit."
    expect(err.problem.type).equals "https://example.com/probs/out-of-credit"
    expect(err.problem.detail).equals "Your current balance is 30, but that costs 50."
    expect(err.problem.instance).equals "/account/12345/msgs/abc"
    expect(err.problem.balance).equals(30)
    expect(err.problem.accounts).equals { "/account/12345", "/account/67890" }
  end)

  test.it("ignores members of the wrong type", function()
    local _, err = value_of "odd_problem"
    expect(err.problem).equals { type = "about:blank", more = true }
    _, err = value_of "empty_problem"
    expect(err.status).equals(500)
    expect(err.problem).equals(nil)
  end)

  test.it("gives an envelope without success as an error", function()
    local _, err = value_of "refused"
    expect(err.code).equals "REJECTED"
    expect(err.message).contains "not today"
    expect(err.errors).equals { "a", "b" }
    _, err = value_of "invalid"
    expect(err.code).equals "HTTP"
    expect(err.status).equals(422)
    expect(err.errors).equals { "name is missing" }
  end)

  test.it("says what came in the place of JSON", function()
    local _, err = value_of "html"
    expect(err.code).equals "DECODE"
    expect(err.message).contains "text/html"
    _, err = value_of "broken"
    expect(err.code).equals "DECODE"
  end)
end)

-- --- pages ----------------------------------------------------------------------------------

local function note(req)
  seen[#seen + 1] = req.path .. "?" .. (req.query_string or "")
  seen.headers = req.headers
end

srv:get("/link", function(req)
  note(req)
  local page = tonumber(req.query.page or 1)
  local next_link = page < 3 and ('</link?limit=2&page=%d>; rel="next"'):format(page + 1)
  return 200, json.array { page * 10, page * 10 + 1 }, next_link and { Link = next_link } or nil
end)
srv:get("/circle", function(req)
  note(req)
  return 200, json.array { 1 }, { Link = '</circle?page=1>; rel="next"' }
end)
srv:get("/away", function()
  return 200, json.array { 1 }, { Link = ('<%s/home>; rel="next"'):format(other.url) }
end)
other:get("/home", function(req)
  note(req)
  return 200, json.array { 2 }
end)
srv:get("/cursor", function(req)
  note(req)
  local at = tonumber(req.query.after or 0)
  return { list = { at, at + 1 }, meta = { following = at < 4 and at + 2 or json.null } }
end)
srv:get("/envelope", function(req)
  note(req)
  local page = tonumber(req.query.page or 1)
  return { success = true, data = { page }, pagination = { page = page, limit = 1, totalPages = 3 } }
end)
srv:get("/liar", function()
  return { success = true, data = json.array {}, pagination = { page = 1, totalPages = 1e9 } }
end)
srv:get("/late-fault", function(req)
  if req.query.page == "2" then return 500, { success = false, message = "no disk" } end
  return 200, json.array { 1 }, { Link = '</late-fault?page=2>; rel="next"' }
end)
srv:get("/object", function() return { a = 1 } end)

-- The server has its URL once the script has started.
local function api() return http.client { base_url = srv.url, headers = { Authorization = "Bearer x" } } end

local function collect(path, options)
  local all = {}
  seen = {}
  for item in api():items(path, options) do all[#all + 1] = item end
  return all
end

test.describe("pages", function()
  test.it("follow the header Link", function()
    expect(collect("/link", { query = { limit = 2 } })).equals { 10, 11, 20, 21, 30, 31 }
    expect(seen[1]).equals "/link?limit=2"
    expect(seen[3]).equals "/link?limit=2&page=3"
    local pages = 0
    for items, res in api():pages "/link" do
      pages = pages + 1
      expect(#items).equals(2)
      expect(res.status).equals(200)
    end
    expect(pages).equals(3)
  end)

  test.it("follow a cursor", function()
    local paging = { cursor = "meta.following", cursor_query = "after", items = "list" }
    expect(collect("/cursor", { query = { limit = 2 }, paging = paging })).equals { 0, 1, 2, 3, 4, 5 }
    expect(seen[3]).equals "/cursor?after=4&limit=2"
  end)

  test.it("follow the page numbers of an envelope", function()
    expect(collect "/envelope").equals { 1, 2, 3 }
    expect(collect("/envelope", { query = { page = 2 } })).equals { 2, 3 }
    expect(collect("/envelope", { paging = { max_pages = 2 } })).equals { 1, 2 }
  end)

  test.it("end where a page comes again, and where a server promises pages that are empty", function()
    expect(collect "/circle").equals { 1, 1 }
    expect(#seen).equals(2)
    expect(collect "/liar").equals {}
  end)

  test.it("keep credentials on their origin", function()
    expect(collect("/away", { headers = { ["X-Api-Key"] = "k" } })).equals { 1, 2 }
    expect(seen.headers.authorization).equals(nil)
    expect(seen.headers["x-api-key"]).equals(nil)
    collect("/link", { headers = { ["X-Api-Key"] = "k" } })
    expect(seen.headers.authorization).equals "Bearer x"
    expect(seen.headers["x-api-key"]).equals "k"
  end)

  test.it("raise the error of a page, so that no list looks complete that is not", function()
    local all = {}
    local ok, err = pcall(function()
      for item in api():items "/late-fault" do all[#all + 1] = item end
    end)
    expect(ok).equals(false)
    expect(err.code).equals "HTTP"
    expect(err.message).contains "no disk"
    expect(all).equals { 1 }
    ok, err = pcall(collect, "/object")
    expect(ok).equals(false)
    expect(err.code).equals "INVALID"
    expect(tostring(err)).contains "holds no list"
  end)

  test.it("check their options where they are written", function()
    local wrong = { { by = "x" }, { by = "cursor" }, { pages = 1 }, { max_pages = 0 }, { max_pages = 0 / 0 },
      { max_pages = 1.5 }, { max_pages = math.huge }, { max_pages = "2" }, "link" }
    for _, paging in ipairs(wrong) do
      expect(function() api():pages("/link", { paging = paging }) end).raises "paging"
    end
    expect(function() api():pages("/link", { timeouts = 1 }) end).raises "timeout"
    expect(function() http.pages() end).raises "url"
  end)
end)
