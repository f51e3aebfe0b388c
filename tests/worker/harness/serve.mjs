// Serves one Python Worker on a free port of 127.0.0.1 in workerd, with the bindings of its wrangler configuration.
//
//   node serve.mjs '{"config": "wrangler.toml", "vendored": "python_modules", "vars": {}, "extra": {}, "seconds": 600}'
//
// `vars` are added to the configuration's; `extra` are packages beside the Worker's own modules: {name: folder}.
// `ai` is the URL of a server that stands for Cloudflare behind an `AI` binding. The binding itself is workerd's own, and
// miniflare tells that server what it sends: MF-URL, MF-Header-{name} for each header, and the body.
// `events` true: what goes to an Analytics Engine dataset, which keeps nothing here, is told on stderr as "log: event {...}".
// `hosts` are servers that stand for hosts of the internet, which the Worker fetches: {"host": "http://127.0.0.1:12345"}.
//
// `{"binding": "KV", "key": "k", "value": "v"}` on stdin puts a value into a KV namespace, and is answered on stdout.
// One JSON line on stdout says where: {"url": "http://127.0.0.1:12345/", "boot_ms": 3400}. It stops when its standard
// input closes, so that it never outlives whoever started it, and in any case after `seconds`. State is in memory.
// What workerd, the console and Python's print say goes to stderr.
import { Miniflare, convertV4MiniflareOptions, fetch } from "miniflare";
import { dirname, resolve } from "node:path";
import { createInterface } from "node:readline";
import { unstable_getMiniflareWorkerOptions } from "wrangler";
import { assemble } from "./assemble.mjs";

const asked = JSON.parse(process.argv[2]);
const began = performance.now();
const config = resolve(asked.config);
const { workerOptions, main } = unstable_getMiniflareWorkerOptions(config);
const objects = Object.values(workerOptions.durableObjects ?? {}).filter((row) => !row.scriptName);

// What the Worker fetches goes through Node then, and is sent on as it is; other hosts are left alone.
function forward(request) {
  const { host, pathname, search, href } = new URL(request.url);
  return fetch(host in asked.hosts ? asked.hosts[host] + pathname + search : href, request);
}

const miniflare = new Miniflare(
  convertV4MiniflareOptions({
    host: "127.0.0.1",
    port: 0,
    handleStructuredLogs: ({ level, message }) => process.stderr.write(`${level}: ${message}\n`),
    workers: [
      {
        ...workerOptions,
        // The flag asks workerd for its own Python runtime, which has to be downloaded.
        compatibilityFlags: (workerOptions.compatibilityFlags ?? []).filter((flag) => !flag.startsWith("python_")),
        bindings: { ...workerOptions.bindings, ...asked.vars },
        ...(asked.hosts && { outboundService: forward }),
        ...(asked.ai && { ai: { binding: "AI", remoteProxyConnectionString: new URL(asked.ai) } }),
        modules: assemble({
          main: resolve(dirname(config), main),
          vendored: resolve(asked.vendored),
          extra: asked.extra ?? {},
          events: asked.events ?? false,
          classes: objects.map((row) => row.className ?? row),
        }),
      },
    ],
  }),
);

let stopping = false;
async function stop(code) {
  if (stopping) return;
  stopping = true;
  await miniflare.dispose();
  process.exit(code);
}
// A line on the standard input puts a value into a KV namespace, as somebody who publishes would: it is answered by one.
createInterface({ input: process.stdin }).on("line", async (line) => {
  const { binding, key, value } = JSON.parse(line);
  await (await miniflare.getKVNamespace(binding)).put(key, value);
  process.stdout.write(`${JSON.stringify({ put: key })}\n`);
});
for (const event of ["end", "close", "error"]) process.stdin.on(event, () => stop(0));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => stop(0));
setTimeout(() => stop(1), (asked.seconds ?? 600) * 1000);

try {
  const url = await miniflare.ready;
  process.stdout.write(`${JSON.stringify({ url: url.href, boot_ms: Math.round(performance.now() - began) })}\n`);
} catch (error) {
  console.error(error);
  await stop(1);
}
