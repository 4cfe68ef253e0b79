"""A model provider on loopback that speaks OpenAI's chat completions and repeats what it is told.
  upstream.py        prints its base URL"""
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}


class Upstream(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        said = asked["messages"][-1]["content"]
        if isinstance(said, list):
            said = "".join(part["text"] for part in said)
        # An answer that was asked for as JSON is some.
        text = "{}" if "response_format" in asked else f"echo: {said}"
        if asked.get("stream"):
            return self.stream(text)
        message = {"role": "assistant", "content": text}
        body = {"id": "c", "object": "chat.completion", "created": 1, "model": asked["model"], "usage": USAGE,
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
        self.answer("application/json", json.dumps(body))

    def stream(self, text):
        def event(delta, finish=None, **more):
            choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
            return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **more}
        events = [event({"content": word}) for word in re.findall(r"\S+\s*|\s+", text)] + [event({}, "stop")]
        events.append({**event({}), "choices": [], "usage": USAGE})
        lines = [f"data: {json.dumps(one)}\n\n" for one in events] + ["data: [DONE]\n\n"]
        self.answer("text/event-stream", "".join(lines))

    def answer(self, kind, body):
        body = body.encode()
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
print(f"http://127.0.0.1:{server.server_port}/v1", flush=True)
server.serve_forever()
