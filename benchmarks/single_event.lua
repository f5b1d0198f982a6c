-- One started event a request, about 700 bytes, each with ids of its own. Argument: Unix milliseconds.
local threads = 0
local prompt = string.rep("Say in a few words what the customer may expect. ", 7)
local form = '{"resource":{"host.name":"bench","service.name":"checkout","telemetry.sdk.name":"hookline-py"},"events":[{'
  .. '"type":"text:request:started","timestamp":%d,"requestId":"%s","streamId":"%s","provider":"openai","model":"gpt-4o",'
  .. '"streaming":true,"source":"server","messages":[{"role":"user","content":"' .. prompt .. '"}],"messageCount":1,'
  .. '"hasTools":false,"sequence":%d,"eventId":"%s"}]}'

function setup(thread)
  thread:set("id", threads)
  threads = threads + 1
end

function init(args)
  sent, began = 0, tonumber(args[1])
end

function request()
  sent = sent + 1
  local name = string.format("%012x%02x-%d", began, id, sent)
  local body = string.format(form, began + sent, "req-" .. name, "req-" .. name, sent, name)
  return wrk.format("POST", "/v1/events", {["Content-Type"] = "application/json"}, body)
end
