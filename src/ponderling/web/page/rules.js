// Puzzles as text and what is wrong with them. A family is what /v1/models says of a task; a grid is an array of tokens.

const DRAWN = /[|+\-─│┼ \t\r\n]/g;

/** The tokens of a puzzle typed as text: {tokens, problem}, where one of the two is null. */
export function readPuzzle(text, family) {
  const cells = family.rows * family.columns;
  const plain = family.kind === "sudoku" ? text.replace(DRAWN, "") : wholeLines(text, family).replace(/[\r\n]/g, "");
  const letters = [...plain];
  if (letters.length !== cells) {
    return { tokens: null, problem: `${family.rows}×${family.columns} has ${cells} cells, this text ${letters.length}.` };
  }
  const tokens = letters.map((letter) => tokenOf(letter, family));
  const strange = tokens.indexOf(-1);
  if (strange >= 0) return { tokens: null, problem: `“${letters[strange]}” in ${place(strange, family)} is no symbol.` };
  return { tokens, problem: null };
}

/** The lines of a text, without empty ones before and after. */
const linesOf = (text) => text.replace(/\r/g, "").replace(/^\n+|\n+$/g, "").split("\n");

/** Rows and columns of a puzzle drawn over several lines; null for a text of one line. */
export function shapeOf(text) {
  const lines = linesOf(text);
  return lines.length > 1 ? { rows: lines.length, columns: Math.max(...lines.map((line) => [...line].length)) } : null;
}

/** The text of a maze with the blanks that may be missing at the ends of its lines. */
function wholeLines(text, family) {
  const shape = shapeOf(text);
  if (family.kind !== "maze" || shape?.rows !== family.rows || shape.columns > family.columns) return text;
  return linesOf(text).map((line) => line.padEnd(family.columns)).join("");
}

/** The family in another size, which no reply of the server describes. */
export function inSize(family, { rows, columns }) {
  const base = family.base ?? family;
  if (rows === base.rows && columns === base.columns) return base;
  const task = base.sizes.task.replace("{rows}", rows).replace("{columns}", columns);
  const trained = base.sizes.trained.includes(rows * columns);
  return { ...base, base, task, rows, columns, box: [rows, columns], difficulties: ["random"], trained };
}

/** Rows and columns of the size that a name of the family means, such as maze12x20; null for other names. */
export function sizeNamed(name, family) {
  const [before, between, after] = family.sizes?.task.split(/\{\w+\}/) ?? [];
  const [, rows, columns = rows] = new RegExp(`^${before}(\\d+)(?:${between}(\\d+))?${after}$`).exec(name) ?? [];
  const size = { rows: Number(rows), columns: Number(columns) };
  return family.sizes && isSize(size, family) ? size : null;
}

/** The family of this name among those that are described, or one of them in the size that the name means. */
export function familyNamed(name, families) {
  const sized = families.find((family) => family.sizes && sizeNamed(name, family));
  return families.find((family) => family.task === name) ?? inSize(sized, sizeNamed(name, sized));
}

/** Whether the family is served in a size. */
export function isSize({ rows, columns }, family) {
  const fits = (side) => Number.isInteger(side) && side >= 1 && side <= family.sizes.most;
  return fits(rows) && fits(columns) && rows * columns > 1;
}

/** As much of a maze as the family's grid holds; S and G are put into corners if they are not in it. */
export function cropped(tokens, old, family) {
  const { rows, columns, blank, characters } = family;
  const cells = Array(rows * columns).fill(blank);
  for (let row = 0; row < Math.min(rows, old.rows); row++) {
    for (let column = 0; column < Math.min(columns, old.columns); column++) cells[row * columns + column] = tokens[row * old.columns + column];
  }
  const [start, goal] = ["S", "G"].map((c) => characters.indexOf(c));
  for (const [token, other, first, step] of [[start, goal, 0, 1], [goal, start, cells.length - 1, -1]]) {
    if (!cells.includes(token)) cells[cells[first] === other ? first + step : first] = token;
  }
  return cells;
}

const OF_OTHERS = { E: "G", X: "o", "+": "o" }; // as mazelib and maze-dataset write mazes

function tokenOf(letter, family) {
  if (family.kind === "maze" && OF_OTHERS[letter]) letter = OF_OTHERS[letter];
  if (family.kind === "sudoku" && ".0_*".includes(letter)) return family.blank;
  return family.characters.findIndex((c, token) => token > 0 && (c === letter || c === letter.toUpperCase()));
}

