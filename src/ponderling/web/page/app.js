// The page: choices on one side, the boards and their steps on the other. What thinks is behind client.js.

import { placeGrid, showTask } from "./arc.js";
import * as client from "./client.js";
import { GALLERY } from "./gallery.js";
import {
  broken, cropped, emptyPuzzle, inSize, isSize, mazeDistance, NO_WAY, readPuzzle, sentence, shapeOf, sizeNamed, solve, writePuzzle,
} from "./rules.js";
import { View } from "./view.js";

const $ = (id) => document.getElementById(id);
const DELAYS = [2400, 1500, 1000, 650, 400, 200, 80]; // milliseconds of a step, by speed
const RESTART_STEPS = 6; // of a further attempt
const NAMES = {
  sudoku4: "Sudoku 4×4", sudoku6: "Sudoku 6×6", sudoku9: "Sudoku 9×9", sudoku16: "Sudoku 16×16",
  sudoku9x: "Sudoku 9×9 with diagonals", latin9: "Latin square 9×9",
};

const HINTS = {
  arc: ["Further views", "The test input turned and in other colours, too; the answers are turned back and vote."],
  other: ["Further attempts", "If it does not find an answer, it guesses a cell and thinks on."],
};
const INVITES = {
  sudoku: "Type into the grid, paste, or choose a puzzle.",
  maze: "Draw walls, drag S and G, or take a new maze.",
  arc: "Which output belongs to this test input?",
};
const MOST_ATTEMPTS = 64; // further ones; a static folder has fewer views of an ARC task
const VIEWS = 8; // of an ARC task besides the task as it is, unless chosen otherwise

const state = { models: [], family: null, arc: null, question: [], views: [], index: 0, thinking: null, timer: 0 };

// Start

async function start() {
  try {
    state.models = await client.models();
  } catch (error) {
    if (error.status === 401) $("token").hidden = false;
    else say(`The server cannot be reached: ${error.message}`);
    if (error.status !== 401) $("stage").hidden = false;
    return;
  }
  $("token").hidden = true;
  $("stage").hidden = $("panel").hidden = false;
  const families = new Map(state.models.flatMap((m) => m.tasks.map((t) => [t.task, t])));
  options($("family"), [...families].map(([task, { sizes }]) => [task, sizes ? "Maze" : NAMES[task] ?? task.replace(/^maze(\d+)$/, "Maze $1×$1").replace(/^arc(\d+)$/, "ARC on $1×$1")]));
  await openLink();
}

/** Sets everything as the address says; a link with a step thinks at once and goes there. */
async function openLink() {
  const link = new URLSearchParams(location.hash.slice(1));
  const tasks = [...$("family").options].map((o) => o.value);
  const wanted = link.get("t") ?? "";
  const sized = state.models.flatMap((m) => m.tasks).find((t) => t.sizes && sizeNamed(wanted, t));
  $("family").value = tasks.includes(wanted) ? wanted : sized?.task ?? tasks[0];
  chooseFamily();
  if (sized && !tasks.includes(wanted)) takeSize(sizeNamed(wanted, sized));
  if (link.has("m")) $("model").value = link.get("m");
  if (!$("model").value) $("model").selectedIndex = 0;
  fillSecond(link.get("b") ?? "");
  for (const [key, id] of [["d", "depth"], ["r", "restarts"], ["e", "seed"]]) if (link.has(key)) $(id).value = link.get(key);
  showSliders();
  if (state.family.kind === "arc") {
    buildViews();
    await listTasks(link.get("p") ?? "");
    if (state.arc && link.has("s")) {
      await think(false);
      show(Number(link.get("s")));
    }
    return;
  }
  const given = link.get("p") && readPuzzle(link.get("p"), state.family).tokens;
  const first = GALLERY[state.family.task]?.[1]?.[1];
  buildViews();
  setQuestion(given ?? (first ? readPuzzle(first, state.family).tokens : emptyPuzzle(state.family)));
  if (given && link.has("s")) {
    await think(false);
    const attempt = Number(link.get("a"));
    if (state.views[0].frames.has(attempt)) state.views[0].attempt = attempt;
    show(Number(link.get("s")));
  } else if (!first && !given) await newPuzzle(state.family.difficulties[0]);
}

// Choices

function options(select, pairs) {
  select.replaceChildren(...pairs.map(([value, text]) => new Option(text, value)));
}

