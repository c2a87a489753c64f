// What the page says at the end of a thought and while a task is learned: `node --test tests/cases/`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { load } from "./page_modules.mjs";

const { learning, verdict } = await load("captions.js");

const END = { attempts: 1, attempt: 1, halt_probability: 0.97, halted: true, valid: true, reasons: [], note: "", answer: "12" };
const said = (end, more = {}) => verdict({ end: { ...END, ...end }, looks: 3, known: null, isOpen: false, ...more });

test("an answer that keeps the rules is solved, and says how sure the model is", () => {
  assert.deepEqual(said({}), { lead: "Solved.", text: "Sure after 3 looks: every rule holds.", mood: "good" });
  assert.match(said({ halted: false, halt_probability: 0.2 }).text, /^Every rule holds after 3 looks, though it is only 20% sure itself/);
  assert.match(said({ note: "no way leads from S to G" }).text, /^No way leads from S to G\. It stopped after 3 looks, 97% sure/);
});

test("of a puzzle with several solutions no answer is said to be the one", () => {
  const { lead, text, mood } = said({}, { isOpen: true });
  assert.equal(lead, "One of several.");
  assert.equal(text, "Every rule holds, and other answers keep the rules, too. It stopped after 3 looks, 97% sure.");
  assert.equal(mood, "");
  assert.equal(said({ valid: false, reasons: ["5 stands twice in row 2"] }, { isOpen: true }).lead, "Not solved.");
});

test("an answer that breaks a rule says which", () => {
  const { lead, text, mood } = said({ valid: false, reasons: ["5 stands twice in row 2", "a", "b"], halted: false });
  assert.equal(lead, "Not solved.");
  assert.match(text, /^5 stands twice in row 2\. A\. And 1 more\. It ran out of looks after 3 looks/);
  assert.equal(mood, "bad");
});

test("where no rules are known, or the output is, that is what is said", () => {
  assert.match(said({ valid: null }).text, /^Answered, with no rules to judge it by/);
  assert.equal(said({ valid: null }, { known: "12" }).lead, "Right.");
  assert.equal(said({ valid: null }, { known: "13" }).lead, "Not right.");
});

test("a film of learning says how many cells are right, and what of the test input is given back", () => {
  const question = [2, 3, 2, 3];
  const at = (updates, tokens, right, sure = 0.004) => learning({ frame: { updates, tokens, halt_probability: sure }, question, right, open: 4 }).text;
  assert.equal(at(0, [2, 3, 2, 3], 3), "Before learning, it gives the test input back: 3 of 4 cells right.");
  assert.equal(at(0, [2, 2, 2, 3], 2, 0.05), "Before learning: 2 of 4 cells right. 5% sure.");
  assert.equal(at(1, [2, 3, 2, 3], 3), "After 1 update: 3 of 4 cells right.");
  assert.equal(at(20, [2, 9, 2, 2], 2, 0.3), "After 20 updates: 2 of 4 cells right. 30% sure.");
  const end = learning({ frame: { updates: 60, tokens: [2, 9, 2, 3], halt_probability: 0.914 }, question, right: 4, open: 4 });
  assert.deepEqual(end, { lead: "Right.", text: "After 60 updates, all 4 cells are as the rule has them. 91% sure.", mood: "good" });
});
