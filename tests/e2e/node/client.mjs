// What an application written for Node does with the official OpenAI client; test_openai_node.py runs one scenario at
// a time and reads one JSON object from stdout. Usage: node client.mjs SCENARIO, settings in the environment.
import { createRequire } from "node:module";

const { INTRAGATE_NODE_HOME, GATEWAY_BASE, GATEWAY_KEY, CHAT_MODEL, EMBEDDING_MODEL, REQUEST_ID } = process.env;
const { OpenAI } = createRequire(INTRAGATE_NODE_HOME + "/package.json")("openai");

const client = new OpenAI({ baseURL: GATEWAY_BASE, apiKey: GATEWAY_KEY, maxRetries: 0, timeout: 180_000 });
const question = {
  model: CHAT_MODEL, max_tokens: 24, temperature: 0,
  messages: [{ role: "user", content: "What is a bank? Answer in one sentence." }],
};
const weather = {
  type: "function",
  function: {
    name: "get_weather", description: "The weather of a city",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};
const named = { headers: REQUEST_ID ? { "x-request-id": REQUEST_ID } : {} };

async function errorOf(call) {
  try {
    await call;
    return { class: "none" };
  } catch (error) {
    return {
      class: error.constructor.name, status: error.status ?? null, code: error.code ?? null, message: error.message,
      request_id: error.requestID ?? null,
    };
  }
}

const scenarios = {
  async models() {
    const names = [];
    for await (const model of client.models.list()) names.push(model.id);
    return { names };
  },

  async answer() {
    const answer = await client.chat.completions.create(question, named);
    return { text: answer.choices[0].message.content, usage: answer.usage, request_id: answer._request_id };
  },

  async stream() {
    const chunks = [];
    const stream = await client.chat.completions.create(
      { ...question, stream: true, stream_options: { include_usage: true } }, named);
    for await (const chunk of stream) chunks.push(chunk);
    return {
      text: chunks.map((chunk) => chunk.choices[0]?.delta?.content ?? "").join(""),
      count: chunks.length,
      usages: chunks.map((chunk) => chunk.usage).filter(Boolean),
    };
  },

  async tools() {
    const stream = client.chat.completions.stream({
      ...question, max_tokens: 80, tools: [weather],
      messages: [{ role: "user", content: "Use get_weather for Paris." }],
    });
    const message = await stream.finalMessage();
    return { calls: message.tool_calls.map((call) => call.function) };
  },

  async embeddings() {
    const answer = await client.embeddings.create({ model: EMBEDDING_MODEL, input: ["a bank", "银行"] });
    return { sizes: answer.data.map((item) => item.embedding.length), usage: answer.usage };
  },

  async errors() {
    const stranger = new OpenAI({ baseURL: GATEWAY_BASE, apiKey: "sk-wrong", maxRetries: 0 });
    return {
      key: await errorOf(stranger.chat.completions.create(question)),
      model: await errorOf(client.chat.completions.create({ ...question, model: "gpt-9" })),
      body: await errorOf(client.chat.completions.create({ messages: question.messages })),
    };
  },

  async leave() {
    const stream = await client.chat.completions.create(
      { ...question, max_tokens: 1900, ignore_eos: true, stream: true }, named);
    let words = 0;
    for await (const chunk of stream) {
      words += chunk.choices[0]?.delta?.content ? 1 : 0;
      if (words === 3) break; // the client aborts the call when its loop is left
    }
    return { words };
  },

  async impatience() {
    return errorOf(client.chat.completions.create(
      { ...question, max_tokens: 300, ignore_eos: true }, { ...named, timeout: 400 }));
  },
};

const result = await scenarios[process.argv[2]]();
process.stdout.write(JSON.stringify(result) + "\n");