/** Whether further attempts can be asked for: views of ARC, or guesses where an answer fills in its question. */
const maySearch = () => state.family.kind === "arc" || state.family.fill.length > 0;

/** The models for a family; in another size than its own, those that are served in every size. */
const modelsOf = ({ base, task }) => state.models.filter((m) => m.tasks.some((t) => (base ? t.task === base.task && t.sizes : t.task === task)));

/** Takes the chosen puzzle family over: which models, gallery and difficulties there are. */
function chooseFamily() {
  const task = $("family").value;
  const models = modelsOf({ task });
  state.family = models[0].tasks.find((t) => t.task === task);
  options($("model"), models.map((m) => [m.name, m.name]));
  $("model-field").hidden = models.length < 2;
  const named = GALLERY[task] ?? [];
  options($("gallery"), [["", "choose"], ...named.map(([name, puzzle]) => [puzzle, name])]);
  $("gallery-field").hidden = !named.length;
  $("size-fields").hidden = !state.family.sizes;
  for (const id of ["rows", "columns"]) $(id).max = state.family.sizes?.most ?? "";
  showSize();
  const isArc = state.family.kind === "arc";
  for (const id of ["arc-fields", "arc-note", "arc-task-shown"]) $(id).hidden = !isArc;
  for (const id of ["text-field", "clear", "seed-field"]) $(id).hidden = isArc;
  for (const element of [$("restarts").closest("label"), $("restarts-hint")]) element.hidden = !maySearch();
  $("restarts").max = state.family.most_views ?? MOST_ATTEMPTS;
  [$("restarts-name").textContent, $("restarts-hint").textContent] = HINTS[isArc ? "arc" : "other"];
  if (isArc !== state.wasArc) { // as `ponderling eval` does, an ARC model takes as many steps as in training
    $("depth").value = isArc ? models[0].steps : $("depth").defaultValue;
    $("restarts").value = isArc ? VIEWS : $("restarts").defaultValue;
  }
  state.wasArc = isArc;
  showSliders();
  state.arc = null;
  buildPad();
  fillSecond("");
}

/** What depends on the size: its fields, which new puzzles there are, and the room for text. */
function showSize() {
  for (const id of ["rows", "columns"]) $(id).value = state.family[id];
  $("text").rows = state.family.kind === "maze" ? Math.min(state.family.rows, 12) : 3;
  $("difficulties").hidden = !state.family.difficulties.length;
  $("difficulties").replaceChildren($("difficulties").firstElementChild, ...state.family.difficulties.map((difficulty) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = difficulty;
    button.addEventListener("click", () => newPuzzle(difficulty));
    return button;
  }));
}

/** Takes another size of the family over; the caller sets the question. */
function takeSize(size) {
  stop();
  state.family = inSize(state.family, size);
  showSize();
  fillSecond($("second").value);
}

/** Shows the maze in the size of the fields, with as much of its walls as that holds. */
function resize() {
  const size = { rows: Number($("rows").value), columns: Number($("columns").value) };
  if (!isSize(size, state.family)) return say(`A maze has from 1 to ${state.family.sizes.most} rows and columns, and two cells or more.`);
  const old = state.family;
  takeSize(size);
  buildViews();
  setQuestion(cropped(state.question, old, state.family));
}

/** Lists the tasks that the ARC model knows and takes the one that is wanted, written as in links, else the first. */
async function listTasks(wanted) {
  try {
    const tasks = await client.arcTasks({ model: $("model").value });
    const trained = (task) => (task.role === "train" ? " (its answer was trained on)" : "");
    options($("arc-task"), tasks.map((task) => [task.name, `${task.name}${trained(task)}`]));
    const slash = wanted.lastIndexOf("/");
    const name = wanted.slice(0, slash);
    if (tasks.some((task) => task.name === name)) $("arc-task").value = name;
    await takeTask(Number(wanted.slice(slash + 1)));
  } catch (error) {
    say(error.message);
  }
}

/** Shows the chosen ARC task and one of its test inputs. */
async function takeTask(wanted = 1) {
  stop();
  const task = await client.arcTask({ model: $("model").value, name: $("arc-task").value });
  if (task.name !== $("arc-task").value) return; // another was chosen meanwhile
  options($("arc-test"), task.tests.map((_, i) => [i + 1, `${i + 1} of ${task.tests.length}`]));
  const number = wanted >= 1 && wanted <= task.tests.length ? wanted : 1;
  $("arc-test").value = number;
  state.arc = { task, number };
  showTask($("arc-task-shown"), task, number);
  setQuestion(placeGrid(task.tests[number - 1].input, state.family));
}

