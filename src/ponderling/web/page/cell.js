// One cell: what it considered, look by look, and which groups of cells spoke for its symbol.

import { percent } from "./captions.js";
import { place, sentence } from "./rules.js";

const WIDTH = 480;
const HEIGHT = 76;
const SVG = "http://www.w3.org/2000/svg";
const LETTER = 12; // height of a letter beside a line
const CONSIDERED = 40; // thousandths; a symbol that never had more has no line
const MOST_LINES = 5;
const MOST_REASONS = 6;
const REST = 250; // milliseconds for which a cell is looked at before it is asked why

export class CellTold {
  /** @param {(question: object) => Promise<{told: object[]}> | undefined} why Says what a cell's symbol hangs on; may be missing. */
  constructor(element, why) {
    Object.assign(this, { element, why, asked: 0 });
    const line = this.#add(element, "div", "cell-line");
    this.title = this.#add(line, "h2");
    this.now = this.#add(line, "p", "cell-now");
    this.svg = element.appendChild(document.createElementNS(SVG, "svg"));
    this.svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    this.svg.setAttribute("class", "cell-curve");
    this.svg.setAttribute("role", "img");
    this.reasons = this.#add(element, "div");
    this.reasons.id = "why-told";
    this.hide();
  }

  #add(parent, tag, name = "", text = "") {
    const element = parent.appendChild(document.createElement(tag));
    element.className = name;
    element.textContent = text;
    return element;
  }

  hide() {
    this.element.hidden = true;
    this.asked++;
    clearTimeout(this.timer);
    this.shown = "";
  }

  /** Shows a cell of a view at a moment; `about` goes along with the question why, which is null while a film plays. */
  show(view, cell, index, about) {
    const { family, path, question } = view;
    const step = Math.min(index, path.length);
    if (cell < 0 || !step || family.kind === "arc") return this.hide();
    this.element.hidden = false;
    this.title.textContent = sentence(place(cell, family)).slice(0, -1);
    const isGiven = question[cell] !== family.blank;
    this.svg.toggleAttribute("hidden", isGiven);
    const symbols = isGiven ? [] : this.#considered(view, cell);
    const odds = path[step - 1].probabilities[cell];
    const named = (token) => (family.kind === "maze" ? "on the way" : family.symbols[token]);
    if (isGiven) this.now.textContent = "It is given, so there was nothing to find.";
    else if (!symbols.length) this.now.textContent = "It was sure from the first look: not on the way.";
    else this.now.textContent = `Now ${symbols.sort((a, b) => odds[b] - odds[a]).slice(0, 3).map((t) => `${named(t)}: ${percent(odds[t] / 1000)}`).join(", ")}.`;
    this.#draw(view, cell, symbols, step, named);
    this.#ask(view, cell, path[step - 1], isGiven, about);
  }

  /** The symbols that were ever likely, those that were likeliest of all. */
  #considered({ family, path }, cell) {
    const tokens = family.kind === "maze" ? [family.characters.indexOf("o")] : family.fill;
    const most = (token) => Math.max(...path.map((frame) => frame.probabilities[cell][token]));
    return tokens.filter((token) => most(token) > CONSIDERED).sort((a, b) => most(b) - most(a)).slice(0, MOST_LINES);
  }

  #draw({ path }, cell, symbols, step, named) {
    this.svg.replaceChildren();
    const across = WIDTH - 24;
    const x = (i) => (across * (i + 1)) / path.length;
    const y = (p) => HEIGHT - 4 - ((HEIGHT - 8) * p) / 1000;
    const add = (tag, name, attributes) => {
      const element = this.svg.appendChild(document.createElementNS(SVG, tag));
      element.setAttribute("class", name);
      for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
      return element;
    };
    add("path", "frame", { d: `M0 ${HEIGHT - 4}H${across}M0 4H${across}` });
    let lowest = -LETTER;
    symbols.forEach((token, i) => {
      const values = path.slice(0, step).map((frame) => frame.probabilities[cell][token]);
      add("path", i ? "other" : "first", { d: `M${x(0).toFixed(1)} ${y(values[0]).toFixed(1)}${values.slice(1).map((p, j) => `L${x(j + 1).toFixed(1)} ${y(p).toFixed(1)}`).join("")}` });
      if (named(token).length > 2 || values.at(-1) <= CONSIDERED) return;
      lowest = Math.max(y(values.at(-1)) + 4, lowest + LETTER); // the likeliest comes first, and none over another
      add("text", i ? "other" : "first", { x: (x(values.length - 1) + 4).toFixed(1), y: lowest.toFixed(1) }).textContent = named(token);
    });
    this.svg.setAttribute("aria-label", `How likely it was, look by look: ${symbols.map((token) => `${named(token)}: ${path.slice(0, step).map((f) => percent(f.probabilities[cell][token] / 1000)).join(", ")}`).join(". ")}`);
  }

  /** Asks what the cell's symbol hangs on, once the eye rests there. */
  #ask(view, cell, frame, isGiven, about) {
    const key = JSON.stringify([Boolean(about), view.model, cell, frame.attempt, frame.step, frame.recursion]);
    if (key === this.shown) return;
    this.shown = key;
    this.reasons.replaceChildren();
    view.board.outline([]);
    clearTimeout(this.timer);
    const asked = ++this.asked;
    if (isGiven || !this.why || !about || frame.attempt > 1) return; // what a guess changed is not known afterwards
    this.timer = setTimeout(async () => {
      const { step, recursion, tokens } = frame;
      const ask = async () => this.why({ ...about, model: view.model, tokens, cell, step, recursion });
      const answer = await ask().catch(() => null); // a cell without reasons is told all the same
      if (asked === this.asked && answer?.told?.length) this.#tell(view, answer.told);
    }, REST);
  }

  #tell(view, told) {
    this.#add(this.reasons, "h3", "", "What spoke for it: how much its symbol would lose without");
    const list = this.#add(this.reasons, "ul");
    for (const { name, effect, cells = [] } of [...told].sort((a, b) => Math.abs(b.effect) - Math.abs(a.effect)).slice(0, MOST_REASONS)) {
      const item = this.#add(list, "li", effect < 0 ? "against" : "");
      const button = this.#add(item, "button", "", sentence(name).slice(0, -1));
      button.type = "button";
      const bar = this.#add(item, "span", "bar");
      bar.style.setProperty("--effect", Math.min(1, Math.abs(effect)));
      this.#add(item, "span", "points", `${effect < 0 ? "−" : "+"}${Math.round(100 * Math.abs(effect))}%`);
      for (const event of ["focus", "pointerenter"]) button.addEventListener(event, () => view.board.outline(cells));
    }
  }
}
