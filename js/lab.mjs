// Builds the extension of JupyterLab: js/src/lab -> circuit_widgets/static/labextension. The wheel
// installs it into share/jupyter/labextensions, where JupyterLab finds it.

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as esbuild from "esbuild";

const HERE = import.meta.dirname;
const BUDGET = 12_000;
const out = join(HERE, "..", "circuit_widgets", "static", "labextension");

const { outputFiles } = await esbuild.build({
  entryPoints: [join(HERE, "src", "lab", "remote.ts")],
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  loader: { ".css": "text" },
  charset: "utf8",
  legalComments: "none",
  write: false,
});
const script = outputFiles[0].contents;
const name = `remoteEntry.${createHash("sha256").update(script).digest("hex").slice(0, 16)}.js`;
const project = readFileSync(join(HERE, "..", "pyproject.toml"), "utf8");
const version = /^version = "(.*)"$/m.exec(project)[1];
const about = {
  name: "circuit-widgets",
  version,
  description: "Opens results that circuit_widgets saved as their views.",
  license: "MIT",
  jupyterlab: {
    extension: true,
    _build: { load: `static/${name}`, extension: "./extension" },
  },
};
const install = {
  packageManager: "python",
  packageName: "circuit_widgets",
  uninstallInstructions: "pip uninstall circuit_widgets",
};
rmSync(out, { recursive: true, force: true });
mkdirSync(join(out, "static"), { recursive: true });
writeFileSync(join(out, "static", name), script);
writeFileSync(join(out, "package.json"), `${JSON.stringify(about, null, 2)}\n`);
writeFileSync(join(out, "install.json"), `${JSON.stringify(install, null, 2)}\n`);
const size = (script.byteLength / 1000).toFixed(1);
console.log(`${"labextension".padEnd(20)} ${size.padStart(7)} of ${BUDGET / 1000} kB`);
if (script.byteLength > BUDGET) {
  console.error(`error: the extension has ${script.byteLength} bytes, its budget is ${BUDGET}`);
  process.exit(1);
}
