// The address: what a link asks for, what of it cannot be read, and links to what is shown.

import { readPuzzle, sizeNamed } from "./rules.js";

/** What the address asks for; empty where it asks for nothing. */
export const asked = () => new URLSearchParams(location.hash.slice(1));

/** The family that a link asks for, as {task, size}, and what is wrong with it; size is null for the family's own. */
export function familyOf(link, families) {
  const wanted = link.get("t");
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
