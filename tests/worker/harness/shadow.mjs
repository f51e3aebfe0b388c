// What Pyodide's loader sees in place of the globals of the same name. assemble.mjs puts one import of these in front
// of Pyodide's two files; globalThis itself stays as workerd made it, so the Worker under test meets the real ones.
import wasmModule from "./pyodide.asm.wasm";
import stdlib from "./python_stdlib.zip";

let serving = false; // false while the global scope runs: no timers, no entropy, no event loop
let entropy = true; // Python's start needs some (a fixed stream); the Worker's own imports get none

export function refuseEntropy() {
  entropy = false;
}

export function startServing() {
  entropy = true;
  serving = true;
}

const bundled = { "pyodide.asm.wasm": wasmModule, "python_stdlib.zip": stdlib };

export async function fetch(url) {
  const name = new URL(url).pathname.slice(1);
  if (!(name in bundled)) throw new Error(`Pyodide asked for ${url}, which the harness does not bundle`);
  return { ok: true, module: bundled[name], arrayBuffer: async () => bundled[name] };
}

// Compiling and instantiating are synchronous here, because their asynchronous forms wait for an event loop.
const instantiate = (source, imports) => {
  const module = source instanceof globalThis.WebAssembly.Module ? source : new globalThis.WebAssembly.Module(source);
  const instance = new globalThis.WebAssembly.Instance(module, imports);
  return module === source ? instance : { module, instance };
};
export const WebAssembly = Object.create(null, {
  ...Object.getOwnPropertyDescriptors(globalThis.WebAssembly),
  compile: { value: async (bytes) => new globalThis.WebAssembly.Module(bytes) },
  instantiate: { value: async (source, imports) => instantiate(source, imports) },
  instantiateStreaming: {
    value: async (response, imports) => {
      const { module } = await response;
      return { module, instance: instantiate(module, imports) };
    },
  },
});

// Pyodide passes an error of this name on to C as its errno, which Python raises as OSError, as production does.
class ErrnoError extends Error {
  name = "ErrnoError";
  errno = 29; // EIO
}
let state = 1;
export const crypto = {
  getRandomValues(view) {
    if (serving) {
      // Random numbers straight into a WebAssembly.Memory of more than 64 KiB come in pieces of that size.
      for (let at = 0; at < view.length; at += 65536) globalThis.crypto.getRandomValues(view.subarray(at, at + 65536));
      return view;
    }
    if (!entropy) throw new ErrnoError("no entropy in the global scope");
    for (let at = 0; at < view.length; at += 1) view[at] = (state = (state * 48271) % 2147483647) & 255;
    return view;
  },
};

export function setTimeout(callback, delay = 0, ...args) {
  if (serving || delay > 0) return globalThis.setTimeout(callback, delay, ...args);
  queueMicrotask(() => callback(...args));
  return 0;
}

export const location = new URL("http://pyodide.invalid/");
export const process = undefined;
