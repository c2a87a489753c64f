// A grid of cells: drawn, edited with keyboard, pointer or touch, and read out by screen readers.

import { COLOURS, EDGE, FIRST_COLOUR } from "./arc.js";
import { broken, place } from "./rules.js";

export const SHOWN = 0.9; // from this probability on a cell shows one symbol, below it the candidates
const BORDER = 2; // pixels of the board's frame, as in style.css
const FAINT = 0.02; // candidates below this are not drawn

/** A length as browsers keep it, in 64ths of a pixel; rounded here, so that what is lost does not add up over a row. */
const placed = (pixels) => Math.round(64 * pixels) / 64;

/** The cells that are shown to break a rule: of Sudokus that are not finished, by the symbols that stand there. */
export function redCells(question, { tokens, probabilities, wrong }, family, isLast) {
  if (family.kind !== "sudoku" || isLast) return new Set(wrong);
  const stands = (token, cell) => question[cell] > family.blank || probabilities[cell][token] >= 1000 * SHOWN;
  return broken(tokens.map((token, cell) => (stands(token, cell) ? token : family.blank)), family).cells;
}

export class Board extends EventTarget {
  constructor(family, label) {
    super();
    this.family = family;
    this.holder = document.createElement("div"); // what the layout gives; the board takes whole pixels of it
    this.holder.className = "fit";
    this.element = this.holder.appendChild(document.createElement("div"));
    this.element.className = `board ${family.kind}`;
    this.element.setAttribute("role", "grid");
    this.element.setAttribute("aria-label", label);
    if (family.kind === "arc") this.element.setAttribute("aria-readonly", "true");
    for (const element of [this.holder, this.element]) {
      element.style.setProperty("--rows", family.rows);
      element.style.setProperty("--columns", family.columns);
    }
    // Sizes are set here and not by container units, with which every step took the browser seconds.
    new ResizeObserver(([entry]) => this.#fit(entry.contentRect.width)).observe(this.holder);
    this.cells = [];
    this.selected = 0;
    for (let row = 0; row < family.rows; row++) {
      const line = this.element.appendChild(document.createElement("div"));
      line.setAttribute("role", "row");
      for (let column = 0; column < family.columns; column++) this.cells.push(line.appendChild(this.#newCell(row, column)));
    }
    this.element.addEventListener("keydown", (event) => this.#key(event));
    this.element.addEventListener("pointerdown", (event) => this.#pointer(event));
    this.element.addEventListener("pointermove", (event) => this.#pointer(event));
    for (const end of ["pointerup", "pointercancel"]) this.element.addEventListener(end, () => (this.held = null));
    this.element.addEventListener("pointerleave", () => this.#point(-1));
    this.element.addEventListener("focusin", (event) => this.select(this.cells.indexOf(event.target), false));
  }

  /** Makes the cells whole device pixels, so that every line is as thick as the others and none shows between walls. */
  #fit(width) {
    const scale = window.devicePixelRatio || 1;
    const cell = Math.max(1, Math.floor(((width - 2 * BORDER) * scale) / this.family.columns)) / scale;
    const tracks = (count) => Array.from({ length: count }, (_, i) => `${placed(cell * (i + 1)) - placed(cell * i)}px`).join(" ");
    this.element.style.setProperty("--across", tracks(this.family.columns));
    this.element.style.setProperty("--down", tracks(this.family.rows));
    this.element.style.fontSize = `${(cell * 0.56).toFixed(1)}px`;
  }

  /** Says which cell is looked at; -1: none under the pointer, so the selected one is. */
  #point(cell) {
    if (cell === this.pointed) return;
    this.pointed = cell;
    this.dispatchEvent(new CustomEvent("point", { detail: cell }));
  }

  /** Outlines cells that have to do with the one that is looked at. */
  outline(cells) {
    this.cells.forEach((cell, i) => cell.classList.toggle("outlined", cells.includes(i)));
  }

  #newCell(row, column) {
    const { rows, columns, box } = this.family;
    const cell = document.createElement("div");
    cell.setAttribute("role", "gridcell");
    cell.tabIndex = row + column ? -1 : 0;
    cell.classList.add("cell");
    if ((column + 1) % box[1] === 0) cell.classList.add("box-right");
    if ((row + 1) % box[0] === 0) cell.classList.add("box-bottom");
    if (column === columns - 1) cell.classList.add("last-column");
    if (row === rows - 1) cell.classList.add("last-row");
    return cell;
  }

  /** Makes a cell the one that typing goes to. */
  select(cell, focus = true) {
    if (cell < 0) return;
    this.cells[this.selected].tabIndex = -1;
    this.cells[this.selected].classList.remove("selected");
    this.selected = cell;
    this.cells[cell].tabIndex = 0;
    this.cells[cell].classList.add("selected");
    if (focus) this.cells[cell].focus();
    this.dispatchEvent(new CustomEvent("select", { detail: cell }));
  }

  #edit(cell, token) {
    if (this.family.kind === "arc") return; // a model of ARC knows its tasks alone
    this.dispatchEvent(new CustomEvent("edit", { detail: { cell, token } }));
  }

  /** Puts a symbol into the selected cell. */
  put(token) {
    this.#edit(this.selected, token);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { columns, rows, kind, blank, characters } = this.family;
    const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
    if (event.key in moves) {
      const column = (this.selected % columns) + (event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0);
      const next = this.selected + moves[event.key];
      if (column >= 0 && column < columns && next >= 0 && next < rows * columns) this.select(next);
    } else if (event.key === "Home" || event.key === "End") {
      this.select(this.selected - (this.selected % columns) + (event.key === "End" ? columns - 1 : 0));
    } else if (["Backspace", "Delete", "0", "."].includes(event.key) || (event.key === " " && kind === "sudoku")) {
      this.put(blank);
    } else if (event.key === " " && kind === "maze") {
      this.put(this.#other(this.selected));
    } else {
      const token = characters.findIndex((c, t) => t > blank && c === event.key.toUpperCase());
      if (token < 0) return;
      this.put(token);
    }
    event.preventDefault();
  }

  /** Wall where there is none, and the reverse. */
  #other(cell) {
    const wall = this.family.characters.indexOf("#");
    return this.question[cell] === wall ? this.family.blank : wall;
  }

  #pointer(event) {
    for (const { clientX, clientY } of [...(event.getCoalescedEvents?.() ?? []), event]) this.#touch(event, clientX, clientY);
  }

  /** A pointer is over a place: it selects or draws there. */
  #touch(event, x, y) {
    const target = document.elementFromPoint(x, y)?.closest(".cell");
    const cell = this.cells.indexOf(target);
    if (cell < 0) return;
    if (event.pointerType === "mouse" && !event.buttons) this.#point(cell);
    if (event.type === "pointerdown") {
      if (this.held) return;
      this.select(cell);
      event.preventDefault();
      if (this.family.kind !== "maze") return;
      this.element.setPointerCapture?.(event.pointerId);
      const token = this.question[cell];
      const isEnd = this.#isEnd(cell);
      // A finger cannot point without touching: of a thought that is shown, a tap asks about the cell, and only a stroke draws.
      const asks = this.isThought && event.pointerType !== "mouse";
      this.held = { token: isEnd ? token : this.#other(cell), last: isEnd || asks ? cell : -1, first: asks && !isEnd ? cell : -1 };
    }
    const { held } = this;
    if (!held || cell === held.last) return;
    if (this.#isEnd(cell)) return; // one end does not run over the other, and walls over none
    const stroke = held.first < 0 ? [cell] : [held.first, cell];
    Object.assign(held, { last: cell, first: -1 });
    for (const drawn of stroke) this.#edit(drawn, held.token);
  }

  /** Whether a cell of a maze is S or G. */
  #isEnd(cell) {
    return "SG".includes(this.family.characters[this.question[cell]]);
  }

  /** Shows the question alone; cells that contradict each other are marked. */
  showQuestion(question) {
    Object.assign(this, { question, isThought: false });
    const wrong = broken(question, this.family).cells;
    question.forEach((token, cell) => {
      const given = this.#isClue(token);
      this.#draw(cell, { token, given, wrong: wrong.has(cell) });
    });
  }

  /** Shows a step of the thinking; `before` is the grid one step earlier. The last step has an answer in every cell. */
  showStep(question, frame, before, isLast) {
    Object.assign(this, { question, isThought: true });
    this.turn = !this.turn;
    const wrong = redCells(question, frame, this.family, isLast);
    const guessed = new Set(frame.guessed);
    frame.tokens.forEach((token, cell) => {
      const given = this.#isClue(question[cell]);
      this.#draw(cell, {
        token,
        given,
        wrong: wrong.has(cell),
        changed: !given && before && before[cell] !== token && !frame.change, // the tint shows it
        tint: frame.change ? frame.change[cell] / 1000 : 0,
        guessed: guessed.has(cell),
        odds: given ? null : frame.probabilities[cell],
        isLast,
      });
    });
  }