function fillSecond(value) {
  const others = modelsOf(state.family).filter((m) => m.name !== $("model").value);
  options($("second"), [["", "nothing"], ...others.map((m) => [m.name, m.name])]);
  $("second-field").hidden = !others.length;
  $("second").value = others.some((m) => m.name === value) ? value : "";
  describe();
}

function describe() {
  const model = state.models.find((m) => m.name === $("model").value);
  const own = state.family.base ? state.family : model.tasks.find((t) => t.task === state.family.task);
  const within = model.recursions > 1 ? ` ${model.recursions} recursions make a step.` : "";
  const size = `${model.parameters.toLocaleString("en")} parameters.${within}`;
  const trained = model.tasks.find((t) => t.trained);
  const byCells = trained && model.system === "relational" && trained.rows * trained.columns !== own.rows * own.columns;
  const how = byCells ? ": here it stops when it is 90% sure of every cell." : ".";
  const unseen = " It was not trained on this size: here it stops when it is 90% sure of every cell.";
  const elsewhere = own.sizes ? unseen : trained ? ` Trained on ${NAMES[trained.task] ?? trained.task} alone${how}` : "";
  $("about").textContent = `${model.name}: ${size}${own.trained ? "" : elsewhere}`;
}

/** The buttons that put a symbol into the selected cell, for touch. */
function buildPad() {
  const { family } = state;
  const tokens = family.symbols.map((_, token) => token).slice(1);
  $("pad").hidden = !isEdited(family);
  const names = { "#": "wall", " ": "free", S: "start S", G: "goal G" };
  const shown = family.kind === "maze" ? tokens.filter((t) => family.characters[t] !== "o") : [...tokens.filter((t) => t > family.blank), family.blank];
  $("pad").replaceChildren(...shown.map((token) => {
    const button = document.createElement("button");
    button.type = "button";
    const name = family.kind === "maze" ? names[family.characters[token]] : token === family.blank ? "erase" : family.symbols[token];
    button.textContent = name;
    button.addEventListener("click", () => state.views[0].board.put(token));
    return button;
  }));
}

function buildViews() {
  const names = [$("model").value, $("second").value].filter(Boolean);
  state.views = names.map((name) => new View(name, state.family, names.length > 1 ? name : ""));
  $("stage").classList.toggle("single", names.length === 1);
  $("boards").replaceChildren(...state.views.map((view) => view.element));
  $("votes").replaceChildren(...state.views.map((view) => view.votes));
  for (const view of state.views) {
    view.board.addEventListener("edit", ({ detail }) => edit(detail.cell, detail.token));
    view.addEventListener("choose", () => show(view.path.length, true));
  }
}

async function newPuzzle(difficulty) {
  if (!difficulty) return;
  try {
    const text = await client.puzzle({ model: $("model").value, task: state.family.task, difficulty });
    $("gallery").value = "";
    setQuestion(readPuzzle(text, state.family).tokens);
  } catch (error) {
    say(error.message);
  }
}

// The puzzle

function edit(cell, token) {
  const question = [...state.question];
  if (state.family.kind === "maze" && "SG".includes(state.family.characters[token])) {
    const old = question.indexOf(token);
    if (old >= 0) question[old] = state.family.blank;
  }
  question[cell] = token;
  setQuestion(question);
}

/** A new question: thinking so far is forgotten, contradictions are told. */
function setQuestion(question, fromText = false) {
  stop();
  state.question = question;
  const { reasons } = broken(question, state.family);
  const known = state.arc?.task.tests[state.arc.number - 1].output;
  let solution = known == null ? null : placeGrid(known, state.family);
  let problem = reasons.length ? `${reasons.slice(0, 3).join("; ")}.` : "";
  if (!problem && state.family.kind === "sudoku" && question.some((t) => t > state.family.blank)) {
    const { count, answer } = solve(question, state.family, state.family.rows > 9 ? 300 : 3000);
    if (count === 1) solution = answer;
    if (count === 0) problem = "This puzzle has no solution.";
    if (count === 2) problem = "This puzzle has more than one solution.";
  }
  if (!problem && state.family.kind === "maze" && mazeDistance(question, state.family) < 0) {
    problem = `${sentence(NO_WAY)} The right answer marks nothing.`;
  }
  $("problem").textContent = problem;
  tellOfText(fromText ? problem : "");
  $("think").disabled = reasons.length > 0;
  if (!fromText) $("text").value = shownText(question);
  for (const view of state.views) view.reset(question, solution, known);
  say(INVITES[state.family.kind] ?? "");
  show(0);
}

