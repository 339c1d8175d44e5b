// The TypeScript SDK: `v1`, or `v2` with the handshake (`legacy`) or with negotiation (`auto`).
// usage: node typescript_client.mjs NODE_MODULES v1|legacy|auto < job.json

import { createRequire } from "node:module";
import { text } from "node:stream/consumers";

const [modules, mode] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const job = JSON.parse(await text(process.stdin));

const v1 = mode === "v1";
const sdk = "@modelcontextprotocol/sdk/client";
const { Client, StreamableHTTPClientTransport } = v1
  ? { ...require(`${sdk}/index.js`), ...require(`${sdk}/streamableHttp.js`) }
  : require("@modelcontextprotocol/client");
const { StdioClientTransport } = v1
  ? require(`${sdk}/stdio.js`)
  : require("@modelcontextprotocol/client/stdio");

const options = mode === "auto" ? { versionNegotiation: { mode: "auto" } } : {};
if (job.forms) options.capabilities = { elicitation: { form: {} } };
const client = new Client({ name: "interop", version: "1" }, options);

// A user who agrees to every form and types nothing, so that the task's user tells.
const asked = [];
if (job.forms) {
  const form = v1
    ? require("@modelcontextprotocol/sdk/types.js").ElicitRequestSchema
    : "elicitation/create";
  client.setRequestHandler(form, async (request) => {
    asked.push(request.params.message);
    return { action: "accept", content: {} };
  });
}
await client.connect(
  job.url
    ? new StreamableHTTPClientTransport(new URL(job.url))
    : new StdioClientTransport({ command: job.command, args: job.args, stderr: "inherit" }),
);
const tools = (await client.listTools()).tools.map((tool) => tool.name);

async function call({ tool, arguments: given }) {
  const result = await client.callTool({ name: tool, arguments: given });
  const texts = result.content.filter((one) => one.type === "text").map((one) => one.text);
  return { error: Boolean(result.isError), text: texts.join("\n") };
}

const replies = [];
for (const step of job.steps) replies.push(...(await Promise.all(step.map(call))));
await client.close();
console.log(JSON.stringify({ tools, replies, asked }));
