// Boots Pyodide in the isolate's global scope, imports the Worker's main module there, and makes one JavaScript class
// of every Python entrypoint class, as the Python runtime of workerd does.
import * as cloudflareSockets from "cloudflare:sockets";
import * as cloudflareWorkers from "cloudflare:workers";
import files from "./files.bin";
import hostSource from "./host.py";
import createPyodideModule from "./pyodide.asm.mjs";
import { loadPyodide } from "./pyodide.mjs";
import settings from "./settings.mjs";
import { refuseEntropy, startServing } from "./shadow.mjs";

const METADATA = "/session/metadata"; // where the runtime mounts a Worker's files

// Emscripten and Pyodide read these two from globalThis itself, and would take the isolate for Node or a browser.
async function without(names, work) {
  const kept = names.map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)]);
  for (const name of names) Object.defineProperty(globalThis, name, { value: undefined, configurable: true });
  try {
    return await work();
  } finally {
    for (const [name, found] of kept) {
      delete globalThis[name];
      if (found) Object.defineProperty(globalThis, name, found);
    }
  }
}

function mount({ FS }) {
  for (const { path, start, end } of settings.files) {
    const target = `${METADATA}/${path}`;
    FS.mkdirTree(target.slice(0, target.lastIndexOf("/")));
    FS.writeFile(target, new Uint8Array(files, start, end - start));
  }
}

// Pyodide frees the arguments of a call when the call returns; waitUntil needs its coroutine for longer. What fails there
// workerd tells nobody, where production counts an exception: the log says it, or a test would not see it.
const patched = new WeakSet();
function patchWaitUntil(ctx) {
  if (patched.has(ctx)) return;
  const waitUntil = ctx.waitUntil.bind(ctx);
  const told = (error) => {
    console.error(`waitUntil: ${error}`);
    throw error;
  };
  ctx.waitUntil = (work) => {
    if (typeof work?.copy !== "function") return waitUntil(Promise.resolve(work).catch(told));
    const own = work.copy();
    return waitUntil((async () => await own)().catch(told).finally(() => own.destroy()));
  };
  patched.add(ctx);
}

// Miniflare's dataset takes anything and keeps nothing. Cloudflare's takes one index of 96 bytes, 20 strings of 16 KB in
// all and 20 numbers: https://developers.cloudflare.com/analytics/analytics-engine/limits/
const telling = new WeakSet();
function tellEvents(env) {
  for (const dataset of Object.values(env)) {
    if (typeof dataset?.writeDataPoint !== "function" || telling.has(dataset)) continue;
    dataset.writeDataPoint = (point) => {
      const { indexes, blobs, doubles, ...rest } = point;
      const bytes = (texts) => texts.reduce((sum, text) => sum + new TextEncoder().encode(text).length, 0);
      const sound =
        [indexes, blobs, doubles].every(Array.isArray) &&
        Object.keys(rest).length === 0 &&
        [...indexes, ...blobs].every((text) => typeof text === "string") &&
        doubles.every((number) => typeof number === "number" && Number.isFinite(number)) &&
        indexes.length === 1 && bytes(indexes) <= 96 &&
        blobs.length <= 20 && bytes(blobs) <= 16 * 1024 &&
        doubles.length <= 20;
      if (!sound) throw new TypeError("this is no data point");
      console.log(`event ${JSON.stringify(point)}`);
    };
    telling.add(dataset);
  }
}

async function boot() {
  const pyodide = await without(["process", "MessageChannel"], () =>
    loadPyodide({
      indexURL: "http://pyodide.invalid/",
      packageBaseUrl: "http://pyodide.invalid/",
      createPyodideModule,
      lockFileContents: { info: settings.info, packages: {} },
      env: { HOME: "/session", PYTHONHASHSEED: "111" },
      stdout: (line) => console.log(line),
      stderr: (line) => console.error(line),
    }),
  );
  mount(pyodide);
  pyodide.registerJsModule("_pyodide_entrypoint_helper", {
    doAnImport: (name) => import(name),
    cloudflareWorkersModule: cloudflareWorkers,
    cloudflareSocketsModule: cloudflareSockets,
    patchWaitUntil,
  });
  pyodide.registerJsModule("_cloudflare_compat_flags", settings.compatFlags);
  pyodide.FS.writeFile("/session/_host.py", hostSource);
  pyodide.runPython(`
import sys, importlib
sys.path += ["${METADATA}/python_modules", "${METADATA}"]
sys.path.insert(0, "/session")
importlib.invalidate_caches() # the clock stands still here: the mtimes of what was just mounted tell nothing
import _host
sys.path.remove("/session")
`);
  const host = pyodide.pyimport("_host");
  refuseEntropy();
  const found = host.load(settings.main).toJs({ dict_converter: Object.fromEntries });
  return { host, found };
}

const { host, found } = await boot();

let started = false;
function start() {
  if (started) return;
  started = true;
  startServing();
  host.before_first_request();
}

async function call(instance, method, kind, args) {
  const outcome = host.invoke.callWithOptions({ promising: true }, instance, method, kind, ...args);
  return await outcome;
}

const BASES = { entrypoint: cloudflareWorkers.WorkerEntrypoint, object: cloudflareWorkers.DurableObject };

function wrap({ name, base, methods }) {
  const Wrapped = class extends BASES[base] {
    #instance;
    constructor(ctx, env) {
      super(ctx, env);
      start();
      if (settings.events) tellEvents(env);
      this.#instance = host.build(name, ctx, env);
    }
    static _run(self, method, kind, args) {
      return call(self.#instance, method, kind, args);
    }
  };
  Object.defineProperty(Wrapped, "name", { value: name });
  for (const [method, kind] of Object.entries(methods)) {
    Wrapped.prototype[method] = async function (...args) {
      return await Wrapped._run(this, method, kind, kind === "event" ? [args[0], this.env, this.ctx] : args);
    };
  }
  return Wrapped;
}

export const classes = Object.fromEntries(found.map((row) => [row.name, wrap(row)]));
