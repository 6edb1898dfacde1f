-- What became of a request, as plain values: what a case of the card is judged by.
return function(res, err)
  if not res then
    return { kind = err.kind, text = tostring(err), retryable = err.retryable, sent = err.sent, phase = err.phase,
      attempts = err.attempts }
  end
  local out = { status = res.status, len = #res.body, url = res.url, attempts = res.attempts, hops = #res.history }
  if #res.body <= 2000 and utf8.len(res.body) then out.body = res.body end
  if not res.ok then out.kind, out.text = res.error.kind, tostring(res.error) end
  return out
end
