// Recordings as the page plays them: `node --test tests/cases/`.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { load } from "./page_modules.mjs";

const { decodedLesson, lessonOf } = await load("opening.js");
const { placeGrid } = await load("arc.js");

const FAMILY = { task: "arc2", kind: "arc", rows: 2, columns: 2, characters: ["", "|", ..."0123456789"], blank: 0 };
const TASK = { name: "fill", demos: [{ input: "10/00", output: "11/11" }], tests: [{ input: "20/00", output: "22/22" }] };

test("a recording of learning is a frame for each answer, and ends where the film does", () => {
  const frames = [
    { updates: 0, tokens: "4222", p: [900, 800, 700, 600], sure: 0.1 },
    { updates: 5, tokens: "44b4", p: [999, 998, 400, 996], sure: 0.7 },
  ];
  const { question, events, task } = decodedLesson({ model: {}, family: FAMILY, task: TASK, frames });
  assert.deepEqual(question, [4, 2, 2, 2]);
  assert.equal(task, TASK);
  assert.deepEqual(events.map(({ type }) => type), ["step", "step", "end"]);
  assert.deepEqual(events[1].tokens, [4, 4, 11, 4]);
  assert.equal(events[1].updates, 5);
  assert.equal(events[1].probabilities[2][11], 400);
  assert.equal(events[1].probabilities[2].reduce((a, b) => a + b), 400); // of the others nothing is known
  assert.equal(events[2].halt_probability, 0.7);
});

test("the task of a recording goes to the server as ARC's files have it", () => {
  assert.deepEqual(lessonOf(TASK), { fill: { train: [{ input: [[1, 0], [0, 0]], output: [[1, 1], [1, 1]] }], test: [{ input: [[2, 0], [0, 0]], output: [[2, 2], [2, 2]] }] } });
});

test("the film that the page plays begins with the test input given back, and ends with the answer of the rule", () => {
  const file = new URL("../../src/ponderling/web/page/opening-arc10.json", import.meta.url);
  const { question, events, task, family } = decodedLesson(JSON.parse(readFileSync(file, "utf-8")));
  const known = placeGrid(task.tests[0].output, family);
  const right = events.slice(0, -1).map(({ tokens }) => tokens.filter((token, cell) => token === known[cell]).length);
  assert.deepEqual(events[0].tokens, question);
  assert.equal(right.at(-1), family.rows * family.columns);
  assert.ok(right[0] < right.at(-1));
});
