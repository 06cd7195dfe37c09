// For the tests: the two themes outside of any notebook.
import type { Theme } from "../draw/theme";

export const lightTheme: Theme = {
  dark: false,
  page: "#ffffff",
  ink: "#1b1f24",
  muted: "#696b6e",
  line: "#e1e2e3",
  faint: "#f4f4f4",
  accent: "#d2460f",
  chance: "#1b1f24",
  mono: "monospace",
  sans: "sans-serif",
};

export const darkTheme: Theme = {
  ...lightTheme,
  dark: true,
  page: "#14181d",
  ink: "#e8eaed",
  muted: "#a0a3a6",
  line: "#303338",
  faint: "#1f2227",
  accent: "#ea601b",
  chance: "#e8eaed",
};
