// The curve: how sure the model is that its answer is right, and how many of the open cells are.

const WIDTH = 400;
const HEIGHT = 72;
const SVG = "http://www.w3.org/2000/svg";

export class Chart {
  /** @param {string} right What the share of right cells is called. */
  constructor(right) {
    this.rightName = right;
    this.element = document.createElement("figure");
    this.element.style.margin = "0";
    this.svg = this.element.appendChild(document.createElementNS(SVG, "svg"));
    this.svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    this.svg.setAttribute("class", "chart");
    this.svg.setAttribute("role", "img");
    this.#path("frame").setAttribute("d", `M0 1H${WIDTH}M0 ${HEIGHT - 1}H${WIDTH}`);
    this.right = this.#path("right");
    this.sure = this.#path("sure");
    this.now = this.#path("now");
    const legend = this.element.appendChild(document.createElement("ul"));
    legend.className = "chart-legend";
    this.sureText = legend.appendChild(document.createElement("li"));
    this.rightText = legend.appendChild(document.createElement("li"));
  }

  #path(name) {
    const path = this.svg.appendChild(document.createElementNS(SVG, "path"));
    path.setAttribute("class", name);
    return path;
  }

  /** Draws values from 0 to 1 for each step; `right` holds nulls where the solution is not known. */
  draw(sure, right, step) {
    const x = (i) => (sure.length < 2 ? WIDTH * i : (WIDTH * i) / (sure.length - 1));
    const y = (p) => HEIGHT - 2 - (HEIGHT - 4) * p;
    const line = (values) => values.map((p, i) => `${i ? "L" : "M"}${x(i).toFixed(1)} ${y(p).toFixed(1)}`).join("");
    const known = right.every((p) => p !== null);
    this.sure.setAttribute("d", line(sure.length === 1 ? [sure[0], sure[0]] : sure));
    this.right.setAttribute("d", known ? line(right.length === 1 ? [right[0], right[0]] : right) : "");
    this.now.setAttribute("d", step ? `M${x(step - 1).toFixed(1)} 0V${HEIGHT}` : "");
    const at = (values) => (step ? ` ${Math.round(100 * values[step - 1])}%` : "");
    this.sureText.textContent = `Sure it is right${at(sure)}`;
    this.rightText.textContent = `${this.rightName}${known ? at(right) : ""}`;
    this.rightText.hidden = !known;
    this.svg.setAttribute("aria-label", `${this.sureText.textContent}. ${known ? this.rightText.textContent : ""}`);
  }
}
