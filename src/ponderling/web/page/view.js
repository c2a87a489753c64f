// One model's thinking about the puzzle: its board, curve and attempts, at the step that is being shown.

import { showVotes } from "./arc.js";
import { Board } from "./board.js";
import { Chart } from "./chart.js";
import { sentence } from "./rules.js";

const percent = (p) => (p > 0.99 && p < 1 ? `${(100 * p).toFixed(1)}%` : `${Math.round(100 * p)}%`);
const some = (count, one, many) => `${count} ${count === 1 ? one : many}`;

export class View extends EventTarget {
  constructor(model, family, heading) {
    super();
    this.model = model;
    this.family = family;
    this.element = document.createElement("article");
    this.element.className = "view";
    if (heading) this.#add("h2").textContent = heading;
    this.board = new Board(family, heading ? `Grid of ${heading}` : "Grid");
    this.element.append(this.board.element);
    this.legend = this.#add("p", "tint-legend");
    this.legend.hidden = true;
    this.verdict = this.#add("p", "verdict");
    this.chart = new Chart(family.kind === "arc" ? "Cells of the answer right" : "Open cells right");
    this.element.append(this.chart.element);
    this.votes = document.createElement("section"); // of an ARC model; the page has a place for it
    this.votes.className = "votes";
    this.votes.setAttribute("aria-label", heading ? `Votes of ${heading}` : "Votes");
    this.multiples = this.#add("div", "attempts");
    this.multiples.setAttribute("role", "group");
    this.multiples.setAttribute("aria-label", "Attempts");
  }

