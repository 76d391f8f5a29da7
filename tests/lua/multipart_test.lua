-- Forms with files, as the server reads them: what is right, and what hostile clients send.
local multipart = require "tidelock.server.multipart"
local test = require "tidelock.test"
local expect = test.expect

local TYPE = "multipart/form-data; boundary=B"

local function part(head, body) return "--B\r\n" .. head .. "\r\n\r\n" .. body .. "\r\n" end
local function named(name, body)
  return part('Content-Disposition: form-data; name="' .. name .. '"', body)
end

local function parse(body, limits, kind) return multipart.parse(kind or TYPE, body, limits) end
local function code(...)
  local parts, err = parse(...)
  return parts and "fine" or err.code
end

local function file(said)
  local head = "Content-Disposition: form-data; name=f; filename=" .. said
  return assert(parse(part(head, "x") .. "--B--"))[1].filename
end

test.describe("a form with files", function()
  test.it("has its parts in their order (RFC 7578)", function()
    local parts = assert(parse("preamble\r\n" .. named("a", "1") .. named("a", "2\r\n--Bx\r\n--")
      .. part('content-disposition:form-data;name="f";filename="t.txt"\r\nContent-Type: text/x', "\0\r\n\n")
      .. named("empty", "") .. "--B--\r\nepilogue"))
    expect(#parts).is(4)
    expect(parts[2].body).is "2\r\n--Bx\r\n--"
    expect(parts[1].is_file).is(false)
    expect(parts[3].filename).is "t.txt"
    expect(parts[3].type).is "text/x"
    expect(parts[3].body).is "\0\r\n\n"
    expect(parts[4].body).is ""
    expect(#assert(parse "--B--")).is(0)
  end)

  test.it("takes a boundary in quotes, and names with quotes", function()
    local body = '--a b\r\nContent-Disposition: form-data; name="x%22y\\"z"\r\n\r\n1\r\n--a b--'
    local parts = assert(parse(body, nil, 'Multipart/Form-Data; charset=x; Boundary="a b"'))
    expect(parts[1].name).is 'x"y"z'
  end)

  test.it("takes of a path the file alone", function()
    expect(file '"../../etc/passwd"').is "passwd"
    expect(file [["C:\Users\x.txt"]]).is "x.txt"
    expect(file '"a%0D%0Ab"').is "ab"
    for _, none in ipairs { '""', '".."', '"a/.."', '"a/"', '"."', '"\xff"' } do
      expect(file(none)).is_nil()
    end
  end)

  test.it("needs a boundary that is one", function()
    local body = named("a", "1") .. "--B--"
    expect(code(body, nil, "multipart/form-data")).is "INVALID"
    expect(code(body, nil, "multipart/form-data; boundary=")).is "INVALID"
    expect(code(body, nil, "multipart/form-data; boundary=" .. ("B"):rep(71))).is "INVALID"
    expect(code(body, nil, 'multipart/form-data; boundary="B')).is "INVALID"
    expect(code(body, nil, "multipart/form-data; boundary=B; boundary=C")).is "INVALID"
    expect(code(body, nil, "multipart/mixed; boundary=B")).is "UNSUPPORTED"
    expect(code(body, nil, "application/json")).is "UNSUPPORTED"
    expect(select(2, multipart.parse(nil, body)).code).is "UNSUPPORTED"
  end)

  test.it("ends where it says, or is none", function()
    local whole = named("a", "1") .. named("b", "2") .. "--B--"
    for cut = 0, #whole - 1 do expect(code(whole:sub(1, cut))).is "INVALID" end
    expect(code(whole)).is "fine"
  end)

  test.it("has bounded parts and headers", function()
    local many = named("a", "1"):rep(10000) .. "--B--"
    expect(code(many)).is "TOO_LARGE"
    expect(code(many, { max_parts = 10000 })).is "fine"
    expect(code(named("a", "12345") .. "--B--", { max_part = 4 })).is "TOO_LARGE"
    expect(code(named("a", "12345") .. "--B--", { max_part = 5 })).is "fine"
    expect(code("--B\r\nX: " .. ("x"):rep(1000000))).is "TOO_LARGE"
    expect(code(part("Content-Disposition: form-data; name=a" .. ("\r\nX: "):rep(1) .. ("y"):rep(9000), "")
      .. "--B--")).is "TOO_LARGE"
    local head = { "Content-Disposition: form-data; name=a" }
    for i = 1, 16 do head[#head + 1] = "X-" .. i .. ": y" end
    expect(code(part(table.concat(head, "\r\n"), "") .. "--B--")).is "TOO_LARGE"
  end)

  test.it("has parts with a name, once, and none inside", function()
    for _, head in ipairs {
      "X: y", "Content-Disposition: form-data", "Content-Disposition: attachment; name=a",
      "Content-Disposition: form-data; name=a; name=b",
      "Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b",
      'Content-Disposition: form-data; name="a', "Content-Disposition: form-data; name=a b; c",
      "Content-Disposition: form-data; name=a\r\n folded", "no header",
      "Content-Disposition: form-data; name=a\r\nContent-Type: multipart/mixed; boundary=C",
    } do
      expect(code(part(head, "x") .. "--B--")).is "INVALID"
    end
    local coded = "Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64"
    expect(code(part(coded, "eA==") .. "--B--")).is "UNSUPPORTED"
  end)

  test.it("is read in time in proportion to its bytes, whatever they are", function()
    for _, unit in ipairs { "\r\n--B", "\r\n--", "--B\r\n", "\r", '"', "\r\n--B \t" } do
      local ok = parse("--B\r\nContent-Disposition: form-data; name=a\r\n\r\n" .. unit:rep(200000))
      expect(ok).is_nil()
    end
    for _, long in ipairs { "X: a" .. (" "):rep(60000) .. "b", 'X: "' .. ("a"):rep(60000) .. "/" } do
      local place = "Content-Disposition: form-data; name=a; filename=\"" .. ("a"):rep(15000) .. "/\"\r\n"
      parse("--B\r\n" .. place .. long .. "\r\n\r\n--B--")
    end
    local kind = "multipart/form-data; a=" .. ('"\\'):rep(100000)
    expect(code(named("a", "1") .. "--B--", nil, kind)).is "INVALID"
  end)

  test.it("never raises, and never gives more than came", function()
    math.randomseed(7)
    local last = part('Content-Disposition: form-data; name="f"; filename="x"', "yy")
    local whole = named("a", "1") .. last .. "--B--"
    for _ = 1, 3000 do
      local at, byte = math.random(#whole), string.char(math.random(0, 255))
      local bad = whole:sub(1, at - 1) .. byte:rep(math.random(0, 3)) .. whole:sub(at + math.random(0, 2))
      local parts, err = parse(bad)
      if not parts then expect(({ INVALID = 1, TOO_LARGE = 1, UNSUPPORTED = 1 })[err.code]).is(1) end
      local bytes = 0
      for _, each in ipairs(parts or {}) do bytes = bytes + #each.body end
      expect(bytes <= #bad).is_true()
    end
  end)
end)
