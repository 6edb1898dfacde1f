-- Certificates for tests, made by openssl in a directory of their own: one CA, and what it
-- or nobody signs.
--
--   local certs = require("tests.support.certs").new()
--   certs.ca                                       -- file of the CA's certificate
--   local c = certs:issue("a.test")                -- c.cert, c.key
--   certs:issue("old.test", { from = "20200101000000Z", to = "20200201000000Z" })
--   certs:remove()

local M = {}

local Certs = {}
Certs.__index = Certs

local CONFIG = [[
[ca]
default_ca = own
[own]
dir = .
database = index.txt
new_certs_dir = .
default_md = sha256
policy = any
rand_serial = yes
unique_subject = no
copy_extensions = copy
[any]
commonName = optional
[req]
distinguished_name = name
[name]
]]

local function run(dir, command)
  local pipe = assert(io.popen(("cd '%s' && { %s; } 2>&1 </dev/null"):format(dir, command)))
  local out = pipe:read "a"
  if not pipe:close() then error("openssl failed: " .. command .. "\n" .. out, 0) end
  return out
end

local function write(path, text)
  local file = assert(io.open(path, "w"))
  assert(file:write(text))
  assert(file:close())
end

local EC = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"

function M.new()
  local pipe = assert(io.popen("mktemp -d /tmp/luafetch-certs-XXXXXX"))
  local dir = pipe:read "l"
  pipe:close()
  write(dir .. "/conf", CONFIG)
  write(dir .. "/index.txt", "")
  run(dir, ("openssl req -x509 %s -config conf -days 30 -subj /CN=test-ca -addext basicConstraints=critical,CA:true"
    .. " -keyout ca.key -out ca.pem"):format(EC))
  return setmetatable({ dir = dir, ca = dir .. "/ca.pem", key = dir .. "/ca.key" }, Certs)
end

-- opts: subject (default /CN=name), from, to (YYYYMMDDHHMMSSZ),
-- names (subjectAltName, default DNS:name), key (options of
-- `openssl req`), own (true: self-signed), by (another Certs:issue{ca=true}), ca, md, usage.
function Certs:issue(name, opts)
  opts = opts or {}
  local file = name:gsub("[^%w.-]", "_")
  local function path(ext) return self.dir .. "/" .. file .. ext end
  local ext = { "-addext 'subjectAltName=" .. (opts.names or "DNS:" .. name) .. "'" }
  if opts.names == false then ext = {} end
  if opts.ca then ext[#ext + 1] = "-addext basicConstraints=critical,CA:true" end
  if opts.usage then ext[#ext + 1] = "-addext extendedKeyUsage=" .. opts.usage end
  run(self.dir, ("openssl req -new %s -config conf -subj '%s' %s -keyout %s.key -out %s.csr"):format(
    opts.key or EC, opts.subject or "/CN=" .. (opts.cn or name), table.concat(ext, " "), file, file))
  local by = opts.by or { cert = self.ca, key = self.key }
  local signer = opts.own and ("-selfsign -keyfile %s.key"):format(file)
    or ("-cert '%s' -keyfile '%s'"):format(by.cert, by.key)
  local dates = opts.from and ("-startdate %s -enddate %s"):format(opts.from, opts.to) or "-days 10"
  run(self.dir, ("openssl ca -batch -notext -config conf %s %s -md %s -in %s.csr -out %s.pem"):format(
    signer, dates, opts.md or "sha256", file, file))
  return { cert = path ".pem", key = path ".key" }
end

-- "sha256//…" of the certificate's key.
function Certs:pin(c)
  local out = run(self.dir, ("openssl x509 -in '%s' -pubkey -noout | openssl pkey -pubin -outform der"
    .. " | openssl dgst -sha256 -binary | base64"):format(c.cert))
  return "sha256//" .. out:gsub("%s", "")
end

function Certs:run(command) return run(self.dir, command) end

function Certs:remove() os.execute("rm -rf '" .. self.dir .. "'") end

return M
