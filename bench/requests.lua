-- wrk … -s requests.lua URL -- FILE STAMP
-- FILE contains complete HTTP requests, each followed by a line `@next@`. A sequence of 24 @ in a request is replaced with
-- a unique id: STAMP (8 characters), the number of the thread, and a counter.

local threads = 0

function setup(thread)
   threads = threads + 1
   thread:set("number", threads)
end

function init(args)
   local file = assert(io.open(args[1], "rb"))
   local text = file:read("*a")
   file:close()
   stamp, counter, position, requests = args[2], 0, number * 7, {}
   for whole in text:gmatch("(.-)\n@next@\n") do
      local parts = {}
      for part in (whole .. string.rep("@", 24)):gmatch("(.-)" .. string.rep("@", 24)) do
         parts[#parts + 1] = part
      end
      requests[#requests + 1] = parts
   end
end

function request()
   position = position % #requests + 1
   local parts = requests[position]
   if #parts == 1 then
      return parts[1]
   end
   counter = counter + 1
   return table.concat(parts, string.format("%s%02d%014d", stamp, number, counter))
end

function done(summary, latency, _)
   local errors = summary.errors
   io.write(string.format(
      '\n{"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "errors": %d}\n',
      summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
      errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
