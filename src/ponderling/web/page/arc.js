// ARC's grids: read, placed on the canvas, drawn as pictures that screen readers can read; a task's pairs; the votes.

export const COLOURS = ["black", "blue", "red", "green", "yellow", "grey", "magenta", "orange", "light blue", "maroon"];
export const EDGE = 1; // the token beside and below the grid
export const FIRST_COLOUR = 2;
const ACROSS = 144; // pixels that a picture has at most
const MOST_GRIDS = 6; // answers that are drawn, those with the most votes

/** Rows of colours from text such as 012/340; none from an empty text. */
export function readGrid(text) {
  return text ? text.split("/").map((row) => [...row].map(Number)) : [];
}

/** The tokens of a canvas with the grid in its corner and marks where it ends. */
export function placeGrid(text, { rows, columns }) {
  const grid = readGrid(text);
  const canvas = Array(rows * columns).fill(0);
  const height = grid.length;
  const width = grid[0]?.length ?? 0;
  for (let row = 0; row <= Math.min(height, rows - 1); row++) {
    for (let column = 0; column <= Math.min(width, columns - 1); column++) {
      if (row === height && column === width) continue;
      canvas[row * columns + column] = row === height || column === width ? EDGE : grid[row][column] + FIRST_COLOUR;
    }
  }
  return canvas;
}

/** A grid in words: `2 rows, 3 columns. Row 1: black, 2 blue. ...` */
function words(grid) {
  if (!grid.length) return "an empty grid";
  const rows = grid.map((row, number) => {
    const runs = [];
    for (const colour of row) {
      if (runs.at(-1)?.colour === colour) runs.at(-1).count++;
      else runs.push({ colour, count: 1 });
    }
    return `Row ${number + 1}: ${runs.map(({ colour, count }) => `${count > 1 ? `${count} ` : ""}${COLOURS[colour]}`).join(", ")}.`;
  });
  return `${grid.length} rows, ${grid[0].length} columns. ${rows.join(" ")}`;
}

function add(parent, tag, name = "", text = "") {
  const element = parent.appendChild(document.createElement(tag));
  element.className = name;
  element.textContent = text;
  return element;
}

/** Adds a picture of a grid, `across` pixels at most; `name` says to screen readers what it is. */
function addPicture(parent, text, name, across = ACROSS) {
  const grid = readGrid(text);
  if (!grid.length) return add(parent, "span", "no-grid", "an empty grid");
  const [rows, columns] = [grid.length, grid[0].length];
  const canvas = add(parent, "canvas", "picture");
  const size = 2 * Math.min(18, Math.max(4, Math.floor(across / Math.max(rows, columns)))); // twice as fine as it is shown
  const line = size > 16 ? 2 : 1;
  canvas.width = columns * size + line;
  canvas.height = rows * size + line;
  canvas.style.setProperty("--width", canvas.width);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${name}: ${words(grid)}`);
  const style = getComputedStyle(document.documentElement);
  const context = canvas.getContext("2d");
  context.fillStyle = style.getPropertyValue("--arc-line");
  context.fillRect(0, 0, canvas.width, canvas.height);
  grid.forEach((row, y) => row.forEach((colour, x) => {
    context.fillStyle = style.getPropertyValue(`--arc-${colour}`);
    context.fillRect(x * size + line, y * size + line, size - line, size - line);
  }));
  return canvas;
}

/** The demonstrations and the test input; their pictures are `across` pixels at most. */
export function showTask(element, task, number, across = ACROSS) {
  element.replaceChildren();
  const list = add(element, "ul", "pairs");
  list.tabIndex = 0; // it scrolls sideways, for those without a pointer too
  list.setAttribute("aria-label", "Examples and test input");
  const pairs = [...task.demos.map((pair, i) => [`Example ${i + 1}`, pair]), [`Test input ${number}`, { input: task.tests[number - 1].input }]];
  for (const [name, { input, output }] of pairs) {
    const item = add(list, "li", output === undefined ? "pair test" : "pair");
    add(item, "h2", "", name);
    const grids = add(item, "div", "grids");
    addPicture(grids, input, "Input", across);
    add(grids, "span", "arrow", "→").setAttribute("aria-hidden", "true");
    if (output === undefined) add(grids, "span", "unknown", "?");
    else addPicture(grids, output, "Output", across);
  }
}

/** Names the colours, or those of a task alone. */
export function showColours(element, task = null) {
  const legend = add(element, "ul", "legend");
  legend.setAttribute("aria-label", "Colours");
  const used = new Set([...(task?.demos ?? []), ...(task?.tests ?? [])].flatMap(({ input, output }) => [...input, ...(output ?? "")]));
  COLOURS.forEach((colour, token) => {
    if (task && !used.has(String(token))) return;
    const item = add(legend, "li");
    add(item, "i", "swatch").dataset.colour = token;
    item.append(`${token} ${colour}`);
  });
}

const percent = (p) => `${Math.round(100 * p)}%`;

/** The answers with their votes, what each view saw, and the output as text where it is known. */
export function showVotes(element, { grids, views }, known) {
  element.replaceChildren();
  const some = views.length === 1 ? "1 view" : `${views.length} views`;
  add(element, "h2", "", `Votes of ${some}`);
  const list = add(element, "ol", "ballot");
  grids.slice(0, MOST_GRIDS).forEach(({ grid, votes, score, right }, i) => {
    const item = add(list, "li");
    addPicture(item, grid, `Answer ${i + 1}`);
    const text = add(item, "p", "", `Answer ${i + 1}: `);
    add(text, "b", "", `${votes} of ${views.length}`);
    text.append(` votes, ${percent(score)} sure on average.`);
    if (right !== null) add(text, "span", right ? "right" : "not-right", right ? " The right answer." : " Not the right answer.");
  });
  if (grids.length > MOST_GRIDS) add(element, "p", "hint", `${grids.length - MOST_GRIDS} more answers, with no more votes than these.`);
  if (known != null) {
    const output = add(element, "details");
    add(output, "summary", "", "The known output");
    addPicture(output, known, "The known output");
  }
  const details = add(element, "details");
  add(details, "summary", "", "What each view saw and answered");
  const voters = add(details, "ul", "voters");
  for (const { symmetry, recoloured, shown, grid, score } of views) {
    const item = add(voters, "li");
    const pair = add(item, "div", "grids");
    addPicture(pair, shown, "Seen");
    add(pair, "span", "arrow", "→").setAttribute("aria-hidden", "true");
    addPicture(pair, grid, "Answered, turned and coloured back");
    const answer = grids.findIndex((g) => g.grid === grid) + 1;
    add(item, "p", "", `${symmetry}${recoloured ? ", other colours" : ""}: answer ${answer}, ${percent(score)} sure`);
  }
}
