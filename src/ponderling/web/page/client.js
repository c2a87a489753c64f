// The model behind a server. `ponderling site` puts another file of this name here, in which it runs in the browser.

import { expander } from "./compact.js";

let token = sessionStorage.getItem("token") ?? "";

/** A reply that is no good; `status` is HTTP's. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export function useToken(value) {
  token = value;
  sessionStorage.setItem("token", value);
}

async function request(path, options = {}) {
  const headers = { ...(token && { authorization: `Bearer ${token}` }), ...(options.body && { "content-type": "application/json" }) };
  const reply = await fetch(path, { ...options, headers });
  if (reply.ok) return reply;
  const detail = await reply.json().then((body) => body.detail, () => reply.statusText);
  const again = reply.headers.get("retry-after");
  throw new Refused(reply.status, again ? `The server is busy. Try again in ${again} s.` : String(detail));
}

const LOOK_AGAIN = 1000; // milliseconds, while the server loads its models

/** The models and their puzzle families; waits while the server loads them. */
export async function models() {
  for (;;) {
    try {
      return (await (await request("v1/models")).json()).models;
    } catch (error) {
      if (error.status !== 503) throw error;
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN));
    }
  }
}

/** A new puzzle as text. */
export async function puzzle({ model, task, difficulty }) {
  const query = new URLSearchParams({ model, task, difficulty });
  return (await (await request(`v1/puzzle?${query}`)).json()).puzzle;
}

/** The tasks that an ARC model knows: {name, role, tests}. */
export async function arcTasks({ model }) {
  return (await (await request(`v1/arc/tasks?${new URLSearchParams({ model })}`)).json()).tasks;
}

/** One of them with all its grids. */
export async function arcTask({ model, name }) {
  return (await request(`v1/arc/task?${new URLSearchParams({ model, name })}`)).json();
}

/** The votes of several views: yields {type: "progress", done, of} now and then, and {type: "end", ...} with them. */
export const vote = (body, signal) => stream("v1/vote", { ...body, stream: true }, signal);

/** Learns an ARC task: yields {type: "progress", done, of}, and {type: "end", model, family, ...} with the task. */
export const learn = (body, signal) => stream("v1/arc/learn", body, signal);

/** The thinking: yields {type: "step", ...} for every step (or recursion) of every attempt, and {type: "end", ...}. */
export async function* think(body, signal) {
  let expand;
  for await (const event of stream("v1/think", { ...body, compact: true }, signal)) {
    if (event.type === "start") expand = expander(event);
    yield event.type === "step" ? expand(event) : event;
  }
}

/** What told a cell its symbol in a step or recursion of plain thinking: {told: [{name, cells, effect}], ...}. */
export async function why({ model, task, puzzle, cell, step, recursion }) {
  return (await request("v1/why", { method: "POST", body: JSON.stringify({ model, task, puzzle, cell, step, recursion }) })).json();
}

async function* stream(path, body, signal) {
  const reply = await request(path, { method: "POST", body: JSON.stringify(body), signal });
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  let pending = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (pending + value).split("\n\n");
    pending = blocks.pop();
    for (const block of blocks) {
      const [, type, data] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? [];
      if (!type) continue; // a sign of life
      const event = { type, ...JSON.parse(data) };
      if (type === "problem") throw new Refused(500, event.detail);
      yield event;
    }
  }
}
