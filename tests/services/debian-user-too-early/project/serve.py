import http.server, json, os, pathlib

NOTES = pathlib.Path("/var/lib/notes")


class Handler(http.server.BaseHTTPRequestHandler):
    def say(self, code, body):
        self.send_response(code)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def do_GET(self):
        if self.path == "/healthz":
            return self.say(200, {"user": os.getuid() != 0})
        self.say(200, sorted(p.read_text() for p in NOTES.iterdir()))

    def do_POST(self):
        text = self.rfile.read(int(self.headers["content-length"])).decode()
        (NOTES / str(len(list(NOTES.iterdir())))).write_text(text)
        self.say(201, text)

    def log_message(self, *args):
        pass


if __name__ == "__main__":
    NOTES.mkdir(parents=True, exist_ok=True)
    http.server.ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
