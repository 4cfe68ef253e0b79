require "kramdown"
run lambda { |env|
  next [200, { "content-type" => "text/plain" }, ["ok"]] if env["PATH_INFO"] == "/healthz"
  [200, { "content-type" => "text/html" }, [Kramdown::Document.new(env["rack.input"].read).to_html]]
}
