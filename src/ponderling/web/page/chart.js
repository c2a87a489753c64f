// The curve: how sure the model is that its answer is right, and how many of the open cells are. It is dragged to scrub.

import { percent } from "./captions.js";

const WIDTH = 400;
const HEIGHT = 100;
const SVG = "http://www.w3.org/2000/svg";

export class Chart extends EventTarget {
  /** @param {string} right What the share of right cells is called. */
  constructor(right) {
    super();
    this.rightName = right;
    this.last = 0;
    this.element = document.createElement("figure");
    this.element.className = "curve";
    const scale = this.element.appendChild(document.createElement("div"));
    scale.className = "scale";
    scale.setAttribute("aria-hidden", "true");
    for (const text of ["100%", "50", "0"]) scale.appendChild(document.createElement("span")).textContent = text;
    this.svg = this.element.appendChild(document.createElementNS(SVG, "svg"));
    this.svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    this.svg.setAttribute("preserveAspectRatio", "none");
    this.svg.setAttribute("class", "chart");
    this.svg.setAttribute("role", "img");
    this.#path("frame").setAttribute("d", `M0 1H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT - 1}H${WIDTH}`);
    [this.laterRight, this.laterSure] = [this.#path("right later"), this.#path("sure later")];
    [this.right, this.sure, this.now] = [this.#path("right"), this.#path("sure"), this.#path("now")];
    const legend = this.element.appendChild(document.createElement("ul"));
    legend.className = "chart-legend";
    this.sureText = legend.appendChild(document.createElement("li"));
    this.rightText = legend.appendChild(document.createElement("li"));
    this.svg.addEventListener("pointerdown", (event) => this.#drag(event, true));
    this.svg.addEventListener("pointermove", (event) => event.buttons & 1 && this.#drag(event, false));
  }

  #path(name) {
    const path = this.svg.appendChild(document.createElementNS(SVG, "path"));
    path.setAttribute("class", name);
    return path;
  }

  #drag(event, isNew) {
    if (!this.last) return;
    if (isNew) this.svg.setPointerCapture(event.pointerId);
    const { left, width } = this.svg.getBoundingClientRect();
    const index = Math.round((this.last * (event.clientX - left)) / width);
    this.dispatchEvent(new CustomEvent("scrub", { detail: Math.min(Math.max(0, index), this.last) }));
  }

  /**
   * Draws values from 0 to 1 for each moment up to the one that is shown, and faintly on to `seen`, the last that ever was.
   * @param {number[]} sure From moment 1 on; moment 0 is the question.
   * @param {(number | null)[]} right Nulls where the solution is not known.
   * @param {number} last Moments across the whole width.
   */
  draw(sure, right, step, seen, last) {
    this.last = Math.min(last, sure.length);
    const across = Math.max(1, last);
    const point = (p, i) => `${((WIDTH * (i + 1)) / across).toFixed(1)} ${(HEIGHT - 2 - (HEIGHT - 4) * p).toFixed(1)}`;
    const line = (values, from, to) => values.slice(from, to).map((p, i) => `${i ? "L" : "M"}${point(p, i + from)}`).join("");
    const known = right.length > 0 && right.every((p) => p !== null);
    const shown = Math.min(step, sure.length);
    this.sure.setAttribute("d", sure.length ? `M0 ${HEIGHT - 2}${line(sure, 0, shown).replace("M", "L")}` : "");
    this.right.setAttribute("d", known ? line(right, 0, shown) : "");
    this.laterSure.setAttribute("d", line(sure, Math.max(0, shown - 1), seen));
    this.laterRight.setAttribute("d", known ? line(right, Math.max(0, shown - 1), seen) : "");
    this.now.setAttribute("d", shown ? `M${((WIDTH * shown) / across).toFixed(1)} 0V${HEIGHT}` : "");
    const at = (values) => (shown ? ` ${percent(values[shown - 1])}` : "");
    this.sureText.textContent = `Sure that all is right${at(sure)}`;
    this.rightText.textContent = `${this.rightName}${known ? at(right) : ""}`;
    this.rightText.hidden = !known;
    this.svg.setAttribute("aria-label", `${this.sureText.textContent}. ${known ? `${this.rightText.textContent}.` : ""}`);
  }
}
