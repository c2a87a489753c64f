// The recording that plays when one arrives: events as those of a model that thinks, before any model is there.

import { judge, readPuzzle } from "./rules.js";

const RECORDED = ["sudoku9", "maze20"];

/** The recording for a family, or null where there is none: {model, family, question, events}. */
export async function opening(task) {
  if (!RECORDED.includes(task)) return null;
  const reply = await fetch(`opening-${task}.json`).catch(() => null);
  return reply?.ok ? decoded(await reply.json()) : null;
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
