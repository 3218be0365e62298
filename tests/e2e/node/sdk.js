// sdk.js - the AWS SDK for JavaScript v3, as scripts use it. Reads {endpoint, region, credentials, maxAttempts, calls} from
// standard input, makes one call after the other and writes what came of each, as JSON.
//
//     calls: [{service: "iot", command: "CreateThing", input: {...}}]      a text {"$bytes": "..."} becomes bytes
//     answers: [{output: {...}}, {error: {name, message, status, members}}]
"use strict";
const packages = { iot: "client-iot", iam: "client-iam", sts: "client-sts", "iot-data": "client-iot-data-plane" };
const constructors = { iot: "IoTClient", iam: "IAMClient", sts: "STSClient", "iot-data": "IoTDataPlaneClient" };
const clients = {};

function clientOf(wish, service) {
  if (!clients[service]) {
    const { endpoint, region, credentials, maxAttempts } = wish;
    const settings = { endpoint, region, credentials, maxAttempts: maxAttempts || 1 };
    clients[service] = new (require(`@aws-sdk/${packages[service]}`)[constructors[service]])(settings);
  }
  return clients[service];
}

function withBytes(value) {
  if (Array.isArray(value)) return value.map(withBytes);
  if (value === null || typeof value !== "object") return value;
  if (typeof value.$bytes === "string") return Buffer.from(value.$bytes);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withBytes(inner)]));
}

function shown(value) {
  return value instanceof Uint8Array ? { $bytes: Buffer.from(value).toString() } : value;
}

async function make(wish, call) {
  const command = require(`@aws-sdk/${packages[call.service]}`)[`${call.command}Command`];
  try {
    const { $metadata, ...output } = await clientOf(wish, call.service).send(new command(withBytes(call.input || {})));
    return { output: Object.fromEntries(Object.entries(output).map(([key, value]) => [key, shown(value)])),
             requestId: $metadata.requestId, attempts: $metadata.attempts };
  } catch (e) {
    const { $metadata = {}, $fault, $response, ...members } = e;
    return { error: { name: e.name, message: e.message, status: $metadata.httpStatusCode, members } };
  }
}

async function main() {
  let text = "";
  for await (const piece of process.stdin) text += piece;
  const wish = JSON.parse(text), answers = [];
  for (const call of wish.calls) answers.push(await make(wish, call));
  process.stdout.write(JSON.stringify(answers));
}

main();
