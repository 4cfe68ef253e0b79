app = lambda { |env|
  case env["PATH_INFO"]
  when "/healthz" then [200, { "content-type" => "text/plain" }, ["ok"]]
  when "/echo" then [200, { "content-type" => "text/plain" }, [env["QUERY_STRING"].reverse]]
  else [404, {}, []]
  end
}
run app
