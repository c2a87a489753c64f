// One model's thinking about the puzzle: its board, words, curve and attempts, at the moment that is being shown.

import { showVotes } from "./arc.js";
import { Attempts } from "./attempts.js";
import { Board, redCells } from "./board.js";
import { learning, percent, thinking, verdict } from "./captions.js";
import { Chart } from "./chart.js";
import { inks } from "./inks.js";

const LEAST_LOOKS = 8; // across the curve while it is not known how many there will be

export class View extends EventTarget {
  constructor(model, family, heading) {
    super();
    this.model = model;
    this.family = family;
    this.frames = new Map(); // of each attempt
    this.attempt = 1;
    this.element = document.createElement("article");
    this.element.className = "view";
    if (heading) this.#add(this.element, "h2").textContent = heading;
    this.board = new Board(family, heading ? `Grid of ${heading}` : "Grid");
    this.element.append(this.board.holder);
    this.inks = inks(family.kind);
    this.verdict = document.createElement("p");
    this.gauge = document.createElement("div");
    this.gauge.className = "gauge";
    this.howSure = this.#add(this.gauge, "p", "how-sure"); // beside the words, where there is one model alone
    this.sure = this.#add(this.howSure, "b");
    this.howSure.append(" sure");
    this.chart = new Chart();
    this.gauge.append(this.chart.element);
    this.attempts = new Attempts(family);
    this.attempts.addEventListener("choose", ({ detail }) => {
      this.attempt = detail;
      this.dispatchEvent(new Event("choose"));
    });
    this.votes = document.createElement("section"); // of an ARC model; the page has a place for it
    this.votes.className = "votes";
    this.votes.setAttribute("aria-label", heading ? `Votes of ${heading}` : "Votes");
  }

  #add(parent, tag, name = "") {
    const element = parent.appendChild(document.createElement(tag));
    element.className = name;
    return element;
  }

  /**
   * Forgets all thinking and shows the question.
   * @param {string | null} known ARC's known output as text.
   * @param {boolean} isOpen The question has several solutions.
   */
  reset(question, solution, { known, isOpen }) {
    Object.assign(this, { question, solution, known, isOpen, frames: new Map(), end: null, attempt: 1, seen: 0, newest: 1 });
    this.attempts.clear();
    this.votes.textContent = "";
    this.board.showQuestion(question);
    this.board.outline([]);
    this.#say();
  }

  /** Takes an event of the thinking in. */
  take(event) {
    if (event.type === "step") {
      const frames = this.frames.get(event.attempt) ?? [];
      this.frames.set(event.attempt, [...frames, event]);
      this.newest = event.attempt;
      if (this.frames.size > 1) this.#drawAttempt(event.attempt);
      if (this.frames.size === 2 && !frames.length) this.#drawAttempt(1);
    } else if (event.type === "end") {
      this.end = event;
      if (this.frames.size > 1) this.attempts.markWinner(event, this.frames.get(event.attempt).at(-1));
      this.attempt = event.attempt;
    }
  }

  #drawAttempt(attempt) {
    const frame = this.frames.get(attempt).at(-1);
    this.attempts.draw(attempt, frame, this.question, redCells(this.question, frame, this.family, false));
  }

  /** Goes on to the attempt that is being thought about, since the one on the board has nothing new; false: there is none. */
  follow() {
    if (this.end || this.newest === this.attempt) return false;
    this.attempt = this.newest;
    return true;
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

  /** Shows a moment, 0 being the question; `across` is how many moments the film of all views has. */
  show(index, across) {
    const { path } = this;
    const step = Math.min(index, path.length);
    this.seen = Math.max(this.seen, step);
    if (!step) {
      this.board.showQuestion(this.question);
      this.#say();
    } else {
      const frame = path[step - 1];
      const before = step > 1 ? path[step - 2].tokens : this.question;
      const isLast = Boolean(this.end) && step === path.length && this.attempt === this.end.attempt;
      this.board.showStep(this.question, frame, before, isLast);
      const isVerdict = isLast && !("updates" in frame);
      this.#say(isVerdict ? verdict({ end: this.end, looks: path.length, known: this.known, isOpen: this.isOpen }) : this.#caption(frame, before, step));
    }
    this.sure.textContent = step ? percent(path[step - 1].halt_probability) : "";
    this.howSure.hidden = !step;
    const last = this.end ? across : Math.max(across, LEAST_LOOKS);
    this.chart.draw(path.map((f) => f.halt_probability), path.map((f) => this.#shareRight(f)), step, this.seen, last);
    this.attempts.press(this.attempt);
  }

  #caption(frame, before, number) {
    const open = this.#open();
    const right = this.solution && open.filter((cell) => frame.tokens[cell] === this.solution[cell]).length;
    if ("updates" in frame) return learning({ frame, question: this.question, right, open: open.length });
    const red = redCells(this.question, frame, this.family, false).size;
    return thinking({ frame, before, number, right, open: open.length, red, isMaze: this.family.kind === "maze", guessed: frame.guessed.length, attempt: this.attempt });
  }

  /** The cells that the model must find. */
  #open() {
    const counts = (cell) => (this.family.kind === "arc" ? this.solution?.[cell] : this.question[cell] === this.family.blank);
    return this.question.flatMap((_, cell) => (counts(cell) ? [cell] : []));
  }

  #shareRight(frame) {
    if (!this.solution) return null;
    const open = this.#open();
    return open.length ? open.filter((cell) => frame.tokens[cell] === this.solution[cell]).length / open.length : 1;
  }

  #say({ lead, text, mood } = { lead: "", text: "", mood: "" }) {
    this.verdict.className = `verdict ${mood}`;
    this.verdict.textContent = "";
    if (lead) this.verdict.appendChild(document.createElement("b")).textContent = `${lead} `;
    this.verdict.append(text);
  }

  get text() {
    return this.verdict.textContent;
  }
}
