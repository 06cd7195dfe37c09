import { render } from "preact";
import { act } from "preact/test-utils";
import { expect, it } from "vitest";
import { Choice } from "./Choice";
import { Estimate, estimateInWords } from "./Estimate";

const root = document.createElement("div");
const show = (view: Parameters<typeof render>[0]) => act(() => render(view, root));
const style = (part: string) => root.querySelector<HTMLElement>(part)?.style;

it("an estimate is drawn with its interval and its baseline", async () => {
  await show(<Estimate value={0.5} low={0.25} high={0.75} baseline={0.1} ends={[0, 1]} />);
  expect([style(".bar")?.width, style(".interval")?.left, style(".chance")?.left]).toEqual([
    "50%",
    "25%",
    "10%",
  ]);
});

it("a negative one goes to the left of zero", async () => {
  await show(<Estimate value={-0.5} ends={[-1, 1]} />);
  expect([style(".bar")?.left, style(".bar")?.width]).toEqual(["25%", "25%"]);
});

it("what was not computed has no bar, and is said to be missing", async () => {
  await show(<Estimate value={null} ends={[0, 1]} />);
  expect([root.querySelector(".bar"), root.textContent]).toEqual([null, "–"]);
  expect(estimateInWords({ value: Number.NaN, baseline: 0.2 })).toBe("not computed");
});

it("an estimate says its interval and which baseline it has", () => {
  const told = { value: 0.5, low: 0.4, high: 0.6, baseline: 0.02, baselineName: "chance" };
  expect(estimateInWords({ ...told, interval: "90 % interval" })).toBe(
    "0.50 (90 % interval 0.40 to 0.60); baseline: chance 0.02",
  );
  expect(estimateInWords(told)).toContain("(interval 0.40 to 0.60)");
});

it("a choice is gone through by arrow keys", async () => {
  const chosen: string[] = [];
  const options = ["a", "b"].map((value) => ({ value, label: value }));
  await show(<Choice label="Sort" options={options} value="a" choose={(v) => chosen.push(v)} />);
  const press = (code: string) =>
    root
      .querySelector(".choice")
      ?.dispatchEvent(new KeyboardEvent("keydown", { code, bubbles: true }));
  press("ArrowLeft");
  press("ArrowRight");
  expect(chosen).toEqual(["b"]);
});
