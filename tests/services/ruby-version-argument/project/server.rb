require "json"
require "webrick"

port = Integer(ENV.fetch("PORT", "3000"))
host = ENV.fetch("HOST", "localhost")
server = WEBrick::HTTPServer.new(Port: port, BindAddress: host)
server.mount_proc("/up") { |_, res| res.body = "up" }
server.mount_proc("/roman") do |req, res|
  number = Integer(req.query.fetch("n"))
  res.body = { 1000 => "M", 900 => "CM", 500 => "D", 400 => "CD", 100 => "C", 90 => "XC", 50 => "L", 40 => "XL",
               10 => "X", 9 => "IX", 5 => "V", 4 => "IV", 1 => "I" }.reduce(+"") do |text, (value, letters)|
    times, number = number.divmod(value)
    text << letters * times
  end
end
trap("TERM") { server.shutdown }
server.start
