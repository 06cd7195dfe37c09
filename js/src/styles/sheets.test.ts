import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const SRC = join(import.meta.dirname, "..");
const parts = ["parts", "views/heads", "views/explorer"].flatMap((folder) =>
  readdirSync(join(SRC, folder)).map((name) => readFileSync(join(SRC, folder, name), "utf8")),
);
const always = readFileSync(join(SRC, "styles", "index.ts"), "utf8");
const views = readdirSync(join(SRC, "views")).filter((name) => name.endsWith(".tsx"));
const own = views.map((name) => readFileSync(join(SRC, "views", name), "utf8")).join("");

it.each(readdirSync(join(SRC, "styles")).filter((name) => name.endsWith(".css")))(
  "%s is brought by a part, or is in every view, or is a view's own",
  (name) => {
    const brings = parts.some(
      (text) => text.includes(`styles/${name}"`) && text.includes("bring(sheet)"),
    );
    expect(brings || always.includes(`./${name}"`) || own.includes(`styles/${name}"`)).toBe(true);
  },
);
