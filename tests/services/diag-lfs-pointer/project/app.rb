require "json"
require "webrick"

# Every stop of the line, in order.
STOPS = JSON.parse(File.read(File.join(__dir__, "data", "stops.json")))

server = WEBrick::HTTPServer.new(Port: ENV.fetch("PORT").to_i, BindAddress: "0.0.0.0", AccessLog: [])
server.mount_proc("/healthz") { |_, res| res.body = STOPS.size.to_s }
server.mount_proc("/stops") { |_, res| res.body = JSON.generate(STOPS) }
trap("TERM") { server.shutdown }
server.start
