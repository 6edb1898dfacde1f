-- TLS against the faults that badssl.com shows: each that openssl can make is made here, and
-- must fail with kind `tls` and say what is wrong, or work where it is no fault.
-- Run: luafetch tests/conformance/tls.lua   (LF_DATA names the folder)
package.path = "tests/support/?.lua;./?.lua;" .. package.path
local certs = require "tests.support.certs"
local servers = require "tests.support.servers"
local suite = require "suite"

local groups = suite.rows "tls-badssl/badssl-cases.json"
if not next(groups) then return end

local made = certs.new()
local HOST = "site.test"
local ANY = "DEFAULT:@SECLEVEL=0" -- what the server would take, so that it is we who refuse
local rsa = { key = "-newkey rsa:2048 -nodes" }

local me = made:issue "client.test"

local function issue(opts)
  return made:issue(HOST, opts)
end

local function issued(opts) return function() return issue(opts) end end

-- A leaf of an intermediate, with that one in its chain (file) or not.
local function below(opts, chain)
  return function()
    local middle = made:issue("middle", { ca = true, names = "DNS:middle", md = opts.md })
    local leaf = issue { by = middle }
    return leaf, chain and { "-cert_chain", chain(middle) }
  end
end

local function names(n)
  local list = { "DNS:" .. HOST }
  for i = 1, n do list[#list + 1] = ("DNS:n%d.test"):format(i) end
  return table.concat(list, ",")
end

-- More names than a command line takes: in a file.
local function many()
  local list = { "[req]\ndistinguished_name=n\n[n]\n[e]\nsubjectAltName=@a\n[a]\nDNS.0 = " .. HOST }
  for i = 1, 10000 do list[#list + 1] = ("DNS.%d = n%d.test"):format(i, i) end
  local file = assert(io.open(made.dir .. "/many", "w"))
  file:write(table.concat(list, "\n"), "\n")
  file:close()
  made:run("openssl req -x509 -config many -extensions e -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3"
    .. " -subj /CN=" .. HOST .. " -CA ca.pem -CAkey ca.key -keyout many.key -out many.pem")
  return { cert = made.dir .. "/many.pem", key = made.dir .. "/many.key" }
end

local function serving(opts, ...)
  local options = { ... }
  return function() return issue(opts), options end
end

-- s_server itself refuses such parameters, nginx takes them.
local function dh(bits)
  return function()
    made:run(("openssl dhparam -out dh%d.pem %d"):format(bits, bits))
    return issue(rsa), nil, ("ssl_protocols TLSv1.2; ssl_dhparam %s/dh%d.pem;"):format(made.dir, bits)
  end
end

local OLD = { from = "20200101000000Z", to = "20200201000000Z" }
local WEAK, SMALL, NAME = "signed with a weak hash", "key is too small", "the certificate is for another name"
local STATIC = "AES128-GCM-SHA256"
local UNKNOWN = "issuer is unknown"
local NO_CIPHER = "no cipher or key exchange that both sides accept"
local NO_VERSION = "no TLS version that both sides accept"

-- name → how to make it, what the error says (false: it works), options of the request
local cases = {
  md5 = { function() -- ECDSA, which our CA signs with, knows no MD5
    local middle = made:issue("rsa", { ca = true, names = "DNS:rsa", key = rsa.key })
    return issue { by = middle, md = "md5" }, { "-cert_chain", middle.cert }
  end, WEAK },
  ["no-san"] = { issued { names = false, cn = "other.test" }, NAME },
  rsa512 = { serving({ key = "-newkey rsa:512 -nodes" }, "-tls1_2", "-cipher", STATIC .. ":@SECLEVEL=0"), SMALL },
  rsa1024 = { issued { key = "-newkey rsa:1024 -nodes" }, SMALL },
  rsa2048 = { issued(rsa), false },
  rsa3072 = { issued { key = "-newkey rsa:3072 -nodes" }, false },
  rsa4096 = { issued { key = "-newkey rsa:4096 -nodes" }, false },
  ["1000-sans"] = { issued { names = names(1000) }, false },
  ["10000-sans"] = { many, "the server's certificates are larger than" },
  ecc256 = { issued {}, false },
  ecc384 = { issued { key = "-newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes" }, false },
  expired = { issued(OLD), "the certificate has expired" },
  ["incomplete-chain"] = { below {}, UNKNOWN },
  ["reversed-chain"] = { below({}, function(middle)
    made:run(("cat ca.pem '%s' > reversed.pem"):format(middle.cert))
    return made.dir .. "/reversed.pem"
  end), false },
  ["no-common-name"] = { issued { subject = "/O=none" }, false },
  ["no-subject"] = { issued { subject = "/", names = "critical,DNS:" .. HOST }, false },
  ["pinning-test"] = { issued {}, "the server's key is not one of those in tls.pin",
    { pin = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" } },
  ["self-signed"] = { issued { own = true }, "the certificate is self-signed" },
  sha1 = { issued { md = "sha1" }, WEAK },
  ["sha1-2016"] = { issued { md = "sha1" }, WEAK },
  ["sha1-2017"] = { issued { md = "sha1" }, WEAK },
  ["sha1-intermediate"] = { below({ md = "sha1" }, function(middle) return middle.cert end), WEAK },
  sha256 = { issued { md = "sha256" }, false },
  sha384 = { issued { md = "sha384" }, false },
  sha512 = { issued { md = "sha512" }, false },
  ["untrusted-root"] = { function()
    local other = certs.new()
    made:run(("cp '%s' other.pem; cp '%s' other.key"):format(other.ca, other.key))
    other:remove()
    local root = { cert = made.dir .. "/other.pem", key = made.dir .. "/other.key" }
    return issue { by = root }, { "-cert_chain", root.cert }
  end, "its chain ends in a root that is not trusted" },
  ["wrong.host"] = { issued { names = "DNS:*.other.test" }, NAME .. " (wanted site.test)" },
  ["xn--n1aae7f7o"] = { issued { names = "DNS:xn--n1aae7f7o.test" }, false, host = "xn--n1aae7f7o.test" },
  cbc = { serving(rsa, "-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA"), false },
  null = { serving(rsa, "-tls1_2", "-cipher", "NULL-SHA256:@SECLEVEL=0"), NO_CIPHER },
  ["mozilla-modern"] = { serving({}, "-tls1_3"), false },
  ["mozilla-intermediate"] = { serving({}, "-no_tls1_1", "-no_tls1"), false },
  ["mozilla-old"] = { serving(rsa, "-cipher", ANY), false },
  client = { serving({}, "-Verify", "1", "-CAfile", made.ca), false, { cert = me.cert, key = me.key } },
  ["client-cert-missing"] = { serving({}, "-Verify", "1", "-CAfile", made.ca),
    "the server wants a client certificate" },
  dh1024 = { dh(1024), "small DH key" },
  ["static-rsa"] = { serving(rsa, "-tls1_2", "-cipher", STATIC), false },
  ["tls-v1-0"] = { serving(rsa, "-tls1", "-cipher", ANY), NO_VERSION },
  ["tls-v1-1"] = { serving(rsa, "-tls1_1", "-cipher", ANY), NO_VERSION },
  ["tls-v1-2"] = { serving({}, "-tls1_2"), false },
}

local ct = "certificate transparency is for browsers' own lists"
local root = "a root that some machines were sold with: as untrusted-root"
local absent = "this openssl cannot speak it either"
local left_out = {
  ["blocked-interception"] = root, ["known-interception"] = root, ["captive-portal"] = "a browser's own page",
  ["extended-validation"] = "asks for a policy of a public CA, which changes nothing for a client",
  ["invalid-expected-sct"] = ct, ["no-sct"] = ct, ["preloaded-expect-ct"] = ct,
  revoked = "revocation is not looked up, as in curl and OpenSSL unless told to",
  rsa8192 = "as rsa4096; making the key takes a minute", spoof = "a name that looks like another",
  ["3des"] = absent, rc4 = absent, ["rc4-md5"] = absent, ["ssl-v2"] = absent, ["ssl-v3"] = absent,
  dh480 = "openssl serves no parameters below 1024 bits", dh512 = "openssl serves no parameters below 1024 bits",
  ["dh-composite"] = "openssl makes no such parameters", ["dh-small-subgroup"] = "openssl makes no such parameters",
  dh2048 = "as every other; making the parameters takes a minute",
}
local skip_groups = {
  ["domains/http"] = "not about TLS", ["domains/mixed"] = "about pages", ["domains/ui"] = "about what a browser shows",
  ["domains/upgrade"] = "about pages and preloaded lists", ["domains/misc"] = "the site itself",
  ["domains/known-bad"] = root,
}

local function nginx(cert, conf)
  return servers.nginx { servers = ([[
    server {
      listen 127.0.0.1:@PORT@ ssl;
      ssl_ciphers DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0; ssl_certificate %s; ssl_certificate_key %s; %s
      location / { return 200; }
    }]]):format(cert.cert, cert.key, conf) }
end

local function flaw_of(case)
  local cert, options, conf = case[1]()
  local server = conf and nginx(cert, conf) or servers.tls(cert, "-cipher", ANY, table.unpack(options or {}))
  local tls = case[3] or {}
  tls.ca = made.ca
  local host = case.host or HOST
  local url = ("https://%s:%d/"):format(host, server.port)
  local res, err = fetch(url, { resolve = { [host] = "127.0.0.1" }, tls = tls })
  server.stop()
  local want = case[2]
  if not want then return not res and tostring(err) or nil end
  if res then return "was taken" end
  if err.kind ~= "tls" then return ("kind %s: %s"):format(err.kind, err) end
  return not err.message:find(want, 1, true) and ("says %q"):format(err.message) or nil
end

local score = suite.score "tls-badssl"
local function each(t)
  local list = {}
  for name in pairs(t) do list[#list + 1] = name end
  table.sort(list)
  return ipairs(list)
end

for _, group in each(groups) do
  if skip_groups[group] then
    print(("tls-badssl: left out %s (%d): %s"):format(group, #groups[group], skip_groups[group]))
  else
    for _, name in ipairs(groups[group]) do
      if left_out[name] then
        print(("tls-badssl: left out %s: %s"):format(name, left_out[name]))
      elseif not cases[name] then
        score:count(name, "no case for it")
      else
        score:count(name, flaw_of(cases[name]))
      end
    end
  end
end
made:remove()
servers.stop_all()
suite.finish(score)
