// Small multiples: one small grid for each attempt, and a button to look at it.

import { percent } from "./captions.js";

const MOST_PIXELS = 120; // across a small grid

export class Attempts extends EventTarget {
  constructor(family) {
    super();
    this.family = family;
    this.element = document.createElement("div");
    this.element.className = "attempts";
    this.element.setAttribute("role", "group");
    this.element.setAttribute("aria-label", "Attempts");
  }

  clear() {
    this.element.textContent = "";
    const style = getComputedStyle(document.documentElement);
    this.colours = ["--quiet", "--accent", "--wrong"].map((name) => style.getPropertyValue(name));
  }

  /** Draws an attempt at a frame of it; `red` are the cells that break a rule there. */
  draw(attempt, frame, question, red) {
    const button = this.#button(attempt) ?? this.#newButton(attempt);
    this.#name(button, frame, percent(frame.halt_probability));
    this.#paint(button.firstChild, frame, question, red);
  }

  /** Says which attempt gave the answer. */
  markWinner({ attempt, halted, valid, halt_probability }, frame) {
    const button = this.#button(attempt);
    if (!button) return;
    button.classList.add("won");
    this.#name(button, frame, `${percent(halt_probability)} ${halted || valid ? "won" : "best"}`);
  }

  /** Marks the attempt that the big board shows. */
  press(attempt) {
    for (const button of this.element.children) button.setAttribute("aria-pressed", String(Number(button.dataset.attempt) === attempt));
  }

  #button(attempt) {
    return this.element.querySelector(`[data-attempt="${attempt}"]`);
  }

  #newButton(attempt) {
    const button = this.element.appendChild(document.createElement("button"));
    button.className = "attempt";
    button.dataset.attempt = attempt;
    button.append(document.createElement("canvas"), document.createElement("span"));
    button.style.setProperty("--rows", this.family.rows);
    button.style.setProperty("--columns", this.family.columns);
    button.addEventListener("click", () => this.dispatchEvent(new CustomEvent("choose", { detail: attempt })));
    return button;
  }

  /** A dot for each cell: clues in ink, answers in the accent as strong as they are sure, broken rules in red. */
  #paint(canvas, frame, question, red) {
    const { rows, columns, blank } = this.family;
    const size = Math.max(2, Math.floor(MOST_PIXELS / columns));
    canvas.width = columns * size;
    canvas.height = rows * size;
    const [ink, accent, wrong] = this.colours;
    const context = canvas.getContext("2d");
    frame.tokens.forEach((token, cell) => {
      const given = question[cell] !== blank;
      const sure = given ? 1 : frame.probabilities[cell][token] / 1000;
      if (token === blank) return;
      context.globalAlpha = given ? 0.55 : red.has(cell) ? 0.9 : sure ** 2;
      context.fillStyle = red.has(cell) ? wrong : given ? ink : accent;
      context.fillRect((cell % columns) * size, Math.floor(cell / columns) * size, size - 1, size - 1);
    });
  }

  #name(button, { guessed }, text) {
    button.lastChild.textContent = text;
    button.setAttribute("aria-label", `Attempt ${button.dataset.attempt}: ${text}, ${guessed.length} guessed`);
  }
}
