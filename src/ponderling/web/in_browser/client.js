// The model in the browser: the same functions as those of the client that asks a server; the work is done in worker.js.

import { randomMaze } from "./mazes.js";
import { familyNamed, writePuzzle } from "./rules.js";

const ready = fetch("model.json").then((reply) => reply.json());
const worker = new Worker("worker.js", { type: "module" });
let last = 0;
let loading = { loaded: 0, total: 0 }; // bytes of the runtime and the graph; null once they are there

worker.addEventListener("message", ({ data }) => {
  if (!("loading" in data)) return;
  loading = data.loading;
  // By now all files are in the browser's own cache, so that the service worker fetches nothing a second time.
  if (!loading) navigator.serviceWorker?.register("sw.js").catch((error) => console.warn(`no use without a network: ${error.message}`));
});

export async function models() {
  return (await ready).models;
}

/** Only servers have tokens. */
export function useToken() {}

export async function puzzle({ task, difficulty }) {
  const { models: [model], puzzles } = await ready;
  const family = familyNamed(task, model.tasks);
  if (difficulty === "random") return writePuzzle(randomMaze(family), family);
  const offered = puzzles[task][difficulty];
  return offered[Math.floor(Math.random() * offered.length)];
}

export async function arcTasks() {
  return (await ready).arc.map(({ name, role, tests }) => ({ name, role, tests: tests.length }));
}

export async function arcTask({ name }) {
  return (await ready).arc.find((task) => task.name === name);
}

/** The votes of several views: yields {type: "progress", done, of} now and then, and {type: "end", ...} with them. */
export const vote = (body, signal) => ask("vote", body, signal);

/** The thinking: first {type: "loading", loaded, total} in bytes while the runtime and the graph come; then {type: "step", ...} for every step (or recursion) of every attempt, and {type: "end", ...}. */
export const think = (body, signal) => ask("think", body, signal);

/** What told a cell its symbol in a step or recursion of plain thinking: {told: [{name, cells, effect}], ...}; null if that is not known. */
export async function why(body) {
  for await (const event of ask("why", body, new AbortController().signal)) if (event.type === "end") return event;
  return null;
}

async function* ask(kind, body, signal) {
  const id = ++last;
  const events = [];
  let wake = () => {};
  const receive = ({ data }) => {
    if (data.loading) events.push({ type: "loading", ...data.loading });
    else if (data.id === id) events.push(data.event);
    wake();
  };
  const cancel = () => wake();
  worker.addEventListener("message", receive);
  signal.addEventListener("abort", cancel);
  worker.postMessage({ id, kind, body });
  if (loading?.total) events.push({ type: "loading", ...loading });
  try {
    for (;;) {
      signal.throwIfAborted();
      if (!events.length) await new Promise((resolve) => (wake = resolve));
      const event = events.shift();
      if (!event) continue;
      if (event.type === "problem") throw new Error(event.detail);
      yield event;
      if (event.type === "end") return;
    }
  } finally {
    worker.removeEventListener("message", receive);
    signal.removeEventListener("abort", cancel);
    worker.postMessage({ cancel: id });
  }
}
