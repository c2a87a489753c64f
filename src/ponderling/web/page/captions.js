// What is said of a moment: sentences from its frame and the one before it, and nothing else.

import { sentence } from "./rules.js";

/** A probability as it is shown; what is not whole is never shown as 100%. */
export const percent = (p) => (p > 0.99 && p < 1 ? `${Math.min(99.9, Math.floor(1000 * p) / 10).toFixed(1)}%` : `${Math.round(100 * p)}%`);

export const some = (count, one, many) => `${count} ${count === 1 ? one : many}`;

const BUSY = 100; // thousandths of mean square by which the hidden state of a busy cell changes
const AWARE = 0.01; // from this probability on the caption says how sure it is

/**
 * A moment that is not the last: {lead, text, mood}.
 * @param {object} moment frame; before: the tokens one moment earlier; number: of the look; right, open: cells, right is null
 *   where no solution is known; red: how many cells are shown red; isMaze.
 */
export function thinking({ frame, before, number, right, open, red, isMaze, guessed, attempt = 1 }) {
  const changed = frame.tokens.filter((token, cell) => token !== before[cell]).length;
  const sentences = attempt > 1 ? [`Attempt ${attempt}.`] : [];
  const busy = frame.change?.filter((change) => change > BUSY).length;
  if (number > 1 && changed) sentences.push(`It changes its mind about ${some(changed, "cell", "cells")}.`);
  else if (number > 1) sentences.push(busy ? `It keeps its answer, but ${some(busy, "cell is", "cells are")} still busy inside.` : "It keeps its answer.");
  else if (right !== null) sentences.push(`First look: ${right} of ${open} right.`);
  else sentences.push(isMaze ? `First look: it marks ${some(changed, "cell", "cells")}.` : `First look: ${some(changed, "cell", "cells")} filled in.`);
  if (guessed) sentences.push(`It supposes ${some(guessed, "cell", "cells")}.`);
  if (red) sentences.push(`${red} ${red === 1 ? "cell breaks" : "cells break"} a rule.`);
  if (frame.halt_probability >= AWARE) sentences.push(`${percent(frame.halt_probability)} sure.`);
  return { lead: "", text: sentences.join(" "), mood: "" };
}

/**
 * A moment of a film of learning: {lead, text, mood}. What is counted are the cells of the answer, against the rule's own answer.
 * @param {object} moment frame: the answer after its `updates`; question: tokens; right, open: cells.
 */
export function learning({ frame, question, right, open }) {
  const { updates, tokens, halt_probability } = frame;
  const sure = halt_probability >= AWARE ? ` ${percent(halt_probability)} sure.` : "";
  const isCopied = tokens.every((token, cell) => token === question[cell]);
  const count = `${right} of ${open} cells right.`;
  if (!updates) return { lead: "", text: `Before learning${isCopied ? ", it gives the test input back" : ""}: ${count}${sure}`, mood: "" };
  const when = `After ${some(updates, "update", "updates")}`;
  if (right < open) return { lead: "", text: `${when}: ${count}${sure}`, mood: "" };
  return { lead: "Right.", text: `${when}, all ${open} cells are as the rule has them.${sure}`, mood: "good" };
}

/**
 * The last moment: {lead, text, mood}.
 * @param {number} looks How many led there.
 * @param {string | null} known ARC's output as text.
 * @param {boolean} isOpen The question has several solutions.
 */
export function verdict({ end, looks, known, isOpen }) {
  const took = end.attempts > 1 ? `in attempt ${end.attempt} of ${end.attempts}` : `after ${some(looks, "look", "looks")}`;
  const sure = percent(end.halt_probability);
  const stopped = end.halted ? `It stopped ${took}, ${sure} sure.` : `It ran out of looks ${took}; of this answer it is ${sure} sure.`;
  if (known != null) {
    const right = end.answer === known;
    return { lead: right ? "Right." : "Not right.", text: `${right ? "It is the known output." : "It is not the known output."} ${stopped}`, mood: right ? "good" : "bad" };
  }
  if (end.valid === null) return { lead: "", text: `Answered, with no rules to judge it by. ${stopped}`, mood: "" };
  if (end.valid) {
    if (isOpen) return { lead: "One of several.", text: `Every rule holds, and other answers keep the rules, too. ${stopped}`, mood: "" };
    if (end.note) return { lead: "Solved.", text: `${sentence(end.note)} ${stopped}`, mood: "good" };
    const text = end.halted ? `Sure ${took}: every rule holds.` : `Every rule holds ${took}, though it is only ${sure} sure itself.`;
    return { lead: "Solved.", text, mood: "good" };
  }
  return { lead: "Not solved.", text: `${reasonsText(end.reasons)} ${stopped}`, mood: "bad" };
}

/** The first two reasons as sentences, and how many more there are. */
export function reasonsText(reasons, most = 2) {
  const more = reasons.length - most;
  const told = reasons.slice(0, most).map((reason) => sentence(listed(reason))).join(" ");
  return more > 0 ? `${told} And ${more} more.` : told;
}

/** `columns 2 and 3 and 4` as `columns 2, 3 and 4`. */
export const listed = (clause) => clause.replace(/(\w+)((?: and \w+)+)(?= and \w+)/g, (_, first, middle) => first + middle.replaceAll(" and ", ", "));

/** Who was first, told no sooner than the film has shown it: of the views at this moment. */
export function race(views, index) {
  const there = views.filter(({ end, path }) => end && index >= path.length);
  const name = ({ model }) => model;
  const looks = ({ path }) => some(path.length, "look", "looks");
  if (!there.length) return index ? "Both look at the same time." : "";
  const good = there.filter(({ end }) => end.valid !== false);
  const [first, second] = [...good].sort((a, b) => a.path.length - b.path.length);
  if (!first) return there.length < views.length ? `${name(there[0])} has given up.` : "Neither has solved it.";
  if (there.length < views.length) return `${name(first)} is first, after ${looks(first)}.`;
  if (!second) return `${name(first)} was first, after ${looks(first)}. The other did not solve it.`;
  if (first.path.length === second.path.length) return `A draw: both after ${looks(first)}.`;
  return `${name(first)} was first, after ${looks(first)}. ${name(second)} took ${second.path.length}.`;
}

/** What went wrong, in words that a person understands. */
export function trouble(error) {
  if (error instanceof TypeError || /network|fetch/i.test(error.message)) return "The connection is lost. Is the server still running, and are you online?";
  return /[.!?]$/.test(error.message) ? error.message : sentence(error.message);
}

/** How much of the network and its runtime is there. */
export function loading({ loaded, total }) {
  const megabytes = (bytes) => (bytes / 1e6).toFixed(1);
  return `Loading the network and its runtime: ${megabytes(loaded)} of ${megabytes(total)} MB`;
}
