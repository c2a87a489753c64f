// ARC's views and votes: what `arc_canvas.py` and `voting.py` do, for one test input. A grid is rows of colours.

import { FIRST_COLOUR } from "./arc.js";

// Of each symmetry: do rows and columns change places, and is the row, the column of the old grid counted from its far end?
const SWAPPED = [0, 1, 0, 1, 0, 0, 1, 1];
const ROWS_FLIPPED = [0, 0, 1, 1, 0, 1, 0, 1];
const COLUMNS_FLIPPED = [0, 1, 1, 0, 1, 0, 0, 1];
const INVERSE = [0, 3, 2, 1, 4, 5, 6, 7];

export const writeGrid = (grid) => grid.map((row) => row.join("")).join("/");

function transform(grid, symmetry) {
  const [rows, columns] = [grid.length, grid[0]?.length ?? 0];
  const [a, b] = SWAPPED[symmetry] ? [columns, rows] : [rows, columns];
  return Array.from({ length: a }, (_, r) => Array.from({ length: b }, (_, c) => {
    const [i, j] = SWAPPED[symmetry] ? [c, r] : [r, c];
    return grid[ROWS_FLIPPED[symmetry] ? rows - 1 - i : i][COLUMNS_FLIPPED[symmetry] ? columns - 1 - j : j];
  }));
}

const recolour = (grid, colours) => grid.map((row) => row.map((colour) => colours[colour]));

/** The grid as a view shows it; `colours` is the new colour of each. */
export const show = (grid, symmetry, colours) => transform(recolour(grid, colours), symmetry);

/** The grid that `show` was given. */
export function undo(grid, symmetry, colours) {
  return recolour(transform(grid, INVERSE[symmetry]), colours.map((_, colour) => colours.indexOf(colour)));
}

/** The grid on a canvas: the largest rectangle of colours in its corner, of equals that with fewest rows; it may be empty. */
export function crop(tokens, { rows, columns }) {
  let [height, width, narrowest] = [0, 0, columns];
  for (let row = 0; row < rows; row++) {
    const line = tokens.slice(row * columns, (row + 1) * columns);
    const end = line.findIndex((token) => token < FIRST_COLOUR);
    narrowest = Math.min(narrowest, end < 0 ? columns : end);
    if ((row + 1) * narrowest > height * width) [height, width] = [row + 1, narrowest];
  }
  return Array.from({ length: height }, (_, row) => {
    return tokens.slice(row * columns, row * columns + width).map((token) => token - FIRST_COLOUR);
  });
}

/** The distinct answers {grid, votes, score}, those of most views first, of equals the surer; `grid` is text. */
export function count(answers) {
  const found = new Map();
  for (const { grid, score } of answers) {
    const [votes, total] = found.get(grid) ?? [0, 0];
    found.set(grid, [votes + 1, total + score]);
  }
  return [...found]
    .map(([grid, [votes, total]]) => ({ grid, votes, score: total / votes }))
    .sort((a, b) => b.votes - a.votes || b.score - a.score);
}
