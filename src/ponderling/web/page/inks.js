// What the inks of the board mean, named below it.

const INKS = {
  sudoku: [["given", "7", "given"], ["sure", "7", "sure"], ["considering", "25", "considering"], ["changed", "", "just changed"], ["wrong", "7", "breaks a rule"]],
  maze: [["wall", "", "wall"], ["path", "", "on the way"], ["maybe", "", "considering"], ["tint", "", "thinking hard"], ["wrong", "", "breaks a rule"]],
};

/** A list of the inks for a kind of puzzle; empty for kinds that have a list of their own. */
export function inks(kind) {
  const list = document.createElement("ul");
  list.className = "inks";
  list.setAttribute("aria-label", "What the colours mean");
  for (const [name, sample, meaning] of INKS[kind] ?? []) {
    const item = list.appendChild(document.createElement("li"));
    const swatch = item.appendChild(document.createElement("i"));
    swatch.className = `ink ${name}`;
    swatch.textContent = sample;
    swatch.setAttribute("aria-hidden", "true");
    item.append(meaning);
  }
  return list;
}
