// Thinking and search around the graph of one supervision step, or of one recursion of a model that may stop within a step; what search.py does, for one puzzle.

import * as ort from "./runtime/ort.wasm.min.mjs";
import { placeGrid, readGrid } from "./arc.js";
import { familyNamed, judge, readPuzzle, writePuzzle } from "./rules.js";
import { count, crop, show, undo, writeGrid } from "./views.js";
import { withoutEach } from "./why.js";

ort.env.wasm.wasmPaths = new URL("./runtime/", import.meta.url).href;
ort.env.wasm.numThreads = 1; // more need headers that a plain static host does not send

const AT_ONCE = 8; // attempts in one run of the graph
const TOLD = 100; // milliseconds between two words of how much is loaded

const about = fetch("model.json").then((reply) => reply.json());
const session = load();
session.catch(() => {}); // told to whoever asks for a thought
const current = { thinking: 0, why: 0 }; // what is answered now; a later question of its kind takes its place
let before = Promise.resolve(); // the run of the graph that must end before the next

/** The graph, ready to run; says meanwhile how many bytes are there of how many. */
async function load() {
  const { bytes } = await about;
  const total = Object.values(bytes).reduce((a, b) => a + b);
  let [loaded, told] = [0, -Infinity];
  const take = async (path) => {
    const reply = await fetch(new URL(path, import.meta.url));
    if (!reply.ok) throw new Error(`${path} cannot be loaded: ${reply.status}`);
    const data = new Uint8Array(bytes[path]);
    let at = 0;
    for (const reader = reply.body.getReader(); ; ) {
      const { value, done } = await reader.read();
      if (done) break;
      if (at + value.length > data.length) throw new Error(`${path} is longer than model.json says: the folder is not whole`);
      data.set(value, at);
      at += value.length;
      loaded += value.length;
      if (performance.now() - told < TOLD && loaded < total) continue;
      told = performance.now();
      postMessage({ loading: { loaded, total } });
    }
    if (at < data.length) throw new Error(`${path} is shorter than model.json says: the folder is not whole`);
    return data;
  };
  const [graph, wasm] = await Promise.all(Object.keys(bytes).map(take));
  ort.env.wasm.wasmBinary = wasm.buffer;
  const made = await ort.InferenceSession.create(graph, { executionProviders: ["wasm"] });
  postMessage({ loading: null });
  return made;
}

onmessage = async ({ data }) => {
  if (data.cancel) {
    for (const kind of Object.keys(current)) if (data.cancel === current[kind]) current[kind] = 0;
    return;
  }
  const kind = data.kind === "why" ? "why" : "thinking";
  current[kind] = data.id;
  try {
    const work = { vote, why }[data.kind] ?? think;
    for await (const event of work(data.body, await about)) {
      if (current[kind] !== data.id) return;
      postMessage({ id: data.id, event });
      await new Promise((resolve) => setTimeout(resolve)); // so that a cancellation is heard
      if (current[kind] !== data.id) return;
    }
  } catch (error) {
    postMessage({ id: data.id, event: { type: "problem", detail: String(error.message ?? error) } });
  }
};

