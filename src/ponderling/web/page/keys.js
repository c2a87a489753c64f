// Keys of the whole page: space plays and pauses, arrows step, Enter thinks. Those of the grid are in board.js.

const OWN = "input, textarea, select, dialog"; // these need the keys themselves

/** @param {{toggle: () => void, step: (by: number) => void, think: () => void, isThere: () => boolean}} act isThere: a film. */
export function bindKeys({ toggle, step, think, isThere }) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.(OWN)) return;
    const isButton = Boolean(event.target.closest?.("button, a, summary"));
    const isGrid = Boolean(event.target.closest?.("[role=grid]"));
    if (event.key === "Enter" && !isButton) think();
    else if (event.key === " " && !isButton && !isGrid && isThere()) toggle();
    else if ((event.key === "ArrowLeft" || event.key === "ArrowRight") && !isGrid && isThere()) step(event.key === "ArrowLeft" ? -1 : 1);
    else return;
    event.preventDefault();
  });
}
