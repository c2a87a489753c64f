// The steps of a thought as the server tells them in few bytes, made into whole ones again; see `compact.py`.

const PARTS = 255; // of a probability of 1, as the server writes it
const THOUSANDTHS = Array.from({ length: PARTS + 1 }, (_, byte) => Math.round((1000 * byte) / PARTS));
const USUAL = { attempt: 1, recursion: 1, halts: false }; // what is left out where it is so, as are empty lists

/** A function that makes each step whole, in their order, from the start of their thought: {cells, tokens}. */
export function expander({ cells, tokens: V }) {
  const last = new Map(); // {tokens, probabilities} of each attempt

  return ({ bytes, most_change: most, ...said }) => {
    const step = { ...USUAL, wrong: [], reasons: [], guessed: [], ...said };
    const data = Uint8Array.from(atob(bytes), (character) => character.charCodeAt(0));
    const before = last.get(step.attempt);
    const tokens = before ? [...before.tokens] : Array(cells).fill(0);
    const probabilities = before ? [...before.probabilities] : Array.from({ length: cells }, () => Array(V).fill(0));
    let at = Math.ceil(cells / 8);
    for (let cell = 0; cell < cells; cell++) {
      if (!((data[cell >> 3] >> (cell & 7)) & 1)) continue;
      tokens[cell] = data[at];
      probabilities[cell] = Array.from(data.subarray(at + 1, at + 1 + V), (byte) => THOUSANDTHS[byte]);
      at += 1 + V;
    }
    last.set(step.attempt, { tokens, probabilities });
    const change = most === undefined ? {} : { change: Array.from(data.subarray(at, at + cells), (byte) => Math.round(most * (byte / PARTS) ** 2)) };
    return { ...step, tokens, probabilities, ...change };
  };
}