async function* think({ task, puzzle, steps, restarts = 0, search_steps = steps, seed = 0, verify = false, changes = false }, { models, arc }) {
  const { recursions, search } = models[0]; // runs of the graph in a step; the constants of the search
  const family = withGraph(familyNamed(task, models[0].tasks));
  const [asItIs] = arc ? viewsOf(puzzle, arc, 0, family) : [];
  const question = asItIs?.tokens ?? readPuzzle(puzzle, family).tokens;
  const all = []; // attempts by number, from 1

  const start = (state, tokens) => {
    const number = all.length + 1;
    const random = generator(seed, number); // its own, so that the answer does not depend on what runs beside it
    all.push({ number, tokens, id: asItIs?.id, state, random, steps: 0, recursion: recursions, last: null, ended: false, accepted: false });
    return all.at(-1);
  };
  const verdictOf = ({ tokens }) => {
    const { valid, reasons, note } = judge(question, tokens, family);
    return { valid, reasons, note };
  };
  const outcome = ({ number, last, accepted }) => {
    const counted = accepted ? all.slice(0, number) : all;
    return {
      type: "end", question: puzzle, answer: arc ? writeGrid(crop(last.tokens, family)) : writePuzzle(last.tokens, family), ...verdictOf(last),
      steps: counted.reduce((sum, attempt) => sum + attempt.steps, 0), attempts: counted.length, attempt: number,
      halted: last.halts, halt_probability: last.halt_probability,
    };
  };
  const frame = (attempt, step) => {
    const { wrong, reasons } = judge(question, step.tokens, family);
    const guessed = attempt.tokens.flatMap((token, cell) => (token !== question[cell] ? [cell] : []));
    const probabilities = step.p.map((row) => row.map((p) => Math.round(1000 * p)));
    const { tokens, halt_probability, halts } = step;
    const { steps, recursion } = attempt;
    const change = changes && { change: step.change };
    return { type: "step", attempt: attempt.number, step: steps, recursion, tokens, probabilities, halt_probability, halts, wrong, reasons, guessed, ...change };
  };

  const hear = (attempt, said, limit) => {
    const isNew = attempt.recursion === recursions;
    attempt.recursion = isNew ? 1 : attempt.recursion + 1;
    attempt.steps += isNew;
    attempt.last = said;
    // The rules are asked where the model says stop, and at the end of a step.
    attempt.accepted = verify ? (said.halts || isWhole(attempt)) && judge(question, said.tokens, family).valid === true : said.halts;
    attempt.ended = attempt.accepted || said.halts || (isWhole(attempt) && attempt.steps >= limit);
  };
  const isWhole = (attempt) => attempt.recursion === recursions;

  const plain = start(initial(family), question);
  let said;
  do {
    [said] = await run([plain], family);
    hear(plain, said, steps);
    yield frame(plain, said);
  } while (!plain.ended);
  const root = { state: plain.state, p: said.p };
  if (plain.accepted || !restarts || !unsure(question, said.p, family, search).length) {
    yield outcome(plain);
    return;
  }

  let active = [];
  let winner = null; // the first attempt, by number, at which the model said stop
  for (;;) {
    while (!winner && active.length < AT_ONCE && all.length <= restarts) {
      const attempt = start(root.state, [...question]);
      guess(attempt, root.p, family, search);
      active.push(attempt);
    }
    if (!active.length) break;
    const heard = await run(active, family);
    for (const [row, attempt] of active.entries()) {
      hear(attempt, heard[row], search_steps);
      yield frame(attempt, heard[row]);
      if (attempt.accepted && !(winner?.number < attempt.number)) winner = attempt;
      if (attempt.ended || !isWhole(attempt) || attempt.steps % search.guess_every) continue;
      attempt.ended = !guess(attempt, heard[row].p, family, search);
    }
    active = active.filter((attempt) => !attempt.ended && !(winner?.number < attempt.number));
  }
  yield outcome(winner ?? all.reduce((best, attempt) => (attempt.last.halt_probability > best.last.halt_probability ? attempt : best)));
}

let reached = null; // the state of plain thinking that a question why has come to: {key, moment, state}

/** What told a cell its symbol at a moment of plain thinking. */
async function* why({ task, puzzle, cell, step, recursion }, { models }) {
  const { recursions, tasks, system } = models[0];
  if (system !== "relational") return;
  const family = withGraph(familyNamed(task, tasks));
  const { tokens } = readPuzzle(puzzle, family);
  const moment = (step - 1) * recursions + recursion;
  const key = `${task} ${puzzle}`;
  if (reached?.key !== key || reached.moment > moment - 1) reached = { key, moment: 0, state: initial(family) };
  while (reached.moment < moment - 1) {
    const one = { tokens, state: reached.state };
    await run([one], family);
    reached = { key, moment: reached.moment + 1, state: one.state };
    if (reached.moment % recursions === 0) yield { type: "progress" }; // so that a cancellation is heard
  }
  const { state } = reached;
  const [whole] = await run([{ tokens, state }], family);
  const token = whole.tokens[cell];
  const told = [];
  for (const { name, cells, family: lacking } of withoutEach(family, cell)) {
    const [said] = await run([{ tokens, state }], lacking);
    told.push({ name, cells, effect: whole.p[cell][token] - said.p[cell][token] });
  }
  yield { type: "end", cell, token, probability: whole.p[cell][token], told: told.sort((a, b) => b.effect - a.effect) };
}

/** The test input of ARC that is meant by a task's id and a number from 1, such as 007bbfb7/1: its task and pair. */
function findTest(puzzle, arc) {
  const slash = puzzle.lastIndexOf("/");
  const task = arc.find(({ name }) => name === puzzle.slice(0, slash));
  return { task, pair: task.tests[Number(puzzle.slice(slash + 1)) - 1] };
}

