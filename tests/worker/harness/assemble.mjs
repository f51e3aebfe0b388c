// Lays a Python Worker out as the modules of an ordinary JavaScript Worker: npm's Pyodide, the Worker's files as one
// blob, and a generated main module that exports the classes.
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, relative, sep } from "node:path";

const HERE = import.meta.dirname;
const PYODIDE = dirname(createRequire(import.meta.url).resolve("pyodide/package.json"));
const SHADOW = 'import {fetch,WebAssembly,crypto,setTimeout,location,process} from "./shadow.mjs";';

// The dated flags that the SDK asks for; the harness is for dates after both.
const COMPAT_FLAGS = { python_workflows_implicit_dependencies: true, python_request_headers_preserve_commas: true };

function* walk(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && entry.name !== "__pycache__") yield* walk(path);
    else if (entry.isFile()) yield path;
  }
}

/** {path in the Worker: file} of the folders; what wrangler would upload. */
function collect(main, vendored, extra) {
  const found = new Map();
  const add = (root, under) => {
    for (const path of walk(root)) if (path.endsWith(".py")) found.set(join(under, relative(root, path)), path);
  };
  add(dirname(main), "");
  for (const [name, folder] of Object.entries(extra)) add(folder, name);
  for (const path of walk(vendored)) found.set(join("python_modules", relative(vendored, path)), path);
  return found;
}

function blob(found) {
  const parts = [];
  const index = [];
  let start = 0;
  for (const [path, file] of found) {
    const bytes = readFileSync(file);
    index.push({ path: path.split(sep).join("/"), start, end: start + bytes.length });
    start += bytes.length;
    parts.push(bytes);
  }
  return { bytes: Buffer.concat(parts), index };
}

export function assemble({ main, vendored, extra, events, classes }) {
  const { bytes, index } = blob(collect(main, vendored, extra));
  const settings = {
    main: basename(main, ".py"),
    files: index,
    info: JSON.parse(readFileSync(join(PYODIDE, "pyodide-lock.json"), "utf8")).info,
    compatFlags: COMPAT_FLAGS,
    events,
  };
  const exported = classes.map((name) => `export const ${name} = classes[${JSON.stringify(name)}];`);
  const entry = ['import { classes } from "./host.mjs";', "export default classes.Default;", ...exported].join("\n");
  const own = (name) => readFileSync(join(HERE, name), "utf8");
  const theirs = (name) => readFileSync(join(PYODIDE, name));
  const row = (type, path, contents) => ({ type, path, contents });
  return [
    row("ESModule", "main.mjs", entry),
    row("ESModule", "host.mjs", own("host.mjs")),
    row("ESModule", "shadow.mjs", own("shadow.mjs")),
    row("ESModule", "settings.mjs", `export default ${JSON.stringify(settings)};`),
    row("ESModule", "pyodide.mjs", SHADOW + theirs("pyodide.mjs")),
    row("ESModule", "pyodide.asm.mjs", SHADOW + theirs("pyodide.asm.mjs")),
    row("CompiledWasm", "pyodide.asm.wasm", theirs("pyodide.asm.wasm")),
    row("Data", "python_stdlib.zip", theirs("python_stdlib.zip")),
    row("Data", "files.bin", bytes),
    row("Text", "host.py", own("host.py")),
  ];
}
