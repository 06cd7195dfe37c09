// @vitest-environment happy-dom
import { afterEach, expect, it, vi } from "vitest";
import { followPage } from "./said-theme";

const end = new AbortController();
afterEach(() => delete document.body.dataset.theme);

it("follows what the page says, and the system where it says nothing", async () => {
  const host = document.createElement("div");
  document.body.dataset.theme = "dark";
  followPage(host, end.signal);
  expect(host.dataset.cwPage).toBe("dark");
  document.body.dataset.theme = "light";
  await vi.waitFor(() => expect(host.dataset.cwPage).toBe("light"));
  document.body.dataset.theme = "auto";
  await vi.waitFor(() => expect(host.dataset.cwPage).toBeUndefined());
});
