// One provider's own Node.js library, asked through the proxy: sdks.cjs PROVIDER ALLOWED DENIED
//
// The same as sdks.py: a call of a model that is allowed, one of a model that is denied, each as it is and streamed.

const { createRequire } = require("node:module");
const library = createRequire(process.env.SARK_NODE + "/");
const ASK = "How many words are these?";
const messages = [{ role: "user", content: ASK }];

function openai() {
  const OpenAI = library("openai");
  const client = new OpenAI({ apiKey: "sk-none", timeout: 20000 });
  const call = async (model, stream) => {
    const answer = await client.chat.completions.create({ model, messages, stream });
    if (!stream) return answer.choices[0].message.content;
    const pieces = [];
    for await (const chunk of answer) if (chunk.choices.length) pieces.push(chunk.choices[0].delta.content);
    return pieces;
  };
  return [call, OpenAI.PermissionDeniedError];
}

function anthropic() {
  const Anthropic = library("@anthropic-ai/sdk");
  const client = new Anthropic({ apiKey: "none", timeout: 20000 });
  const call = async (model, stream) => {
    const asked = { model, max_tokens: 64, messages };
    if (!stream) return (await client.messages.create(asked)).content[0].text;
    const pieces = [];
    for await (const event of client.messages.stream(asked)) {
      if (event.type === "content_block_delta") pieces.push(event.delta.text);
    }
    return pieces;
  };
  return [call, Anthropic.PermissionDeniedError];
}

async function main(provider, allowed, forbidden) {
  const [call, Denied] = { openai, anthropic }[provider]();
  const answer = await call(allowed, false);
  const began = performance.now();
  const pieces = await call(allowed, true);
  const seconds = (performance.now() - began) / 1000;
  const refused = {};
  for (const stream of [false, true]) {
    const name = stream ? "True" : "False";
    refused[name] = null;
    try {
      await call(forbidden, stream);
    } catch (error) {
      if (!(error instanceof Denied)) throw error;
      refused[name] = `${error.constructor.name}: ${error.message}`;
    }
  }
  process.stdout.write(JSON.stringify({ answer, pieces, seconds, refused }));
}

main(...process.argv.slice(2));
