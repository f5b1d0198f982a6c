"""
A provider on loopback that speaks the wire formats of OpenAI, Anthropic, OpenRouter and Google, for the demo and the tests.

Flow: real SDK client -> **provider** -> the same client. Nothing of the collector is involved.

    with start_provider() as provider:
        client = OpenAI(base_url=provider.base_url, api_key="any")

It answers /chat/completions, /completions, /responses, /images/generations, /images/edits, /embeddings, /audio/speech,
/audio/transcriptions, /audio/translations, /moderations, /videos, /models and Anthropic's /messages; an Azure path
(/openai/deployments/NAME/...) is the same without its prefix. Behind `openrouter_url` it speaks OpenRouter's dialect, which has
prices in every usage, numbers as error codes, /images, /rerank and /videos. A path that ends in /models/NAME:VERB is Google's:
generateContent, streamGenerateContent, predict and batchEmbedContents. Answers depend on the request alone:

- a chat or response that offers function tools, and whose last message is not a tool's result, calls the first tool;
- a response that offers `image_generation` makes an image; one with `reasoning` thinks first;
- a JSON schema as response format is answered by a document that fits it;
- the model `no-such-model` is a 404.

Markers anywhere in the request, in square brackets (`[name]` or `[name:number]`), ask for the rest:

| marker | what happens |
|---|---|
| `slow:MS` | MS milliseconds before every frame of a stream (20) |
| `late:MS` | MS milliseconds before the answer begins (200) |
| `words:N` | a text of N words |
| `tools:N` | N tool calls at once, of the tools offered, in turn |
| `same-index` | the tool calls of a stream all have index 0, each with its own id |
| `error:STATUS` | that HTTP error, on every try (500) |
| `flaky:STATUS` | that HTTP error on the first try only (500) |
| `break:N` | a stream's error frame after N frames (3) |
| `drop:N` | the socket is cut after N frames (3) |
| `failed` | a response ends with status failed, a chat with finish reason error |
| `incomplete` | a response ends with status incomplete, a chat with finish reason length |
| `no-usage` | the answer has no usage |
| `url` | images come as addresses, not as bytes |
"""

from collector.demo.provider.server import Provider, start_provider

__all__ = ["Provider", "start_provider"]
