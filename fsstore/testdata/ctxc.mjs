// The rules by which ctxc keeps index states in a directory, to see that both
// sides read what the other wrote.
//
//   node ctxc.mjs BASE list | load KEY | save KEY STATE SEARCH | delete KEY
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

const [base, verb, key, state, search] = process.argv.slice(2);

function nameOf(key) {
  return key.replace(/[^a-zA-Z0-9_-]/g, "_").replace(/__+/g, "_").replace(/^_|_$/g, "");
}

function dirOf(key) {
  const name = nameOf(key);
  return name ? join(base, "indexes", name) : base;
}

const verbs = {
  async list() {
    const found = [];
    for (const entry of await readdir(join(base, "indexes"), { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      const there = await stat(join(base, "indexes", entry.name, "state.json")).catch(() => null);
      if (there) found.push(entry.name);
    }
    process.stdout.write(JSON.stringify(found));
  },
  async load() {
    const text = await readFile(join(dirOf(key), "state.json"), "utf8");
    const parsed = JSON.parse(text);
    if (typeof parsed === "object" && !parsed.contextState?.blobs) throw new Error("no blobs");
    process.stdout.write(text);
  },
  async save() {
    const dir = dirOf(key);
    await mkdir(dir, { recursive: true });
    await Promise.all([writeFile(join(dir, "state.json"), state), writeFile(join(dir, "search.json"), search)]);
  },
  async delete() {
    if (!nameOf(key)) throw new Error("the root is not deleted");
    await rm(dirOf(key), { recursive: true, force: true });
  },
};
await verbs[verb]();
