/* Failures of proxies in sentences that name the proxy, never its credentials. What goes
 * wrong before a request is on its way is the proxy's (kind `proxy`); later failures are
 * told as without a proxy and say that there was one (lf_req_fail). */
#include <stdio.h>
#include <string.h>
#include <curl/curl.h>
#include "engine/req.h"

static const struct {
    int code;
    bool retryable;
    const char *text;
} socks_faults[] = {
    {CURLPX_BAD_ADDRESS_TYPE, false, "does not take this kind of address"},
    {CURLPX_BAD_VERSION, false, "does not speak this version of SOCKS"},
    {CURLPX_CLOSED, true, "closed the connection"},
    {CURLPX_IDENTD, false, "cannot reach the identd it asks for"},
    {CURLPX_IDENTD_DIFFER, false, "got another user name from identd"},
    {CURLPX_LONG_HOSTNAME, false, "takes names of up to 255 characters only"},
    {CURLPX_LONG_PASSWD, false, "takes passwords of up to 255 characters only"},
    {CURLPX_LONG_USER, false, "takes user names of up to 255 characters only"},
    {CURLPX_NO_AUTH, false, "wants a user and a password"},
    {CURLPX_RECV_ADDRESS, true, "closed the connection"},
    {CURLPX_RECV_AUTH, true, "closed the connection while it was told the password"},
    {CURLPX_RECV_CONNECT, true, "closed the connection"},
    {CURLPX_RECV_REQACK, true, "closed the connection"},
    {CURLPX_REPLY_ADDRESS_TYPE_NOT_SUPPORTED, false,
     "does not take this kind of address"},
    {CURLPX_REPLY_COMMAND_NOT_SUPPORTED, false, "does not make connections"},
    {CURLPX_REPLY_CONNECTION_REFUSED, true, "was refused a connection"},
    {CURLPX_REPLY_GENERAL_SERVER_FAILURE, true, "failed to connect"},
    {CURLPX_REPLY_HOST_UNREACHABLE, true, "cannot reach the host"},
    {CURLPX_REPLY_NETWORK_UNREACHABLE, true, "cannot reach the network"},
    {CURLPX_REPLY_NOT_ALLOWED, false, "does not allow this connection"},
    {CURLPX_REPLY_TTL_EXPIRED, true, "cannot reach the host"},
    {CURLPX_REPLY_UNASSIGNED, true, "failed to connect"},
    {CURLPX_REQUEST_FAILED, true, "failed to connect, or refuses to"},
    {CURLPX_RESOLVE_HOST, true, "cannot be told an address: the name has none for it"},
    {CURLPX_SEND_AUTH, true, "closed the connection"},
    {CURLPX_SEND_CONNECT, true, "closed the connection"},
    {CURLPX_SEND_REQUEST, true, "closed the connection"},
    {CURLPX_UNKNOWN_FAIL, true, "failed to connect"},
    {CURLPX_UNKNOWN_MODE, false, "wants a way to log in that we do not know"},
    {CURLPX_USER_REJECTED, false, "refuses the user and password"},
};

/* "host:port" for sentences */
static void target(const struct lf_req *req, char *out, size_t size)
{
    struct lf_span host = lf_url_host(&req->url);
    snprintf(out, size, "%.*s:%d", (int)host.len, host.p, lf_url_port(&req->url));
}

static bool fail_socks(struct lf_req *req)
{
    const struct lf_xfer *x = &req->x;
    char to[300];
    target(req, to, sizeof to);
    for (size_t i = 0; i < sizeof socks_faults / sizeof *socks_faults; i++) {
        if (socks_faults[i].code != x->proxy_code)
            continue;
        req->res.retryable = socks_faults[i].retryable;
        lf_req_fail(req, LF_EPROXY, "the proxy %s %s (for %s)", x->proxy->name,
                    socks_faults[i].text, to);
        return true;
    }
    lf_req_fail(req, LF_EPROXY, "the proxy %s: %s (for %s)", x->proxy->name, x->detail,
                to);
    return true;
}

void lf_fail_proxy_status(struct lf_req *req, int status)
{
    const struct lf_proxy *p = req->x.proxy;
    char to[300];
    target(req, to, sizeof to);
    req->res.retryable = status >= 500;
    if (status == 407 && p->user)
        lf_req_fail(req, LF_EPROXY, "the proxy %s refuses the user and password (407)",
                    p->name);
    else if (status == 407)
        lf_req_fail(req, LF_EPROXY, "the proxy %s wants a user and a password (407)",
                    p->name);
    else
        lf_req_fail(req, LF_EPROXY, "the proxy %s answered %d to CONNECT %s", p->name,
                    status, to);
}

/* It broke before the request was on its way. */
static bool fail_early(struct lf_req *req)
{
    const struct lf_xfer *x = &req->x;
    const char *why = "closed the connection before the request was sent";
    req->res.retryable = true;
    switch (x->code) {
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
        if (strstr(x->detail, "reset"))
            why = "reset the connection before the request was sent";
        break;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
        req->res.retryable = false;
        why = "does not answer as an HTTP proxy does";
        break;
    default:
        return false;
    }
    lf_req_fail(req, LF_EPROXY, "the proxy %s %s", x->proxy->name, why);
    return true;
}

bool lf_fail_proxy(struct lf_req *req)
{
    const struct lf_xfer *x = &req->x;
    if (!x->proxy)
        return false;
    switch (x->code) {
    case CURLE_COULDNT_CONNECT:
        lf_req_fail(req, LF_EPROXY, "cannot connect to the proxy %s: %s", x->proxy->name,
                    x->os_errno ? strerror(x->os_errno) : x->detail);
        return true;
    case CURLE_PROXY:
        return fail_socks(req);
    default:
        break;
    }
    if (x->sent)
        return false;
    if (x->connect_status >= 300) {
        lf_fail_proxy_status(req, x->connect_status);
        return true;
    }
    return fail_early(req);
}
