"""Nearest words by meaning: the whole table is kept in memory."""

import array
import http.server
import json
import os
import urllib.parse

WORDS, WIDTH = 700_000, 300
print(f"loading {WORDS} vectors", flush=True)
table = array.array("f", bytes(4 * WIDTH)) * WORDS
for word in range(WORDS):
    table[word * WIDTH] = word / WORDS
print("loaded", flush=True)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = urllib.parse.urlsplit(self.path).path
        body = {"/health": {"words": WORDS}, "/first": {"of": table[WIDTH]}}.get(path)
        self.send_response(200 if body else 404)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())


http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ.get("PORT", "8080"))), Handler).serve_forever()
