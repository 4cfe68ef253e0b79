"""OpenAI's own client (PyPI) against `domain-runner serve`.
  SERVE_URL=… SERVE_TOKEN=… openai_sdk.py"""
import os

from openai import AuthenticationError, ConflictError, NotFoundError, OpenAI, UnprocessableEntityError
from pydantic import BaseModel

base = os.environ["SERVE_URL"] + "/v1"
client = OpenAI(base_url=base, api_key=os.environ["SERVE_TOKEN"], max_retries=0)
asked = [{"role": "system", "content": "Repeat."}, {"role": "user", "content": "one two three"}]


def refused(kind, code, call):
    try:
        call()
    except kind as error:
        assert error.body["code"] == code, error.body
        assert error.body["message"], error.body
        return
    raise AssertionError(f"{kind.__name__} was to come")


models = [model.id for model in client.models.list()]
assert "openai/gpt-test" in models, models

whole = client.chat.completions.create(model="openai/gpt-test", messages=asked, max_completion_tokens=20, temperature=0)
assert whole.choices[0].message.content == "echo: one two three", whole
assert whole.choices[0].finish_reason == "stop" and whole.usage.total_tokens == 10, whole

pieces = list(client.chat.completions.create(
    model="openai/gpt-test", messages=asked, stream=True, stream_options={"include_usage": True}))
said = [piece.choices[0].delta.content or "" for piece in pieces if piece.choices]
assert "".join(said) == "echo: one two three" and sum(map(bool, said)) > 1, said
assert pieces[-1].usage.total_tokens == 10, pieces[-1]

with client.chat.completions.stream(model="openai/gpt-test", messages=asked) as stream:
    final = stream.get_final_completion()
assert final.choices[0].message.content == "echo: one two three", final


class Nothing(BaseModel):
    pass


parsed = client.chat.completions.parse(model="openai/gpt-test", messages=asked, response_format=Nothing)
assert parsed.choices[0].message.parsed == Nothing(), parsed

refused(NotFoundError, "model_not_found", lambda: client.chat.completions.create(model="gpt-4o", messages=asked))
refused(ConflictError, "provider_not_configured",
        lambda: client.chat.completions.create(model="anthropic/claude", messages=asked))
refused(UnprocessableEntityError, "invalid_body",
        lambda: client.chat.completions.create(model="openai/gpt-test", messages=asked, top_p=0.5))
stranger = OpenAI(base_url=base, api_key="wrong", max_retries=0)
refused(AuthenticationError, "unauthorized", lambda: stranger.chat.completions.create(model="openai", messages=asked))
print("openai: models, completion, stream, structured answer, four refusals")
