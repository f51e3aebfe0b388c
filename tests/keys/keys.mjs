// Recipe aig-key/1 in JavaScript, written from docs/adr/0003-key-recipe.md alone. Reads a vector file, prints
// {"name of the case": ["body digest", "key"]}. Objects keep their members' order here only because no case has a
// name that looks like an array index within a schema.
import { createHash, createHmac } from "node:crypto";
import { readFileSync } from "node:fs";

const LONG = 1024;
const ORDERED = new Set(
  `response_format json_schema schema parameters input_schema output_schema responseFormat responseSchema
   responseJsonSchema response_schema response_json_schema parametersJsonSchema parameters_json_schema inputSchema
   outputSchema jsonSchema guided_json structured_outputs grammar parameter_definitions properties patternProperties`
    .split(/\s+/),
);
const OPENAI = { prompt_cache_key: [], prompt_cache_retention: [], safety_identifier: [], user: [] };
const IGNORED = {
  chat: OPENAI,
  responses: OPENAI,
  messages: { metadata: ["user_id"] },
  generate_content: { labels: ["*"] },
  embeddings: { user: [] },
  image: { safety_identifier: [], user: [] },
};

const hash = (...parts) => parts.reduce((found, part) => found.update(part), createHash("sha256"));
const isObject = (value) => value !== null && typeof value === "object";
const isSoft = (value) => value === null || typeof value === "string";
const points = (text) => [...text].length;

function isIgnored(kind, name, value) {
  const inner = IGNORED[kind]?.[name];
  if (inner === undefined || isSoft(value)) return inner !== undefined;
  if (!isObject(value) || Array.isArray(value) || inner.length === 0) return false;
  return Object.entries(value).every(([at, item]) => (inner[0] === "*" || inner.includes(at)) && isSoft(item));
}

function reduced(value, ordered = false) {
  if (typeof value === "string" && !ordered && points(value) > LONG)
    return `[0.0,"${hash("aig-key/1 string\0", value).digest("hex")}"]`;
  if (!isObject(value)) return JSON.stringify(value); // numbers and strings as RFC 8785 wants them
  if (Array.isArray(value)) return `[${value.map((item) => reduced(item, ordered)).join()}]`;
  const names = ordered ? Object.keys(value) : Object.keys(value).sort(); // by UTF-16 unit
  const members = names.map((name) => {
    const within = ordered || (ORDERED.has(name) && isObject(value[name]));
    return `${JSON.stringify(name)}:${reduced(value[name], within)}`;
  });
  return `{${members.join()}}`;
}

function cacheKey(scope, kind, body, secret) {
  if (isObject(body) && !Array.isArray(body))
    body = Object.fromEntries(Object.entries(body).filter(([name, value]) => !isIgnored(kind, name, value)));
  const digest = hash("aig-key/1 body\0", reduced(body)).digest();
  const lead = scope.map((part) => `${points(part)}:${part},`).join("");
  const key = secret ? createHmac("sha256", secret).update(lead).update(digest) : hash(lead, digest);
  return [digest.toString("hex"), (secret ? "aig1s." : "aig1.") + key.digest("base64url")];
}

function revived(value) {
  if (Array.isArray(value)) return value.map(revived);
  if (!isObject(value)) return value;
  if ("$repeat" in value) return value.$repeat[0].repeat(value.$repeat[1]);
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, revived(item)]));
}

const found = {};
for (const { name, scope, kind, body, raw, secret } of JSON.parse(readFileSync(process.argv[2], "utf8")).cases)
  found[name] = cacheKey(scope, kind, raw ? JSON.parse(raw) : revived(body), secret && Buffer.from(secret, "hex"));
console.log(JSON.stringify(found));
