// What the page itself finds out about a question before anything thinks about it.

import { placeGrid } from "./arc.js";
import { listed } from "./captions.js";
import { broken, mazeDistance, NO_WAY, sentence, solve } from "./rules.js";

const SEVERAL = "This puzzle has more than one solution, so no look can be sure which one is meant. It is not searched.";
const MOST_TOLD = 3; // broken rules
const GUESSES = [3000, 300]; // of the ordinary solver, and on grids above 9×9

/**
 * @param {string | null} known The output of an ARC task as text.
 * @returns {{problem: string, mayThink: boolean, isEmpty: boolean, isOpen: boolean, solution: number[] | null}} isOpen: it has
 *   several solutions; solution: the only one, where it is found.
 */
export function looked(question, family, known) {
  const { reasons } = broken(question, family);
  const isEmpty = family.kind === "sudoku" && question.every((token) => token <= family.blank);
  const found = { problem: "", mayThink: !reasons.length && !isEmpty, isEmpty, isOpen: false, solution: known == null ? null : placeGrid(known, family) };
  if (reasons.length) found.problem = reasons.slice(0, MOST_TOLD).map((reason) => sentence(listed(reason))).join(" ");
  else if (family.kind === "sudoku" && !isEmpty) {
    const { count, answer } = solve(question, family, GUESSES[Number(family.rows > 9)]);
    if (count === 1) found.solution = answer;
    if (count === 0) found.problem = "This puzzle has no solution.";
    if (count === 2) Object.assign(found, { problem: SEVERAL, isOpen: true });
  } else if (family.kind === "maze" && mazeDistance(question, family) < 0) {
    found.problem = `${sentence(NO_WAY)} The right answer marks nothing.`;
  }
  return found;
}
