/* TLS failures in sentences: what is wrong with a certificate, or with a handshake.
 * Sources: OpenSSL's verify result, and libcurl's own words, which quote OpenSSL's
 * reason. */
#include <stdio.h>
#include <string.h>
#include <curl/curl.h>
#include <openssl/x509_vfy.h>
#include "engine/req.h"

/* ---- certificates ---- */

static const struct {
    int code;
    const char *text;
} certificate_faults[] = {
    {X509_V_ERR_CERT_HAS_EXPIRED, "the certificate has expired"},
    {X509_V_ERR_CERT_NOT_YET_VALID, "the certificate is not valid yet"},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "the certificate is self-signed"},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
     "the certificate's issuer is unknown: its chain ends in a root that is not trusted"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
     "the certificate's issuer is unknown, or missing in the server's chain"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
     "the certificate's issuer is unknown, or missing in the server's chain"},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
     "the certificate's issuer is unknown, or missing in the server's chain"},
    {X509_V_ERR_CERT_REVOKED, "the certificate is revoked"},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, "the certificate's signature is wrong"},
    {X509_V_ERR_INVALID_PURPOSE, "the certificate is not meant for servers"},
    {X509_V_ERR_INVALID_CA, "an issuer in the certificate's chain is no CA"},
    {X509_V_ERR_EE_KEY_TOO_SMALL, "the certificate's key is too small"},
    {X509_V_ERR_CA_KEY_TOO_SMALL,
     "an issuer's key in the certificate's chain is too small"},
    {X509_V_ERR_CA_MD_TOO_WEAK, "the certificate is signed with a weak hash"},
};

static const char *certificate_fault(int code)
{
    for (size_t i = 0; i < sizeof certificate_faults / sizeof *certificate_faults; i++)
        if (certificate_faults[i].code == code)
            return certificate_faults[i].text;
    return X509_verify_cert_error_string(code);
}

/* ---- handshakes ---- */

struct fault {
    const char *words; /* in libcurl's text */
    bool closed;       /* the other side went away: it may work when tried again */
    const char *text;
};

static const struct fault handshake_faults[] = {
    {"wrong version number", false, "the server does not speak TLS on this port"},
    {"http request", false, "the server does not speak TLS on this port"},
    {"packet length too long", false, "the server does not speak TLS on this port"},
    {"record layer failure", false, "the server does not speak TLS on this port"},
    {"alert protocol version", false, "no TLS version that both sides accept"},
    {"unsupported protocol", false, "no TLS version that both sides accept"},
    {"no protocols available", false, "no TLS version that both sides accept"},
    {"alert handshake failure", false,
     "no cipher or key exchange that both sides accept"},
    {"no shared cipher", false, "no cipher or key exchange that both sides accept"},
    {"no ciphers available", false, "no cipher or key exchange that both sides accept"},
    {"alert insufficient security", false,
     "no cipher or key exchange that both sides accept"},
    {"dh key too small", false, "the server's key exchange is too weak (small DH key)"},
    {"ee key too small", false, "the certificate's key is too small"},
    {"ca md too weak", false, "the certificate is signed with a weak hash"},
    {"excessive message size", false,
     "the server's certificates are larger than the 100 KB that are read"},
    {"alert unrecognized name", false, "the server does not know this host name"},
    {"certificate required", false, "the server wants a client certificate (tls.cert)"},
    {"alert bad certificate", false, "the server refuses the client certificate"},
    {"alert unknown ca", false,
     "the server does not know the client certificate's issuer"},
    {"alert certificate expired", false, "the client certificate has expired"},
    {"alert certificate unknown", false, "the server refuses the client certificate"},
    {"alert access denied", false, "the server refuses the client certificate"},
    {"alert decrypt error", false, "the server refuses the client certificate"},
    {"alert internal error", true,
     "the server has an internal error in the TLS handshake"},
    {"unexpected eof", true, "the server closed the connection in the TLS handshake"},
    {"SSL_ERROR_SYSCALL", true, "the server closed the connection in the TLS handshake"},
    {"reset by peer", true, "the server reset the connection in the TLS handshake"},
    {"Broken pipe", true, "the server closed the connection in the TLS handshake"},
};

static const struct fault *handshake_fault(const char *words)
{
    for (size_t i = 0; i < sizeof handshake_faults / sizeof *handshake_faults; i++)
        if (strstr(words, handshake_faults[i].words))
            return &handshake_faults[i];
    return NULL;
}

/* ---- the request ---- */

/* With an https proxy it may be the proxy's TLS that failed. */
static bool fail(struct lf_req *req, const char *text)
{
    if (lf_xfer_in_proxy_tls(&req->x))
        lf_req_fail(req, LF_EPROXY, "TLS with the proxy %s: %s", req->x.proxy->name,
                    text);
    else
        lf_req_fail(req, LF_ETLS, "%s", text);
    return true;
}

/* "Unspecified" is what libcurl writes before anything was checked. */
static bool found_fault(const struct lf_xfer *x)
{
    return x->verify_code != X509_V_OK && x->verify_code != X509_V_ERR_UNSPECIFIED;
}

static bool fail_certificate(struct lf_req *req)
{
    const struct lf_xfer *x = &req->x;
    char text[300];
    struct lf_span host = lf_url_host(&req->url);
    if (found_fault(x))
        return fail(req, certificate_fault(x->verify_code));
    if (!strstr(x->detail, "does not match") && !strstr(x->detail, "subject name") &&
        !strstr(x->detail, "common name"))
        return false;
    if (lf_xfer_in_proxy_tls(x))
        host = (struct lf_span){x->proxy->host, strlen(x->proxy->host)};
    snprintf(text, sizeof text, "the certificate is for another name (wanted %.*s)",
             (int)host.len, host.p);
    return fail(req, text);
}

/* A tunnel that ends before the server has spoken: nobody but the proxy is known. */
static bool fail_handshake(struct lf_req *req)
{
    const struct lf_xfer *x = &req->x;
    const struct fault *f = handshake_fault(x->detail);
    if (!f)
        return *x->detail && x->code == CURLE_SSL_CONNECT_ERROR ? fail(req, x->detail)
                                                                : false;
    req->res.retryable = f->closed;
    if (!f->closed || !x->proxy)
        return fail(req, f->text);
    lf_req_fail(req, LF_EPROXY, "the proxy %s closed the tunnel in the TLS handshake",
                x->proxy->name);
    return true;
}

/* With TLS 1.3 a server tells only after the handshake that it wanted a certificate. */
static bool late_alert(const struct lf_xfer *x)
{
    return (x->code == CURLE_RECV_ERROR || x->code == CURLE_SEND_ERROR) &&
           strstr(x->detail, " alert ") && x->phase < LF_PHASE_BODY;
}

bool lf_fail_tls(struct lf_req *req)
{
    const struct lf_xfer *x = &req->x;
    switch (x->code) {
    case CURLE_PEER_FAILED_VERIFICATION:
        return fail_certificate(req);
    case CURLE_SSL_CONNECT_ERROR:
        return found_fault(x) ? fail_certificate(req) : fail_handshake(req);
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        return fail(req, "the server's key is not one of those in tls.pin");
    default:
        return late_alert(x) && fail_handshake(req);
    }
}
