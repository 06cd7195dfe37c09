// Builds one self-contained ES module per view: js/src/views/T.tsx -> circuit_widgets/static/T.js;
// and page.js, the script of a page without a kernel, with all views in it.
//
//   node build.mjs            build, print the sizes, fail when a bundle is over its budget
//   node build.mjs --watch    build again at every change (sizes are printed, not enforced)
//   node build.mjs --out DIR  write somewhere else

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import * as esbuild from "esbuild";

const HERE = import.meta.dirname;
const VIEWS = join(HERE, "src", "views");

// Every instance of a widget carries its bundle in its state: small bundles are small notebooks.
// Induction has nearly every part (graph, heat maps, scatter, words, tables), and three views.
// Circuits has graph, heat maps, curves, tables, and groups of nodes.
// Stability has two views: graphs, heat maps, tables, and of a training head grids and curves as well.
const BUDGET = {
  explorer: 200_000,
  induction: 162_000,
  circuits: 146_000,
  stability: 166_000,
  page: 420_000,
};
const TOPIC_BUDGET = 138_000;
/** Not a view: the page that holds them all. */
const PAGE = "page";

const { values: args } = parseArgs({
  options: { watch: { type: "boolean", default: false }, out: { type: "string" } },
});
const out = resolve(args.out ?? join(HERE, "..", "circuit_widgets", "static"));

function views() {
  if (!existsSync(VIEWS)) return [];
  return readdirSync(VIEWS)
    .filter((name) => /^[^_].*\.tsx$/.test(name) && !name.endsWith(".test.tsx"))
    .map((name) => join(VIEWS, name));
}

/** What is wrong with a bundle, as sentences. */
function faults(name, size, output) {
  const found = [];
  const budget = BUDGET[name] ?? TOPIC_BUDGET;
  if (size > budget) found.push(`${name}.js has ${size} bytes, its budget is ${budget}`);
  if (name !== PAGE && !output.exports.includes("default"))
    found.push(`${name}.tsx has no default export { initialize, render }`);
  for (const { path } of output.imports) found.push(`${name}.js would load ${path} at run time`);
  return found;
}

const built = new Set();

/** Removes bundles of views that are no more. */
function tidy() {
  for (const old of readdirSync(out)) {
    if (old.endsWith(".js") && !built.has(old)) rmSync(join(out, old));
  }
}

/** Prints the sizes and writes the bundles; returns what is wrong with them. */
function publish(result) {
  mkdirSync(out, { recursive: true });
  const wrong = [];
  for (const file of result.outputFiles) {
    const name = basename(file.path, ".js");
    const [, output] = Object.entries(result.metafile.outputs).find(([path]) =>
      path.endsWith(`${name}.js`),
    );
    const size = file.contents.byteLength;
    wrong.push(...faults(name, size, output));
    const budget = (BUDGET[name] ?? TOPIC_BUDGET) / 1000;
    console.log(
      `${`${name}.js`.padEnd(20)} ${(size / 1000).toFixed(1).padStart(7)} of ${budget} kB`,
    );
    // Whole files only: a kernel may read the folder at any time.
    writeFileSync(`${file.path}.new`, file.contents);
    renameSync(`${file.path}.new`, file.path);
    built.add(basename(file.path));
  }
  for (const sentence of wrong) console.error(`error: ${sentence}`);
  return wrong;
}

/** The styles as text, without what only people read. */
const css = {
  name: "css",
  setup(build) {
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const { code } = await esbuild.transform(source, { loader: "css", minify: true });
      return { contents: code, loader: "text" };
    });
  },
};
/** All views by name, for the page that holds them all: a view that is added is in it. */
const allViews = {
  name: "views:all",
  setup(build) {
    build.onResolve({ filter: /^views:all$/ }, ({ path }) => ({ path, namespace: "views" }));
    build.onLoad({ filter: /.*/, namespace: "views" }, () => {
      const names = views().map((path) => basename(path, ".tsx"));
      const lines = names.map((name) => `import ${name} from "./src/views/${name}.tsx";`);
      const all = names.map((name) => `${name}: ${name}.shown`).join(", ");
      return { contents: `${lines.join("\n")}\nexport default { ${all} };`, resolveDir: HERE };
    });
  },
};
const options = {
  entryPoints: views(),
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  platform: "browser",
  jsx: "automatic",
  jsxImportSource: "preact",
  plugins: [css],
  charset: "utf8",
  legalComments: "none",
  metafile: true,
  write: false,
  absWorkingDir: HERE,
  logLevel: "warning",
};

// A page opened as a file has no modules, only a script.
const page = {
  ...options,
  entryPoints: [join(HERE, "src", "page.ts")],
  format: "iife",
  globalName: "circuitWidgets",
  plugins: [css, allViews],
};

if (options.entryPoints.length === 0) {
  console.error(`error: no view to build in ${VIEWS}`);
  process.exit(1);
}
if (args.watch) {
  const report = {
    name: "report",
    setup(build) {
      build.onEnd((result) => {
        if (result.errors.length === 0) publish(result);
      });
    },
  };
  for (const each of [options, page]) {
    const context = await esbuild.context({ ...each, plugins: [...each.plugins, report] });
    await context.watch();
  }
  console.log("watching js/src; run a cell again to see a change; Ctrl-C ends");
} else {
  const wrong = [];
  for (const each of [options, page]) wrong.push(...publish(await esbuild.build(each)));
  tidy();
  if (wrong.length > 0) process.exit(1);
}
