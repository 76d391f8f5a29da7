-- tidelock.crypto: the examples of the standards, what is refused, and texts that are large or odd.
local crypto = require "tidelock.crypto"
local random = require "tidelock.random"
local test = require "tidelock.test"
local expect = test.expect

local function refuses(decode, text, options, word)
  local bytes, err = decode(text, options)
  if bytes ~= nil then error(("took %q"):format(text)) end
  expect(err.code).is "DECODE"
  if word then expect(err.message).matches(word) end
end

local function to_bytes(digits) return assert(crypto.hex_decode(digits)) end

test.describe("base64", function()
  test.it("RFC 4648, section 10: its examples, both ways", function()
    local cases = {
      [""] = "", f = "Zg==", fo = "Zm8=", foo = "Zm9v", foob = "Zm9vYg==", fooba = "Zm9vYmE=",
      foobar = "Zm9vYmFy",
    }
    for bytes, text in pairs(cases) do
      local bare = text:gsub("=", "")
      expect(crypto.base64_encode(bytes)).is(text)
      expect(crypto.base64_decode(text)).is(bytes)
      expect(crypto.base64_encode(bytes, { padding = false })).is(bare)
      expect(crypto.base64_decode(bare, { padding = false })).is(bytes)
      expect(crypto.base64_encode(bytes, { url = true })).is(bare)
      expect(crypto.base64_decode(text, { url = true, padding = true })).is(bytes)
    end
  end)

  test.it("section 5: two characters are others in URLs", function()
    expect(crypto.base64_encode "\xfb\xff\xbf\xfe").is "+/+//g=="
    expect(crypto.base64_encode("\xfb\xff\xbf\xfe", { url = true })).is "-_-__g"
    expect(crypto.base64_decode("-_-__g", { url = true })).is "\xfb\xff\xbf\xfe"
    refuses(crypto.base64_decode, "-_-__g==", nil, "base64: byte 1 cannot")
    refuses(crypto.base64_decode, "+/+//g", { url = true }, "base64 for URLs: byte 1 cannot")
  end)

  test.it("section 3: nothing else is read", function()
    local cases = {
      "Zg", "Zg=", "Zg===", "Z", "=", "==", "====", "Z===", "Zm9vZg", "Zm9v\n", "Zm9v Zm9v", " Zm9v",
      "Zg==Zg==",
      "Z=g=", "Zh==", "Zm9=",
      "Zm9v\0", "Zm9v====", "Zm\xc3\xb6v", "\0\0\0\0", "Zm9v=",
    }
    for _, text in ipairs(cases) do refuses(crypto.base64_decode, text) end
    for _, text in ipairs { "Zg==", "Z", "Zm9vZ", "Zh", "Zm9" } do
      refuses(crypto.base64_decode, text, { padding = false })
    end
    refuses(crypto.base64_decode, "Zm9vYm*y", nil, "byte 7 ")
    refuses(crypto.base64_decode, "Zm9vYg", nil, "a padding is expected")
    refuses(crypto.base64_decode, "Zm9vYg==", { padding = false }, "byte 7 ")
  end)

  test.it("all lengths come back, over the edges of pieces too", function()
    local edge = 3 * 4 * 16384
    local bytes = random.bytes(1024):rep(edge // 1024 * 2 + 1)
    for _, form in ipairs { {}, { url = true }, { padding = false }, { url = true, padding = true } } do
      for _, len in ipairs { 1, 2, 3, 4, 255, edge - 1, edge, edge + 1, edge + 2, 2 * edge } do
        local text = crypto.base64_encode(bytes:sub(1, len), form)
        expect(crypto.base64_decode(text, form)).is(bytes:sub(1, len))
      end
    end
    local text = crypto.base64_encode(bytes:sub(1, edge - 1))
    refuses(crypto.base64_decode, text .. text) -- a padding in the middle
    local spoilt = crypto.base64_encode(bytes:sub(1, edge)):sub(1, edge - 1) .. "*" .. text
    refuses(crypto.base64_decode, spoilt, nil, "byte " .. edge .. " ")
  end)
end)

test.describe("hexadecimal digits", function()
  test.it("RFC 4648, section 10: its example, in either case", function()
    expect(crypto.hex_encode "foobar").is "666f6f626172"
    expect(crypto.hex_decode "666F6f626172").is "foobar"
    expect(crypto.hex_encode "").is ""
    expect(crypto.hex_decode "").is ""
    expect(crypto.hex_encode "\0\xff\0").is "00ff00"
    local bytes = random.bytes(1024):rep(500)
    expect(crypto.hex_decode(crypto.hex_encode(bytes))).is(bytes)
  end)

  test.it("nothing else is read", function()
    refuses(crypto.hex_decode, "abc", nil, "stands alone")
    refuses(crypto.hex_decode, "0x00", nil, "byte 2 ")
    refuses(crypto.hex_decode, "00 00 ", nil, "byte 3 ")
    refuses(crypto.hex_decode, "0g", nil, "byte 2 ")
    refuses(crypto.hex_decode, "000\0", nil, "byte 4 ")
    refuses(crypto.hex_decode, ("0"):rep(400000) .. "zz", nil, "byte 400001 ")
  end)
end)

test.describe("digests", function()
  test.it("FIPS 180-4: its examples", function()
    local two = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
    expect(crypto.sha256 "abc").is "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    expect(crypto.sha256(two)).is "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    expect(crypto.sha256 "").is "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    expect(crypto.sha256(("a"):rep(1000000))).is
      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
    expect(crypto.digest("sha1", "abc")).is "a9993e364706816aba3e25717850c26c9cd0d89d"
    expect(crypto.digest("sha256", two)).is(crypto.sha256(two))
    expect(crypto.digest("sha384", "abc")).is("cb00753f45a35e8bb5a03d699ac65007272c32ab0eded163"
      .. "1a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7")
    expect(crypto.digest("sha512", "abc")).is(""
      .. "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
      .. "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f")
  end)

  test.it("zero bytes are bytes", function()
    expect(crypto.sha256 "\0").is "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    expect(crypto.sha256 "a\0b" == crypto.sha256 "a").is(false)
  end)

  test.it("are written as asked for", function()
    local bytes = to_bytes(crypto.sha256 "abc")
    expect(#bytes).is(32)
    expect(crypto.sha256("abc", "hex")).is(crypto.sha256 "abc")
    expect(crypto.sha256("abc", "bytes")).is(bytes)
    expect(crypto.sha256("abc", "base64")).is(crypto.base64_encode(bytes))
    expect(crypto.sha256("abc", "base64url")).is(crypto.base64_encode(bytes, { url = true }))
    expect(#crypto.digest("sha512", "abc", "base64")).is(88)
    expect(crypto.hmac("sha1", "k", "t", "bytes")).is(to_bytes(crypto.hmac("sha1", "k", "t")))
  end)
end)

test.describe("keyed digests", function()
  local function check_case(key, text, sha256, sha512)
    expect(crypto.hmac("sha256", key, text):sub(1, #sha256)).is(sha256)
    expect(crypto.hmac("sha512", key, text):sub(1, #sha512)).is(sha512)
  end

  test.it("RFC 4231: its seven cases", function()
    check_case(("\x0b"):rep(20), "Hi There",
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
      "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
      .. "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854")
    check_case("Jefe", "what do ya want for nothing?",
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
      "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
      .. "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737")
    check_case(("\xaa"):rep(20), ("\xdd"):rep(50),
      "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
      "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39"
      .. "bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb")
    check_case(to_bytes "0102030405060708090a0b0c0d0e0f10111213141516171819", ("\xcd"):rep(50),
      "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
      "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db"
      .. "a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd")
    check_case(("\x0c"):rep(20), "Test With Truncation",
      "a3b6167473100ee06e0c796c2955552b", "415fad6271580a531d4179bc891d87a6")
    check_case(("\xaa"):rep(131), "Test Using Larger Than Block-Size Key - Hash Key First",
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
      "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
      .. "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598")
    check_case(("\xaa"):rep(131),
      "This is a test using a larger than block-size key and a larger than block-size data. "
      .. "The key needs to be hashed before being used by the HMAC algorithm.",
      "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
      "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944"
      .. "b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58")
  end)

  test.it("RFC 2202: with SHA-1, for old webhooks", function()
    expect(crypto.hmac("sha1", "Jefe", "what do ya want for nothing?")).is
      "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
  end)

  test.it("a key may be empty, or have zero bytes, which count", function()
    expect(crypto.hmac("sha256", "", "")).is
      "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"
    expect(crypto.hmac("sha256", "a\0b", "") == crypto.hmac("sha256", "a", "")).is(false)
  end)
end)

test.describe("a comparison", function()
  test.it("tells the same bytes from others", function()
    expect(crypto.equal("", "")).is(true)
    expect(crypto.equal("a\0b", "a\0b")).is(true)
    for _, other in ipairs { "a\0c", "b\0b", "a\0", "a", "a\0b\0" } do
      expect(crypto.equal("a\0b", other)).is(false)
    end
    local long = random.bytes(1024):rep(1000)
    expect(crypto.equal(long, long .. "")).is(true)
    for _, at in ipairs { 1, 196608, 196609, #long } do
      local byte = string.char(long:byte(at) ~ 1)
      expect(crypto.equal(long, long:sub(1, at - 1) .. byte .. long:sub(at + 1))).is(false)
    end
  end)
end)

test.describe("what is no text", function()
  local odd = { 1, true, {}, print, 1.5 }

  test.it("raises at the line of the caller", function()
    local calls = {
      function(v) crypto.base64_encode(v) end,
      function(v) crypto.base64_decode(v) end,
      function(v) crypto.hex_encode(v) end,
      function(v) crypto.hex_decode(v) end,
      function(v) crypto.sha256(v) end,
      function(v) crypto.digest("sha1", v) end,
      function(v) crypto.digest(v, "") end,
      function(v) crypto.hmac("sha1", v, "") end,
      function(v) crypto.hmac("sha1", "", v) end,
      function(v) crypto.hmac(v, "", "") end,
      function(v) crypto.equal(v, "") end,
      function(v) crypto.equal("", v) end,
    }
    for _, call in ipairs(calls) do
      for i = 1, #odd + 1 do
        expect(function() call(odd[i]) end).raises "string expected"
        expect(function() call(odd[i]) end).raises "crypto_test.lua"
      end
    end
  end)

  test.it("names that there are not raise, with zero bytes too", function()
    for _, name in ipairs { "md5", "SHA256", "", "sha256\0", "sha2561" } do
      expect(function() crypto.digest(name, "") end).raises "no digest"
      expect(function() crypto.hmac(name, "", "") end).raises "no digest"
      expect(function() crypto.sha256("", name) end).raises "no format"
    end
    expect(function() crypto.base64_encode("", { pading = true }) end).raises "padding"
    expect(function() crypto.hex_encode("", {}) end).raises "takes no options"
  end)
end)
