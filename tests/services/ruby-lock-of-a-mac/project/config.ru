require "csv"
run lambda { |env|
  next [200, { "content-type" => "text/plain" }, ["ok"]] if env["PATH_INFO"] == "/healthz"
  rows = CSV.parse(env["rack.input"].read)
  [200, { "content-type" => "text/plain" }, [rows.map(&:reverse).map(&:to_csv).join]]
}