  /** Whether a cell of the question must be kept; of ARC none. */
  #isClue(token) {
    return this.family.kind !== "arc" && token !== this.family.blank;
  }

  #draw(cell, { token, given, wrong, changed = false, guessed = false, odds = null, isLast = false, tint = 0 }) {
    const element = this.cells[cell];
    const { family } = this;
    const sure = odds ? odds[token] / 1000 : 1;
    const open = odds && family.kind === "sudoku" && sure < SHOWN && !isLast;
    element.classList.toggle("clue", given);
    element.classList.toggle("wrong", wrong);
    element.classList.toggle("guessed", guessed);
    element.classList.toggle("flash-a", changed && this.turn);
    element.classList.toggle("flash-b", changed && !this.turn);
    if (family.kind === "maze") this.#drawMaze(element, token, odds, tint);
    else if (family.kind === "arc") this.#drawColour(element, token, isLast ? 1 : sure);
    else if (open) this.#drawCandidates(element, odds);
    else element.textContent = token === family.blank ? "" : family.symbols[token];
    element.setAttribute("aria-label", this.#read(cell, { token, given, wrong, guessed, odds, sure }));
  }

  /** A wall, an end or a free cell, the tint of how much its hidden state changed, and over it the path. */
  #drawMaze(element, token, odds, tint) {
    const character = this.family.characters[token];
    const mark = this.family.characters.indexOf("o");
    const path = odds ? odds[mark] / 1000 : 0;
    element.classList.toggle("wall", character === "#");
    element.classList.toggle("end", "SG".includes(character));
    element.classList.toggle("mark", !"#SG".includes(character) && path > 0.02);
    element.style.setProperty("--p", path.toFixed(3));
    // The root, since most changes are far below the greatest; states of mean square 1 seldom change by more than 1.
    element.style.setProperty("--tint", Math.min(1, Math.sqrt(tint)).toFixed(2));
    element.textContent = "SG".includes(character) ? character : "";
  }

  /** A square of the colour, smaller where it is less sure; whole at the last step. */
  #drawColour(element, token, sure) {
    const colour = token - FIRST_COLOUR;
    element.dataset.colour = token === EDGE ? "edge" : colour >= 0 ? colour : "";
    element.classList.toggle("unsure", sure < SHOWN);
    element.style.setProperty("--p", sure.toFixed(3));
    element.textContent = colour >= 0 && sure >= SHOWN ? colour : "";
  }

  #drawCandidates(element, odds) {
    let holder = element.querySelector(".candidates");
    if (!holder) {
      element.textContent = "";
      holder = element.appendChild(document.createElement("div"));
      holder.className = "candidates";
      holder.setAttribute("aria-hidden", "true");
      holder.style.setProperty("--abreast", Math.ceil(Math.sqrt(this.family.symbols.length - 1 - this.family.blank)));
      for (const symbol of this.family.symbols.slice(this.family.blank + 1)) {
        holder.appendChild(document.createElement("i")).dataset.symbol = symbol;
      }
    }
    [...holder.children].forEach((child, i) => {
      const p = odds[i + this.family.blank + 1] / 1000;
      child.style.opacity = p < FAINT ? 0 : Math.min(1, 0.25 + p).toFixed(2);
    });
  }

  #read(cell, { token, given, wrong, guessed, odds, sure }) {
    const { family } = this;
    const names = { "#": "wall", " ": "free", S: "start", G: "goal", o: "path" };
    const number = token - FIRST_COLOUR; // it stands in the cell, so that its name must have it, too
    const colour = COLOURS[number] ? `${number} ${COLOURS[number]}` : (token === EDGE ? "edge of the grid" : "outside the grid");
    const symbol = family.kind === "arc" ? colour : family.kind === "maze" ? names[family.characters[token]] ?? "nothing" : token === family.blank ? "empty" : family.symbols[token];
    const parts = [place(cell, family), symbol];
    if (given && family.kind === "sudoku") parts.push("given");
    if (odds) parts.push(`${Math.round(100 * sure)} percent`);
    if (guessed) parts.push("guessed");
    if (wrong) parts.push("breaks a rule");
    return parts.join(", ");
  }
}