/** That test input as it is and under at most so many further views: {id, symmetry, colours, shown, tokens}. */
function viewsOf(puzzle, arc, further, family) {
  const { task, pair } = findTest(puzzle, arc);
  return task.views.slice(0, further + 1).map(([id, symmetry, digits]) => {
    const colours = [...digits].map(Number);
    const shown = writeGrid(show(readGrid(pair.input), symmetry, colours));
    return { id, symmetry, colours, shown, tokens: placeGrid(shown, family) };
  });
}

/** The answers to an ARC test input under several views and their votes; as `ponderling eval`, all steps are taken. */
async function* vote({ task, puzzle, steps, views: further }, { models, arc, symmetries }) {
  const family = models[0].tasks.find((t) => t.task === task);
  const views = viewsOf(puzzle, arc, further, family);
  const answers = [];
  for (let first = 0; first < views.length; first += AT_ONCE) {
    const some = views.slice(first, first + AT_ONCE).map((view) => ({ ...view, state: initial(family) }));
    let said;
    for (let step = 0; step < steps; step++) {
      for (let i = 0; i < models[0].recursions; i++) said = await run(some, family);
      yield { type: "progress", done: first * steps + (step + 1) * some.length, of: views.length * steps };
    }
    some.forEach(({ symmetry, colours }, i) => {
      const grid = writeGrid(undo(crop(said[i].tokens, family), symmetry, colours));
      answers.push({ grid, score: said[i].halt_probability });
    });
  }
  const { output } = findTest(puzzle, arc).pair;
  yield {
    type: "end",
    grids: count(answers).map((answer) => ({ ...answer, right: output === null ? null : answer.grid === output })),
    views: views.map(({ symmetry, colours, shown }, i) => {
      return { symmetry: symmetries[symmetry], recoloured: colours.some((c, old) => c !== old), shown, ...answers[i] };
    }),
  };
}

/** The family with what the graph must be told of its own size, where it is not the one that model.json describes. */
function withGraph(family) {
  if (!family.base) return family;
  const { rows, columns, sizes } = family;
  const neighbours = sizes.directions.map(([down, right]) => Array.from({ length: rows * columns }, (_, cell) => {
    const [row, column] = [Math.floor(cell / columns) + down, (cell % columns) + right];
    return row >= 0 && row < rows && column >= 0 && column < columns ? row * columns + column : -1;
  }));
  const [, ...vectors] = family.graph.state_shape;
  return { ...family, graph: { ...family.graph, neighbours, state_shape: [rows * columns, ...vectors] } };
}

/** The state that every puzzle starts from. */
function initial({ graph }) {
  const positions = graph.state_shape.slice(0, -1).reduce((a, b) => a * b);
  return Object.fromEntries(Object.entries(graph.state).map(([name, vector]) => {
    const values = new Float32Array(positions * vector.length);
    for (let i = 0; i < positions; i++) values.set(vector, i * vector.length);
    return [name, values];
  }));
}

