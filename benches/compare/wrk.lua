-- What wrk tells at its end, in one line: done, errors, p50, p99, p99.9 in microseconds. An argument is the size of a body to send.
function init(arguments)
  if arguments[1] then
    wrk.method = "POST"
    wrk.body = string.rep("b", tonumber(arguments[1]))
    wrk.headers["Content-Type"] = "application/octet-stream"
  end
end

function done(summary, latency)
  local e = summary.errors
  local errors = e.connect + e.read + e.write + e.status + e.timeout
  io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests, errors, latency:percentile(50), latency:percentile(99),
    latency:percentile(99.9)))
end
