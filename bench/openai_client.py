"""The OpenAI Python package against an engine: pip install openai; openai_client.py URL [MODEL].

Every call that the package's users make most; ends with 0 when all of them work unchanged.
"""

import sys

from openai import BadRequestError, NotFoundError, OpenAI

url = sys.argv[1]
model = sys.argv[2] if len(sys.argv) > 2 else "tiny"
client = OpenAI(base_url=url.rstrip("/") + "/v1", api_key="none")
hello = [{"role": "user", "content": "hello"}]

assert model in [each.id for each in client.models.list()]

whole = client.chat.completions.create(
    model=model, messages=hello, max_completion_tokens=8, temperature=0, logprobs=True, top_logprobs=2
)
assert whole.usage.completion_tokens == len(whole.choices[0].logprobs.content) == 8

text, usage = "", None
for chunk in client.chat.completions.create(
    model=model, messages=hello, max_tokens=8, temperature=0, stream=True, stream_options={"include_usage": True}
):
    if chunk.choices:
        text += chunk.choices[0].delta.content or ""
    usage = chunk.usage
assert text == whole.choices[0].message.content and usage.completion_tokens == 8

two = client.completions.create(model=model, prompt=["a b c", "d"], max_tokens=4, logprobs=1, echo=True)
assert len(two.choices) == 2 and two.choices[0].text.startswith("a b c")

assert len(client.chat.completions.create(model=model, messages=hello, n=2, max_tokens=3).choices) == 2

extra = {"priority": 1, "ignore_eos": True, "min_tokens": 3, "top_k": 5, "return_token_ids": True}
ids = client.chat.completions.create(model=model, messages=hello, max_tokens=3, extra_body=extra).choices[0].token_ids
assert len(ids) == 3

try:
    client.chat.completions.create(model="no-such-model", messages=hello)
    sys.exit("an unknown model was served")
except NotFoundError as refused:
    assert "does not exist" in refused.body["message"]
try:
    client.completions.create(model=model, prompt="x", max_tokens=0)
    sys.exit("max_tokens 0 was served")
except BadRequestError as refused:
    assert "max_tokens must be at least 1" in refused.body["message"]
print("all calls work")