/** One supervision step of these attempts, whose states it replaces: what the model says of each. */
async function run(attempts, family) {
  const { graph } = family;
  const B = attempts.length;
  const cells = family.rows * family.columns;
  const inputs = { tokens: new ort.Tensor("int32", Int32Array.from(attempts.flatMap((a) => a.tokens)), [B, cells]) };
  for (const name of Object.keys(graph.state)) {
    const size = attempts[0].state[name].length;
    const values = new Float32Array(B * size);
    attempts.forEach((attempt, row) => values.set(attempt.state[name], row * size));
    inputs[name] = new ort.Tensor("float32", values, [B, ...graph.state_shape]);
  }
  if (graph.inputs.includes("puzzle_ids")) inputs.puzzle_ids = new ort.Tensor("int32", Int32Array.from(attempts, ({ id }) => id ?? 0), [B]);
  for (const [name, groups] of Object.entries(graph.members ?? {})) {
    const members = new Float32Array(groups.length * cells);
    groups.forEach((group, row) => group.forEach((cell) => (members[row * cells + cell] = 1)));
    inputs[name] = new ort.Tensor("float32", members, [groups.length, cells]);
  }
  if (graph.neighbours) {
    const beside = Int32Array.from(graph.neighbours.flat(), (cell) => (cell < 0 ? cells : cell));
    inputs.neighbours = new ort.Tensor("int32", beside, [graph.neighbours.length, cells]);
  }
  if (graph.inputs.includes("areas")) {
    const areas = new Float32Array(B * cells * cells);
    attempts.forEach((attempt, row) => areas.set(areasOf(attempt.tokens, graph.neighbours.slice(0, graph.touching)), row * cells * cells));
    inputs.areas = new ort.Tensor("float32", areas, [B, cells, cells]);
  }
  const runs = before.then(async () => (await session).run(inputs));
  before = runs.catch(() => {});
  const outputs = await runs;
  return attempts.map((attempt, row) => {
    const part = (name) => {
      const { data } = outputs[name];
      return data.slice((row * data.length) / B, ((row + 1) * data.length) / B);
    };
    const before = attempt.state;
    attempt.state = Object.fromEntries(Object.keys(graph.state).map((name) => [name, part(`next_${name}`)]));
    const [q] = part("q");
    const logits = part("logits");
    const V = logits.length / cells;
    const p = Array.from({ length: cells }, (_, cell) => probabilities(logits.subarray(cell * V, (cell + 1) * V), graph));
    const tokens = p.map((row) => row.indexOf(Math.max(...row)));
    const sure = graph.stop_by === "cells" ? Math.min(...p.map((row) => Math.max(...row))) : 1 / (1 + Math.exp(-q));
    const halts = graph.stop_by === "cells" ? Math.log(sure / (1 - sure)) > graph.stop_above : q > graph.stop_above;
    return { tokens, p, halt_probability: sure, halts, change: changeOf(before, attempt.state, family) };
  });
}

/** The mean square by which each cell's state changed, in thousandths; the cells are the last positions of a state. */
function changeOf(before, after, { graph, rows, columns }) {
  const positions = graph.state_shape[0];
  const cells = rows * columns;
  const names = Object.keys(graph.state);
  const change = Array(cells).fill(0);
  for (const name of names) {
    const size = after[name].length / positions;
    const first = (positions - cells) * size;
    for (let i = first; i < after[name].length; i++) change[Math.floor((i - first) / size)] += (after[name][i] - before[name][i]) ** 2 / size;
  }
  return change.map((sum) => Math.round((1000 * sum) / names.length));
}

/** Which cells are in which connected area of one token: row i for the area whose first cell is i. */
function areasOf(tokens, neighbours) {
  const cells = tokens.length;
  const members = new Float32Array(cells * cells);
  const seen = new Uint8Array(cells);
  for (let first = 0; first < cells; first++) {
    const waiting = seen[first] ? [] : [first];
    seen[first] = 1;
    while (waiting.length) {
      const cell = waiting.pop();
      members[first * cells + cell] = 1;
      for (const beside of neighbours) {
        const other = beside[cell];
        if (other < 0 || seen[other] || tokens[other] !== tokens[cell]) continue;
        seen[other] = 1;
        waiting.push(other);
      }
    }
  }
  return members;
}

function probabilities(logits, graph) {
  const most = Math.max(...logits);
  const weigh = graph.probabilities === "stablemax" ? (x) => (x < 0 ? 1 / (1 - x) : x + 1) : (x) => Math.exp(x - most);
  const weights = Array.from(logits, weigh);
  const sum = weights.reduce((a, b) => a + b);
  return weights.map((w) => w / sum);
}

function unsure(tokens, p, family, search) {
  return p.flatMap((row, cell) => (tokens[cell] === family.blank && Math.max(...row) < search.unsure ? [cell] : []));
}

/** Asserts a symbol of a cell that the network is unsure of; false when it is sure of all. */
function guess(attempt, p, family, search) {
  const { random } = attempt;
  const cells = unsure(attempt.tokens, p, family, search);
  if (!cells.length) return false;
  const cell = cells[draw(cells.map((c) => Math.max(...p[c]) / (1.01 - Math.max(...p[c]))), random)];
  attempt.tokens = attempt.tokens.with(cell, family.fill[draw(family.fill.map((token) => p[cell][token]), random)]);
  return true;
}

function draw(weights, random) {
  let left = random() * weights.reduce((a, b) => a + b);
  for (const [i, weight] of weights.entries()) if ((left -= weight) < 0) return i;
  return weights.length - 1;
}

/** Mulberry32: the same seed and number give the same guesses. */
function generator(seed, number) {
  let a = (seed + Math.imul(number, 0x9e3779b1) + 0x6d2b79f5) | 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