/** What is wrong with the text, beside it: on a phone the grid is out of sight there. */
function tellOfText(problem) {
  $("text-problem").textContent = problem;
  $("text").setAttribute("aria-invalid", String(Boolean(problem)));
}

const isEdited = (family) => family.kind === "sudoku" || family.kind === "maze";

/** The puzzle as the server and links take it: of ARC the task and which of its test inputs. */
function puzzleText() {
  return state.arc ? `${state.arc.task.name}/${state.arc.number}` : writePuzzle(state.question, state.family);
}

/** The puzzle as text to read: one line, but a maze row by row. */
function shownText(question) {
  const { kind, columns } = state.family;
  const text = writePuzzle(question, state.family);
  return kind === "maze" ? text.match(new RegExp(`.{${columns}}`, "g")).join("\n") : text;
}

// Thinking

async function think(follow = true) {
  stop();
  const depth = Number($("depth").value);
  const restarts = maySearch() ? Number($("restarts").value) : 0;
  const controller = new AbortController();
  state.thinking = controller;
  $("think").textContent = "Stop";
  for (const view of state.views) view.reset(state.question, view.solution, view.known);
  show(0);
  if (follow) play();
  const body = {
    task: state.family.task, puzzle: puzzleText(), steps: depth,
    ...(state.family.kind === "maze" && { changes: true }),
    ...(restarts && !state.arc && { restarts, search_steps: RESTART_STEPS, seed: seed() }),
  };
  const run = async (view) => {
    for await (const event of client.think({ ...body, model: view.model }, controller.signal)) {
      if (state.thinking !== controller) return;
      view.take(event);
      drawPosition();
    }
    if (!state.arc) return;
    say("Voting…");
    for await (const event of client.vote({ ...body, model: view.model, views: restarts }, controller.signal)) {
      if (state.thinking !== controller) return;
      if (event.type === "end") view.takeVotes(event);
      else {
        const views = event.of / depth;
        say(`Voting, ${views === 1 ? "one view" : `${views} views`}: ${10 * Math.floor((10 * event.done) / event.of)}% done`);
      }
    }
  };
  try {
    say(`Thinking…`);
    await Promise.all(state.views.map(run));
    if (state.thinking === controller) say("");
  } catch (error) {
    if (error.name !== "AbortError" && state.thinking === controller) say(error.message);
    if (state.thinking === controller) controller.abort();
  }
  if (state.thinking === controller) {
    state.thinking = null;
    $("think").textContent = "Think";
    drawPosition();
  }
}

function stop() {
  state.thinking?.abort();
  state.thinking = null;
  $("think").textContent = "Think";
  pause();
}

// Steps

const length = () => Math.max(0, ...state.views.map((view) => view.path.length));
const position = () => `${state.views.some((view) => view.unit === "Recursion") ? "Recursion" : "Step"} ${state.index} of ${length()}`;
const delay = () => DELAYS[Number($("speed").value)];

function show(index, aloud = false) {
  state.index = Math.min(Math.max(0, index), length());
  for (const view of state.views) view.show(state.index);
  drawPosition();
  if (aloud) $("spoken").textContent = `${position()}. ${state.views.map((v) => v.text).join(" ")}`;
}

function drawPosition() {
  const last = length();
  $("scrubber").max = last;
  $("scrubber").value = state.index;
  $("position").textContent = position();
  $("scrubber").setAttribute("aria-valuetext", $("position").textContent);
  $("first").disabled = $("back").disabled = state.index === 0;
  $("forward").disabled = state.index >= last;
  $("play").disabled = !last && !state.thinking;
  $("player").hidden = !last && !state.thinking;
  $("pad").hidden = !isEdited(state.family) || last > 0 || Boolean(state.thinking);
}

