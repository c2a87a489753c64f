// The recording that plays when one arrives: events as those of a model that thinks, before any model is there.

import { placeGrid, readGrid } from "./arc.js";
import { judge, readPuzzle } from "./rules.js";

const RECORDED = ["sudoku9", "maze20", "arc10"];
const kept = new Map(); // recordings by family, as promises

/** The recording for a family, or null where there is none: {model, family, question, events}, of ARC with its `task`. */
export async function opening(task) {
  if (!RECORDED.includes(task)) return null;
  if (!kept.has(task)) kept.set(task, load(task));
  const recording = await kept.get(task);
  if (!recording) kept.delete(task); // it may come the next time
  return recording;
}

async function load(task) {
  const reply = await fetch(`opening-${task}.json`).catch(() => null);
  if (!reply?.ok) return null;
  const recording = await reply.json();
  return recording.task ? decodedLesson(recording) : decoded(recording);
}

/** A recording as events: frames hold how likely each of `symbols` is in each open cell, in thousandths. */
export function decoded({ model, family, puzzle, symbols, frames, answer, end }) {
  const question = readPuzzle(puzzle, family).tokens;
  const open = question.flatMap((token, cell) => (token === family.blank ? [cell] : []));
  const events = frames.map(({ p, sure, change }, i) => {
    const probabilities = question.map((token) => family.characters.map((_, t) => (t === token && token !== family.blank ? 1000 : 0)));
    open.forEach((cell, row) => {
      symbols.forEach((token, column) => (probabilities[cell][token] = p[row * symbols.length + column]));
      if (family.kind === "maze") probabilities[cell][family.blank] = 1000 - p[row];
    });
    const tokens = probabilities.map((row) => row.indexOf(Math.max(...row)));
    const { wrong, reasons } = judge(question, tokens, family);
    return { type: "step", attempt: 1, step: 1, recursion: i + 1, tokens, probabilities, halt_probability: sure, halts: i === frames.length - 1, wrong, reasons, guessed: [], ...(change && { change }) };
  });
  events.push({ type: "end", question: puzzle, answer, attempts: 1, attempt: 1, reasons: [], note: "", ...end });
  return { model, family, question, events };
}

/** A recording of learning an ARC task: frames hold the answer after some updates, a hexadecimal digit a cell, and how likely each was, in thousandths. */
export function decodedLesson({ model, family, task, frames }) {
  const question = placeGrid(task.tests[0].input, family);
  const events = frames.map(({ updates, tokens: digits, p, sure }, i) => {
    const tokens = [...digits].map((digit) => parseInt(digit, 16));
    const probabilities = tokens.map((token, cell) => family.characters.map((_, t) => (t === token ? p[cell] : 0)));
    return { type: "step", attempt: 1, step: i + 1, recursion: 1, tokens, probabilities, halt_probability: sure, halts: false, wrong: [], reasons: [], guessed: [], updates };
  });
  events.push({ type: "end", attempts: 1, attempt: 1, reasons: [], note: "", steps: frames.length, halted: false, halt_probability: frames.at(-1).sure, valid: null });
  return { model, family, question, events, task };
}

/** The task of a recording as ARC's files have it, by its name. */
export function lessonOf({ name, demos, tests }) {
  const plain = ({ input, output }) => ({ input: readGrid(input), output: readGrid(output) });
  return { [name]: { train: demos.map(plain), test: tests.map(plain) } };
}
