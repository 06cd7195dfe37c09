import { expect, it } from "vitest";
import { fakeModels, fakeTraining, STEPS } from "../../test/fake-stability";
import { drawnCircuit, lineSaid, placesOf } from "./graph";
import { countsOf, edgesIn, edgesOfPair, type Members, readMembers } from "./members";
import { readModels } from "./models-rows";
import { nearest, phaseAt, readTraining, type TrainingRows } from "./training-rows";
import { lossSaid, similarSaid, stateSaid } from "./words";

const members = readMembers(fakeTraining()) as Members;
const training = readTraining(fakeTraining()) as TrainingRows;

it("joins the edges of two circuits, the strongest first", () => {
  const edges = edgesOfPair(members, 2, 3);
  expect(edges.map(({ from, to, by }) => `${from} → ${to} ${by}`.trim())).toEqual([
    "embedding → 0.0 v",
    "1.0 → logits",
    "0.0 → 1.0-1 k",
    "0.1 → 1.1 q",
  ]);
  expect(countsOf(edges)).toEqual({ both: 2, a: 1, b: 1 });
  expect(edges[1]?.sides.map((side) => side?.kept)).toEqual([false, true]);
  expect(edgesOfPair(members, 0, 1)).toEqual([]);
});

it("keeps edges apart of models that have other parts", () => {
  const models = readModels(fakeModels([0, 0, 1]));
  const edges = edgesOfPair(models?.members as Members, 1, 2);
  expect(edges.every(({ sides }) => sides.filter((side) => side !== null).length === 1)).toBe(true);
  expect(countsOf(edges)).toEqual({ both: 0, a: 3, b: 3 });
});

it("draws a circuit in places of its graph, faint what the other one lacks", () => {
  const graph = members.graphs[0] as Members["graphs"][0];
  const drawn = drawnCircuit(members, 3, 2, placesOf(graph));
  expect(drawn?.parts).toEqual([[0], [2], [1], [1]]);
  // As many as the circuit has: none of them was left out of the message.
  expect(edgesIn(graph, 3)).toBe(members.edges[3]);
  expect(Array.from(drawn?.data.edges.alpha ?? [], (a) => a < 1)).toEqual([
    false,
    true,
    false,
    false,
  ]);
  expect(lineSaid(members, 3, 2, [1])).toBe("0.0 → 1.0-1 by k: 1.00 (1.00 to 1.00), in both");
  expect(lineSaid(members, 3, 2, [2])).toContain("in this circuit only");
});

it("finds the nearest checkpoint, and the phase of a step", () => {
  expect([-5, 40, 300, 9999].map((step) => nearest(STEPS, step))).toEqual([0, 1, 2, 3]);
  expect([0, 64, 512, 2048].map((step) => phaseAt(training.phases, step)?.kind)).toEqual([
    "absent",
    "unstable",
    "unstable",
    "stable",
  ]);
  expect(phaseAt([], 3)).toBeNull();
});

it("has a role of every head at a step, and of a head at every step", () => {
  const about = { name: "x", control: null } as never;
  expect(Array.from(training.planeAt(about, 2)?.value ?? [])).toEqual(
    Array.from(Float32Array.of(0.1, 0.2, 0.3, 0.4)),
  );
  expect(Array.from(training.coursesOf("x")[1]?.value ?? [])).toEqual(
    Array.from(Float32Array.of(0, 0.1, 0.2, 0.3)),
  );
  expect(training.coursesOf("y")).toEqual([]);
  expect(training.picture(1, [1, 1])?.data[0]).toBe(120);
  expect(training.picture(1, [0, 0])).toBeNull();
});

it("says what a checkpoint does, and what is not there", () => {
  expect(lossSaid(training, 2)).toBe(
    "step 512: loss 1.00 (0.88 to 1.13), right answers 0.50 (0.38 to 0.63)",
  );
  expect([1, 3].map((at) => stateSaid(training, at))).toEqual([
    "unstable phase, fails the task",
    "stable phase",
  ]);
  const { circuit, effects } = training.similar;
  expect(similarSaid(training, effects, 3)).toBe(
    "step 512 to 2,048: 0.80 (0.68 to 0.93); inside one checkpoint 0.60",
  );
  expect(similarSaid(training, circuit, 2)).toContain("one of them has no circuit");
  const early = readTraining(fakeTraining(2)) as TrainingRows;
  expect(lossSaid(early, 3)).toBe("step 2,048: not measured yet");
  expect(early.picture(3, [1, 1])).toBeNull();
});