/** A clause as a sentence. */
export const sentence = (clause) => `${clause[0].toUpperCase()}${clause.slice(1)}.`;

/** The puzzle as one line. */
export function writePuzzle(tokens, family) {
  return tokens.map((token) => family.characters[token]).join("");
}

export function emptyPuzzle(family) {
  const tokens = Array(family.rows * family.columns).fill(family.blank);
  if (family.kind === "maze") {
    tokens[0] = family.characters.indexOf("S");
    tokens[tokens.length - 1] = family.characters.indexOf("G");
  }
  return tokens;
}

export function place(cell, family) {
  return `row ${Math.floor(cell / family.columns) + 1}, column ${(cell % family.columns) + 1}`;
}

/** Which rules a grid breaks: the cells and a sentence for each. */
export function broken(tokens, family) {
  if (family.kind === "maze") return brokenMaze(tokens, family);
  const cells = new Set();
  const reasons = [];
  family.groups.forEach((group, number) => {
    const seen = new Map();
    for (const cell of group) {
      if (tokens[cell] > family.blank) seen.set(tokens[cell], [...(seen.get(tokens[cell]) ?? []), cell]);
    }
    for (const [token, where] of seen) {
      if (where.length < 2) continue;
      where.forEach((cell) => cells.add(cell));
      reasons.push(`${family.symbols[token]} stands ${where.length === 2 ? "twice" : `${where.length} times`} in ${groupName(number, family)}`);
    }
  });
  return { cells, reasons };
}

function groupName(number, family) {
  const side = family.rows;
  if (number < side) return `row ${number + 1}`;
  if (number < 2 * side) return `column ${number - side + 1}`;
  const boxes = family.box[0] > 1 && family.box[1] > 1;
  return boxes && number < 3 * side ? `box ${number - 2 * side + 1}` : "a diagonal";
}

function brokenMaze(tokens, family) {
  const [start, goal] = ["S", "G"].map((c) => family.characters.indexOf(c));
  const reasons = [];
  for (const [token, name] of [[start, "S"], [goal, "G"]]) {
    if (tokens.filter((t) => t === token).length !== 1) reasons.push(`A maze has one ${name} here`);
  }
  return { cells: new Set(), reasons };
}

/** What the right answer to a maze without a way says: it has no marks. */
export const NO_WAY = "no way leads from S to G";

/** Steps on a shortest way from S to G over cells that are no wall; -1 where there is none. */
export function mazeDistance(tokens, family, passable = (token) => family.characters[token] !== "#") {
  const from = tokens.indexOf(family.characters.indexOf("S"));
  const to = tokens.indexOf(family.characters.indexOf("G"));
  return distancesFrom(from, family, (cell) => cell === to || passable(tokens[cell])).get(to) ?? -1;
}

/** Marks off the path through marks from S to G; without such a path, marks joined to neither; all where there is no way. */
function astray(question, answer, family, hasWay) {
  const [start, goal, mark] = ["S", "G", "o"].map((c) => family.characters.indexOf(c));
  const [from, to] = [question.indexOf(start), question.indexOf(goal)];
  const marks = new Set(answer.flatMap((token, cell) => (token === mark && question[cell] === family.blank ? [cell] : [])));
  if (!hasWay) return [...marks];
  const mayEnter = (cell) => marks.has(cell) || cell === from || cell === to;
  const forwards = distancesFrom(from, family, mayEnter);
  if (!forwards.has(to)) {
    const backwards = distancesFrom(to, family, mayEnter);
    return [...marks].filter((cell) => !forwards.has(cell) && !backwards.has(cell));
  }
  for (let cell = to; cell !== from; ) { // back by the cell that was found first of those one step nearer to S
    const nearer = new Set(neighbours(cell, family).filter((next) => forwards.get(next) === forwards.get(cell) - 1));
    cell = [...forwards.keys()].find((found) => nearer.has(found));
    marks.delete(cell);
  }
  return [...marks];
}

/** Steps from a cell to each that can be reached over cells that may be entered, by cell, the nearest first. */
export function distancesFrom(from, family, mayEnter) {
  const distance = new Map([[from, 0]]);
  for (const [cell, steps] of distance) { // it grows while it is walked through
    for (const next of neighbours(cell, family)) {
      if (!distance.has(next) && mayEnter(next)) distance.set(next, steps + 1);
    }
  }
  return distance;
}

function neighbours(cell, family) {
  const column = cell % family.columns;
  const found = [cell - family.columns, cell + family.columns];
  if (column > 0) found.push(cell - 1);
  if (column < family.columns - 1) found.push(cell + 1);
  return found.filter((c) => c >= 0 && c < family.rows * family.columns);
}

