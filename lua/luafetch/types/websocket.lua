---@meta luafetch.websocket

---An open WebSocket (RFC 6455). Pings of the server are answered, and messages read ahead
---(up to 256 KiB), whether a task receives or not. It is closed at the end of its scope
---(`local ws <close> =`): code 1000 and a wait for the server's answer; 1001 without a wait
---when the task was cancelled or ends by an error.
---@class luafetch.WebSocket
---@field url string as it was opened, without user, password and fragment
---@field protocol string? the sub-protocol that the server chose
---@field headers table<string, string> of the server's answer, as `res.headers`
---@field close_code integer? once it is closed: the code of the server's close frame (1005: it gave none), or what we told a server that broke the protocol (1002, 1007, 1009); 1006 when the connection broke
---@field close_reason string? the server's reason, "" if it gave none
local WebSocket = {}

---Send a text message. Waits while more than 256 KiB have not yet been taken by the network;
---a task that is cancelled meanwhile has sent nothing of it.
---@param text string UTF-8
---@return true? ok
---@return luafetch.Error? err kinds `request` (not UTF-8), `closed`, `timeout` (a ping was not answered), or why the connection broke
function WebSocket:send(text) end

---Send a binary message; waits as `send`.
---@param bytes string
---@return true? ok
---@return luafetch.Error? err
function WebSocket:send_binary(bytes) end

---The next message; waits for it. One task at a time may receive.
---@return string? message nil after a clean end, and with an Error when the connection broke
---@return "text"|"binary"|nil kind
---@return luafetch.Error? err kinds `closed`, `timeout` (a ping was not answered), `protocol` (the server broke RFC 6455; `code` 1002, or 1007 for a text that is not UTF-8), `too_large` (over max_message; `code` 1009)
function WebSocket:receive() end

---An iterator over the messages, `for msg, kind in ws:messages() do`: ends after a clean
---close, raises the Error when the connection breaks.
---@return fun(): string?, "text"|"binary"|nil
function WebSocket:messages() end

---Send a ping and wait for its answer.
---@param timeout? number seconds; default 10
---@return number? seconds until the answer came
---@return luafetch.Error? err kind `timeout`, or why the connection ended
function WebSocket:ping(timeout) end

---The closing handshake: what is unsent goes first, then the close frame; waits for the
---server's, 5 seconds at most. Messages that come meanwhile are dropped; those received
---before can still be read. Closing again does nothing.
---@param code? integer 1000 to 1003, 1007 to 1014 or 3000 to 4999; default 1000
---@param reason? string UTF-8, at most 123 bytes
---@return true? ok
---@return luafetch.Error? err kind `timeout`, or why the connection had broken
function WebSocket:close(code, reason) end

---Options of `lf.websocket`; those about the way to the server are fetch's own.
---@class luafetch.WebSocketOptions
---@field protocols? string|string[] sub-protocols to offer, the best first
---@field ping? number|false seconds between pings; a server from which nothing has come by the next one is given up (`timeout`). Default 30
---@field max_message? integer|false bytes of a message that is received; more closes with 1009. Default 16 MiB
---@field timeout? number|false|table until it is open: seconds, or {total=30, connect=10}
---@field headers? table<string, string|false>|table[] of the handshake: Origin, Cookie …
---@field auth? table|false as for fetch
---@field tls? table as for fetch
---@field proxy? string|false as for fetch
---@field user_agent? string|false
---@field resolve? table<string, string> as for fetch
---@field ip? 4|6|false
---@field interface? string as for fetch
---@field guard? "public"|false as for fetch

---Open a WebSocket. Redirects are not followed.
---@param url string ws:// or wss:// (or http, https)
---@param opts? luafetch.WebSocketOptions
---@return luafetch.WebSocket?
---@return luafetch.Error? err kinds `url request dns connect tls proxy timeout closed protocol too_large blocked`, and `http` with `.status` when the server answers anything but 101
local function websocket(url, opts) end

return websocket
