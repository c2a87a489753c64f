// What there is to choose, as elements and words: puzzles above the board, symbols to put in, names of families and models.

import { CHIPS } from "./gallery.js";

const NAMES = {
  sudoku4: "Sudoku 4×4", sudoku6: "Sudoku 6×6", sudoku9: "Sudoku 9×9", sudoku16: "Sudoku 16×16",
  sudoku9x: "Sudoku 9×9 with diagonals", latin9: "Latin square 9×9",
};
const MAZE_SYMBOLS = { "#": "wall", " ": "free", S: "start S", G: "goal G" };

export const isEdited = (family) => family.kind === "sudoku" || family.kind === "maze";

export function options(select, pairs) {
  select.replaceChildren(...pairs.map(([value, text]) => new Option(text, value)));
}

export function button(text, act) {
  const element = document.createElement("button");
  element.type = "button";
  element.textContent = text;
  element.addEventListener("click", act);
  return element;
}

/** A puzzle family as it is called on the page. */
export function familyName({ task, sizes }) {
  return sizes ? "Maze" : NAMES[task] ?? task.replace(/^maze(\d+)$/, "Maze $1×$1").replace(/^arc(\d+)$/, "ARC on $1×$1");
}

/** The buttons above the board, as far as their families are served: `choose` takes {task, puzzle, difficulty}. */
export function chips(families, choose) {
  const taskOf = ({ task, kind, difficulty }) => task ?? families.find((f) => f.kind === kind && f.difficulties.includes(difficulty))?.task;
  return CHIPS.map((chip) => ({ ...chip, task: taskOf(chip) })).filter(({ task }) => families.some((f) => f.task === task)).map((chip) => {
    const element = button(chip.label, () => choose(chip));
    element.dataset.puzzle = chip.puzzle ?? "";
    return element;
  });
}

/** The buttons that put a symbol into the selected cell, for touch. */
export function pad({ kind, symbols, characters, blank }, put) {
  const tokens = symbols.map((_, token) => token).slice(1);
  const isMaze = kind === "maze";
  const offered = isMaze ? tokens.filter((t) => characters[t] !== "o") : [...tokens.filter((t) => t > blank), blank];
  return offered.map((token) => {
    const isErase = !isMaze && token === blank;
    const element = button(isMaze ? MAZE_SYMBOLS[characters[token]] : isErase ? "⌫" : symbols[token], () => put(token));
    if (isErase) element.setAttribute("aria-label", "erase");
    return element;
  });
}

const SMALL = 500_000; // parameters, of 4 bytes each; photos have more

/** The sentence at the top, about the model that is chosen. */
export function lead(model, family) {
  document.getElementById("numbers").textContent = model.parameters.toLocaleString("en");
  document.getElementById("lead-size").hidden = model.parameters > SMALL;
  document.getElementById("lead-told").textContent = toldBefore(model, family);
}

/** What it does, and what it was told beforehand. */
function toldBefore({ system }, { kind }) {
  if (kind === "arc") return "try this. They see a few examples, and have to find out what is meant.";
  if (system !== "relational") return "solve this. Nobody told them what to do.";
  return `solve this. They were told which cells ${kind === "maze" ? "are neighbours" : "stand together"}, not what to do.`;
}

/** What is to be known of a model on a family. */
export function aboutModel(model, family) {
  const own = family.base ? family : model.tasks.find((t) => t.task === family.task);
  const within = model.recursions > 1 ? ` A step is ${model.recursions} looks.` : "";
  const [trained, another] = model.tasks.filter((t) => t.trained);
  const byCells = trained && model.system === "relational" && trained.rows * trained.columns !== own.rows * own.columns;
  const how = byCells ? ": here it stops when it is 90% sure of every cell." : ".";
  const unseen = " It was not trained on this size: here it stops when it is 90% sure of every cell.";
  const elsewhere = own.sizes ? unseen : another ? " It was not trained on this kind." : trained ? ` Trained on ${familyName({ task: trained.task })} alone${how}` : "";
  return `${model.name}: ${model.parameters.toLocaleString("en")} parameters.${within}${own.trained ? "" : elsewhere}`;
}