/**
 * What the rules say of an answer: {valid, wrong, reasons, note}; valid is null for families that the page has no rules of,
 * and note is what a valid answer means where the grid does not show it.
 */
export function judge(question, answer, family) {
  if (family.kind === "sudoku") {
    const { cells, reasons } = broken(answer, family);
    const empty = answer.flatMap((token, cell) => (token <= family.blank ? [cell] : []));
    const changed = question.flatMap((token, cell) => (token > family.blank && answer[cell] !== token ? [cell] : []));
    if (empty.length) reasons.push(`${empty.length} cells are empty`);
    for (const cell of changed) reasons.push(`the clue in ${place(cell, family)} was changed`);
    const wrong = [...new Set([...cells, ...empty, ...changed])];
    return { valid: !wrong.length, wrong, reasons, note: "" };
  }
  if (family.kind === "maze") {
    const mark = family.characters.indexOf("o");
    const changed = answer.flatMap((t, cell) => (t !== question[cell] && !(question[cell] === family.blank && t === mark) ? [cell] : []));
    const reasons = changed.length ? [`${changed.length} given cells were changed`] : [];
    const shortest = mazeDistance(question, family);
    const marked = answer.filter((t) => t === mark).length;
    const length = mazeDistance(answer, family, (t) => t === mark);
    if (shortest < 0) {
      if (marked) reasons.push(`${NO_WAY}, yet ${marked} ${marked === 1 ? "cell is" : "cells are"} marked`);
    } else if (length < 0) reasons.push("the marked cells do not lead from S to G");
    else if (length > shortest) reasons.push(`the path takes ${length} moves, a shortest one ${shortest}`);
    else if (marked > shortest - 1) reasons.push("cells beside the path are marked");
    const wrong = [...changed, ...astray(question, answer, family, shortest >= 0)];
    return { valid: !reasons.length, wrong, reasons, note: shortest < 0 && !reasons.length ? NO_WAY : "" };
  }
  return { valid: null, wrong: [], reasons: [], note: "" };
}

/** How many solutions a Sudoku has, counted to two, and the first: {count, answer}; count is null beyond so many guesses. */
export function solve(tokens, family, mostGuesses = 20000) {
  const side = family.symbols.length - 1 - family.blank;
  const groupsOf = tokens.map((_, cell) => family.groups.filter((group) => group.includes(cell)));
  const peers = groupsOf.map((groups, cell) => [...new Set(groups.flat())].filter((c) => c !== cell));
  const start = Int32Array.from(tokens, (t) => (t > family.blank ? 1 << (t - family.blank - 1) : (1 << side) - 1));
  let guesses = 0;
  const found = [];

  const bits = (mask) => { let n = 0; for (; mask; mask &= mask - 1) n++; return n; };

  function narrow(masks) {
    for (let again = true; again; ) {
      again = false;
      for (let cell = 0; cell < masks.length; cell++) {
        const mask = masks[cell];
        if (!mask) return false;
        if (mask & (mask - 1)) continue;
        for (const peer of peers[cell]) {
          if (!(masks[peer] & mask)) continue;
          masks[peer] &= ~mask;
          if (!masks[peer]) return false;
          again = true;
        }
      }
      for (const group of family.groups) {
        let once = 0, twice = 0;
        for (const cell of group) { twice |= once & masks[cell]; once |= masks[cell]; }
        if (once !== (1 << side) - 1) return false;
        for (const cell of group) {
          const alone = masks[cell] & once & ~twice;
          if (alone && alone !== masks[cell]) { masks[cell] = alone; again = true; }
        }
      }
    }
    return true;
  }

  function search(masks) {
    if (!narrow(masks)) return true;
    let best = -1, fewest = 99;
    for (let cell = 0; cell < masks.length; cell++) {
      const count = bits(masks[cell]);
      if (count > 1 && count < fewest) { best = cell; fewest = count; }
    }
    if (best < 0) { found.push(Array.from(masks, (mask) => Math.log2(mask) + family.blank + 1)); return found.length < 2; }
    for (let mask = masks[best]; mask; mask &= mask - 1) {
      if (++guesses > mostGuesses) return false;
      const next = masks.slice();
      next[best] = mask & -mask;
      if (!search(next)) return false;
    }
    return true;
  }

  search(start);
  return { count: guesses > mostGuesses && found.length < 2 ? null : found.length, answer: found[0] ?? null };
}
