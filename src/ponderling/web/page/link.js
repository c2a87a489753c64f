// The address: what a link asks for, what of it cannot be read, and links to what is shown.

import { readPuzzle, sizeNamed } from "./rules.js";

const NUMBERS = { d: "depth", r: "number of attempts", e: "seed", s: "look", a: "attempt" };
const KEYS = ["t", "p", "m", "b", ...Object.keys(NUMBERS)];

/** What the address asks for; empty where it asks for nothing. */
export const asked = () => new URLSearchParams(location.hash.slice(1));

/** The family that a link asks for, as {task, size}, and what is wrong with it; size is null for the family's own. */
export function familyOf(link, families) {
  const wanted = link.get("t");
  const keys = [...link.keys()];
  if (keys.length && !keys.some((key) => KEYS.includes(key))) return { task: families[0].task, size: null, problem: "This link cannot be read. Another puzzle is shown." };
  if (!wanted || families.some(({ task }) => task === wanted)) return { task: wanted ?? families[0].task, size: null, problem: "" };
  const sized = families.find((family) => family.sizes && sizeNamed(wanted, family));
  if (sized) return { task: sized.task, size: sizeNamed(wanted, sized), problem: "" };
  return { task: families[0].task, size: null, problem: `This link asks for “${wanted}”, which is not here. Another puzzle is shown.` };
}

/** The link's puzzle as {tokens, problem}; both are null where it has none. */
export function puzzleOf(link, family) {
  if (!link.get("p")) return { tokens: null, problem: null };
  const { tokens, problem } = readPuzzle(link.get("p"), family);
  return { tokens, problem: problem && `This link’s puzzle cannot be read: ${problem} Another is shown.` };
}

/** The link's whole numbers by their keys, and what is wrong where one is none. */
export function numbersOf(link) {
  const isRead = ([key]) => /^\d{1,10}$/.test(link.get(key));
  const given = Object.entries(NUMBERS).filter(([key]) => link.has(key));
  const wrong = given.find((one) => !isRead(one));
  return {
    numbers: Object.fromEntries(given.filter(isRead).map(([key]) => [key, Number(link.get(key))])),
    problem: wrong ? `This link’s ${wrong[1]} cannot be read: “${link.get(wrong[0])}” is not a whole number.` : "",
  };
}
