import { dirname, resolve } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [
    {
      // As build.mjs does: a style sheet is its text.
      name: "css-as-text",
      enforce: "pre",
      resolveId(id, importer) {
        if (!id.endsWith(".css") || importer === undefined) return null;
        return `${resolve(dirname(importer), id)}?raw`;
      },
    },
  ],
  test: {
    environment: "happy-dom",
    css: true,
    include: ["src/**/*.test.{ts,tsx}"],
  },
});