function play() {
  if (state.index >= length() && !state.thinking) show(0);
  setPlaying(true);
  const tick = () => {
    const going = Boolean(state.thinking);
    if (state.index < length()) show(state.index + 1);
    if (state.index >= length() && !going) {
      pause();
      show(state.index, true);
    } else state.timer = setTimeout(tick, state.index < length() ? delay() : 50);
  };
  state.timer = setTimeout(tick, 50);
}

function pause() {
  clearTimeout(state.timer);
  setPlaying(false);
}

function setPlaying(playing) {
  $("play").classList.toggle("playing", playing);
  $("play").setAttribute("aria-label", playing ? "Pause" : "Play");
  document.documentElement.style.setProperty("--beat", `${Math.min(900, delay())}ms`);
}

function step(index) {
  pause();
  show(index, true);
}

// Messages and links

function say(text) {
  if ($("status").textContent !== text) $("status").textContent = text; // the same once more would be read out again
}

async function share() {
  const link = new URLSearchParams({
    t: state.family.task, m: $("model").value, d: $("depth").value, r: $("restarts").value,
    p: puzzleText(),
  });
  if (!state.arc && Number($("restarts").value)) link.set("e", seed());
  if ($("second").value) link.set("b", $("second").value);
  if (length()) {
    link.set("s", state.index);
    link.set("a", state.views[0].attempt);
  }
  history.replaceState(null, "", `#${link}`);
  try {
    await navigator.clipboard.writeText(location.href);
    say("The link is copied.");
  } catch {
    say("The link is in the address bar.");
  }
}

/** The seed of guesses; what is no whole number that the server takes counts as 0. */
function seed() {
  return $("seed").validity.valid ? Number($("seed").value) : 0;
}

function showSliders() {
  $("depth-value").textContent = $("depth").value;
  $("restarts-value").textContent = $("restarts").value;
}

// Wiring

$("think").addEventListener("click", () => (state.thinking ? stop() : think()));
$("clear").addEventListener("click", () => setQuestion(emptyPuzzle(state.family)));
$("share").addEventListener("click", share);
$("family").addEventListener("change", async () => {
  stop();
  chooseFamily();
  buildViews();
  if (state.family.kind === "arc") return listTasks("");
  const named = GALLERY[state.family.task]?.[0];
  setQuestion(named ? readPuzzle(named[1], state.family).tokens : emptyPuzzle(state.family));
  if (!named) await newPuzzle(state.family.difficulties[0]);
});
$("gallery").addEventListener("change", () => {
  if ($("gallery").value) setQuestion(readPuzzle($("gallery").value, state.family).tokens);
});
for (const id of ["model", "second"]) {
  $(id).addEventListener("change", () => {
    if (id === "model") fillSecond($("second").value);
    buildViews();
    if (state.arc && id === "model") listTasks(puzzleText());
    else setQuestion(state.question);
  });
}
$("arc-task").addEventListener("change", () => takeTask().catch((error) => say(error.message)));
$("arc-test").addEventListener("change", () => takeTask(Number($("arc-test").value)).catch((error) => say(error.message)));
for (const id of ["rows", "columns"]) $(id).addEventListener("change", resize);
$("text").addEventListener("input", () => {
  const size = state.family.sizes && shapeOf($("text").value);
  if (size && isSize(size, state.family) && (size.rows !== state.family.rows || size.columns !== state.family.columns)) {
    takeSize(size);
    buildViews();
    setQuestion(emptyPuzzle(state.family), true);
  }
  const { tokens, problem } = readPuzzle($("text").value, state.family);
  if (tokens) setQuestion(tokens, true);
  else tellOfText(problem);
});
for (const id of ["depth", "restarts"]) $(id).addEventListener("input", showSliders);
$("first").addEventListener("click", () => step(0));
$("back").addEventListener("click", () => step(state.index - 1));
$("forward").addEventListener("click", () => step(state.index + 1));
$("play").addEventListener("click", () => ($("play").classList.contains("playing") ? pause() : play()));
$("scrubber").addEventListener("input", () => step(Number($("scrubber").value)));
$("speed").addEventListener("input", () => setPlaying($("play").classList.contains("playing")));
$("token").addEventListener("submit", (event) => {
  event.preventDefault();
  client.useToken($("token-value").value);
  start();
});
window.addEventListener("hashchange", openLink);

showSliders();
start();