  #add(tag, name = "") {
    const element = this.element.appendChild(document.createElement(tag));
    element.className = name;
    return element;
  }

  /** Forgets all thinking and shows the question; `known` is ARC's known output as text. */
  reset(question, solution, known) {
    Object.assign(this, { question, solution, known, frames: new Map(), end: null, attempt: 1 });
    const style = getComputedStyle(document.documentElement);
    this.colours = ["--quiet", "--accent", "--wrong"].map((name) => style.getPropertyValue(name));
    this.multiples.textContent = this.votes.textContent = "";
    this.board.showQuestion(question);
    this.#say("");
    this.chart.element.hidden = this.legend.hidden = true;
  }

  /** Takes an event of the thinking in. */
  take(event) {
    if (event.type === "step") {
      const frames = this.frames.get(event.attempt) ?? [];
      this.frames.set(event.attempt, [...frames, event]);
      if (this.frames.size > 1) this.#drawMultiple(event.attempt);
      if (this.frames.size === 2 && !frames.length) this.#drawMultiple(1);
    } else if (event.type === "end") {
      this.end = event;
      if (this.frames.size > 1) this.#markWinner();
      this.attempt = event.attempt;
    }
  }

  /** Takes the votes of an ARC model in. */
  takeVotes(outcome) {
    showVotes(this.votes, outcome, this.known);
  }

  /** The moments that are shown: of a further attempt, after those of plain thinking, from whose end it goes on. */
  get path() {
    const first = this.frames.get(1) ?? [];
    return this.attempt === 1 ? first : [...first, ...(this.frames.get(this.attempt) ?? [])];
  }

  /** What a moment of the path is: of a model that may stop within a step a recursion. */
  get unit() {
    return this.path.some((frame) => frame.recursion > 1) ? "Recursion" : "Step";
  }

  /** Shows a moment, 0 being the question. */
  show(index) {
    const { path } = this;
    const step = Math.min(index, path.length);
    this.chart.element.hidden = !path.length;
    this.legend.hidden = !path.some((frame) => frame.change);
    this.legend.textContent = `How much each cell’s hidden state changed in this ${this.unit.toLowerCase()}`;
    if (!step) {
      this.board.showQuestion(this.question);
      this.#say("");
    } else {
      const frame = path[step - 1];
      const before = step > 1 ? path[step - 2].tokens : this.question;
      const isLast = Boolean(this.end) && step === path.length && this.attempt === this.end.attempt;
      this.board.showStep(this.question, frame, before, isLast);
      this.#tell(frame, before, isLast);
    }
    this.chart.draw(path.map((f) => f.halt_probability), path.map((f) => this.#shareRight(f)), step);
    for (const button of this.multiples.children) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.attempt) === this.attempt));
    }
  }

  #shareRight(frame) {
    if (!this.solution) return null;
    const counts = (cell) => (this.family.kind === "arc" ? this.solution[cell] : this.question[cell] === this.family.blank);
    const open = this.question.flatMap((_, cell) => (counts(cell) ? [cell] : []));
    return open.length ? open.filter((cell) => frame.tokens[cell] === this.solution[cell]).length / open.length : 1;
  }

  #tell(frame, before, isLast) {
    const { end } = this;
    if (isLast) {
      const within = this.unit === "Recursion" && end.attempts === 1 ? ` (${some(this.path.length, "recursion", "recursions")})` : "";
      const ran = end.attempts > 1 ? `${end.steps} steps in ${end.attempts} attempts` : some(end.steps, "step", "steps") + within;
      const why = end.halted
        ? `It stopped after ${ran}, ${percent(end.halt_probability)} sure${end.attempts > 1 ? `, in attempt ${end.attempt}` : ""}.`
        : `It ran out of steps after ${ran}; of this it was ${percent(end.halt_probability)} sure.`;
      if (this.known != null) {
        const right = end.answer === this.known;
        return this.#say(`${right ? "It is the known output." : "It is not the known output."} ${why}`, right ? "good" : "bad", right ? "Right." : "Not right.");
      }
      if (end.valid === null) return this.#say(`Answered, with no rules to judge it by. ${why}`);
      if (end.valid) return this.#say(`${end.note ? sentence(end.note) : "Every rule holds."} ${why}`, "good", "Solved.");
      const more = end.reasons.length > 2 ? ` and ${end.reasons.length - 2} more` : "";
      return this.#say(`${end.reasons.slice(0, 2).join("; ")}${more}. ${why}`, "bad", "Not solved.");
    }
    const changed = frame.tokens.filter((token, cell) => token !== before[cell]).length;
    const broken = frame.wrong.length ? `, ${frame.wrong.length} break a rule` : "";
    const guessed = frame.guessed.length ? `, ${frame.guessed.length} guessed` : "";
    this.#say(`${some(changed, "cell", "cells")} changed${broken}${guessed}. ${percent(frame.halt_probability)} sure.`);
  }

  #say(text, mood = "", lead = "") {
    this.verdict.className = `verdict ${mood}`;
    this.verdict.textContent = "";
    if (lead) this.verdict.appendChild(document.createElement("b")).textContent = `${lead} `;
    this.verdict.append(text);
  }

  get text() {
    return this.verdict.textContent;
  }

  // Small multiples

  #drawMultiple(attempt) {
    let button = this.multiples.querySelector(`[data-attempt="${attempt}"]`);
    if (!button) {
      button = this.multiples.appendChild(document.createElement("button"));
      button.className = "attempt";
      button.dataset.attempt = attempt;
      button.append(document.createElement("canvas"), document.createElement("span"));
      button.style.setProperty("--rows", this.family.rows);
      button.style.setProperty("--columns", this.family.columns);
      button.addEventListener("click", () => {
        this.attempt = attempt;
        this.dispatchEvent(new Event("choose"));
      });
    }
    const frame = this.frames.get(attempt).at(-1);
    this.#name(button, percent(frame.halt_probability));
    this.#paint(button.firstChild, frame);
  }

  /** A dot for each cell: clues in ink, answers in the accent as strong as they are sure, broken rules in red. */
  #paint(canvas, frame) {
    const { rows, columns, blank } = this.family;
    const size = Math.max(2, Math.floor(120 / columns));
    canvas.width = columns * size;
    canvas.height = rows * size;
    const [ink, accent, wrong] = this.colours;
    const context = canvas.getContext("2d");
    const bad = new Set(frame.wrong);
    frame.tokens.forEach((token, cell) => {
      const given = this.question[cell] !== blank;
      const sure = given ? 1 : frame.probabilities[cell][token] / 1000;
      if (token === blank) return;
      context.globalAlpha = given ? 0.55 : bad.has(cell) ? 0.9 : sure ** 2;
      context.fillStyle = bad.has(cell) ? wrong : given ? ink : accent;
      context.fillRect((cell % columns) * size, Math.floor(cell / columns) * size, size - 1, size - 1);
    });
  }

  #markWinner() {
    const button = this.multiples.querySelector(`[data-attempt="${this.end.attempt}"]`);
    button?.classList.add("won");
    if (button) this.#name(button, `${percent(this.end.halt_probability)} ${this.end.halted ? "won" : "best"}`);
  }

  #name(button, text) {
    button.lastChild.textContent = text;
    const { guessed } = this.frames.get(Number(button.dataset.attempt)).at(-1);
    button.setAttribute("aria-label", `Attempt ${button.dataset.attempt}: ${text}, ${guessed.length} guessed`);
  }
}
