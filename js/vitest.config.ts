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
    css: true,
    // A page takes longer to set up than most files take to run: what renders has one, and a file of
    // plain TypeScript only if it begins with "// @vitest-environment happy-dom".
    projects: [
      {
        extends: true,
        test: { name: "views", environment: "happy-dom", include: ["src/**/*.test.tsx"] },
      },
      {
        extends: true,
        test: { name: "plain", environment: "node", include: ["src/**/*.test.ts"] },
      },
    ],
  },
});
