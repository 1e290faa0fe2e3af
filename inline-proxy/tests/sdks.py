"""One provider's own Python library, asked through the proxy: sdks.py PROVIDER ALLOWED DENIED [TOOL]

Calls: one of a model that is allowed and one of a model that is denied, each as it is and streamed; of some a
stream whose answer calls a tool that may not be called, if there is one. Prints one JSON document.
"""

import json
import ssl
import sys
import time

ASK = "How many words are these?"
TIMEOUT = 20


def tool(name):
    return {"name": name, "description": "", "parameters": {"type": "object", "properties": {}}}


def openai_like(make, denied, allowed):
    client = make()
    messages = [{"role": "user", "content": ASK}]

    def call(model, stream):
        answer = client.chat.completions.create(model=model, messages=messages, stream=stream)
        if not stream:
            return answer.choices[0].message.content
        chunks = list(answer)
        # Nothing that was not asked for.
        assert all(chunk.choices and chunk.usage is None for chunk in chunks), chunks
        return [chunk.choices[0].delta.content for chunk in chunks]

    def calls(name, seen):
        tools = [{"type": "function", "function": tool(name)}]
        asked = dict(model=allowed, messages=messages, tools=tools, stream=True)
        for chunk in client.chat.completions.create(**asked):
            seen.append(chunk.choices[0].delta.content)

    return call, denied, calls


def openai(allowed):
    import openai

    make = lambda: openai.OpenAI(api_key="sk-none", timeout=TIMEOUT)

    def session(model):
        pieces = []
        # websockets reads in one thread and writes in another. OpenSSL that reads a ticket of TLS 1.3 meanwhile
        # loses what is written, whoever the server is; TLS 1.2 has its tickets in the handshake.
        context = ssl.create_default_context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        options = {"ssl": context}
        with make().realtime.connect(model=model, websocket_connection_options=options) as connection:
            connection.response.create()
            for event in connection:
                if event.type == "response.output_text.delta":
                    pieces.append(event.delta)
                if event.type == "response.done":
                    return pieces

    return *openai_like(make, openai.PermissionDeniedError, allowed), session


def groq(allowed):
    import groq

    make = lambda: groq.Groq(api_key="none", timeout=TIMEOUT)
    return openai_like(make, groq.PermissionDeniedError, allowed)


def anthropic(allowed):
    import anthropic

    client = anthropic.Anthropic(api_key="none", timeout=TIMEOUT)

    def call(model, stream):
        asked = dict(model=model, max_tokens=64, messages=[{"role": "user", "content": ASK}])
        if not stream:
            return client.messages.create(**asked).content[0].text
        with client.messages.stream(**asked) as answer:
            return list(answer.text_stream)

    def calls(name, seen):
        tools = [{"name": name, "input_schema": {"type": "object", "properties": {}}}]
        asked = dict(model=allowed, max_tokens=64, tools=tools)
        with client.messages.stream(messages=[{"role": "user", "content": ASK}], **asked) as answer:
            seen.extend(answer.text_stream)

    return call, anthropic.PermissionDeniedError, calls


def mistral(allowed):
    from mistralai.client import Mistral
    from mistralai.client.errors import SDKError

    client = Mistral(api_key="none", timeout_ms=TIMEOUT * 1000)

    def call(model, stream):
        messages = [{"role": "user", "content": ASK}]
        if not stream:
            answer = client.chat.complete(model=model, messages=messages)
            return answer.choices[0].message.content
        answer = client.chat.stream(model=model, messages=messages)
        return [event.data.choices[0].delta.content for event in answer]

    return call, SDKError


def cohere(allowed):
    import cohere
    from cohere.errors import ForbiddenError

    client = cohere.ClientV2(api_key="none", timeout=TIMEOUT)

    def call(model, stream):
        messages = [{"role": "user", "content": ASK}]
        if not stream:
            return client.chat(model=model, messages=messages).message.content[0].text
        events = client.chat_stream(model=model, messages=messages)
        return [e.delta.message.content.text for e in events if e.type == "content-delta"]

    return call, ForbiddenError


def gemini(allowed):
    from google import genai
    from google.genai.errors import ClientError

    client = genai.Client(api_key="none")

    def call(model, stream):
        if not stream:
            return client.models.generate_content(model=model, contents=ASK).text
        chunks = client.models.generate_content_stream(model=model, contents=ASK)
        return [chunk.text for chunk in chunks if chunk.text]

    return call, ClientError


def ollama(allowed):
    import ollama

    client = ollama.Client(host="https://ollama.example", timeout=TIMEOUT)

    def call(model, stream):
        messages = [{"role": "user", "content": ASK}]
        answer = client.chat(model=model, messages=messages, stream=stream)
        if not stream:
            return answer.message.content
        return [part.message.content for part in answer]

    return call, ollama.ResponseError


def main(provider, allowed, forbidden, tool=None):
    call, denied, *more = globals()[provider](allowed)
    session = more.pop() if len(more) > 1 else None
    answer = call(allowed, False)
    began = time.monotonic()
    pieces = call(allowed, True)
    streamed = time.monotonic() - began
    refused = {}
    for stream in (False, True):
        try:
            call(forbidden, stream)
            refused[str(stream)] = None
        except denied as error:
            refused[str(stream)] = type(error).__name__ + ": " + str(error)[:1000]
    found = {"answer": answer, "pieces": pieces, "seconds": streamed, "refused": refused}
    for calls in more if tool else []:
        said = []
        try:
            calls(tool, said)
            found["stopped"] = None
        except Exception as error:
            found["stopped"] = type(error).__name__ + ": " + str(error)[:1000]
        found["said"] = said
    if session:
        found["session"] = session(allowed)
        try:
            session(forbidden)
        except Exception as error:
            found["unopened"] = type(error).__name__ + ": " + str(error)[:1000]
    json.dump(found, sys.stdout)


main(*sys.argv[1:])
