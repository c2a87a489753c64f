// The page: puzzles above, the board and its words in the middle, choices below. What thinks is behind client.js.

import { placeGrid, showColours, showTask } from "./arc.js";
import { loading, race, some, trouble } from "./captions.js";
import { CellTold } from "./cell.js";
import { aboutModel, button, chips, familyName, isEdited, lead, options, pad } from "./choices.js";
import * as client from "./client.js";
import { GALLERY } from "./gallery.js";
import { bindKeys } from "./keys.js";
import { bindOwnTask, tellLearned, tellOfTask } from "./lesson.js";
import { asked, familyOf, numbersOf, puzzleOf } from "./link.js";
import { lessonOf, opening } from "./opening.js";
import { Player } from "./player.js";
import { looked, shownText } from "./question.js";
import { cropped, emptyPuzzle, inSize, isSize, readPuzzle, shapeOf, writePuzzle } from "./rules.js";
import { View } from "./view.js";

const $ = (id) => document.getElementById(id);
$("as-file").remove(); // a page that is opened as a file never gets here
const RESTART_STEPS = 6; // of a further attempt
const HINTS = {
  arc: ["Further views", "The test input turned and in other colours, too; the answers are turned back and vote."],
  other: ["Further attempts", "If it does not find an answer, it guesses a cell and thinks on."],
};
const INVITES = {
  sudoku: "Press Think, or type a puzzle of your own into the grid.",
  maze: "Press Think, or draw walls and drag S and G.",
  arc: "Which output belongs to this test input?",
};
const EMPTY = "An empty grid has nothing to find: type a clue, or choose a puzzle.";
const RECORDED = {
  other: "This is a recording. Press Think to see it live.",
  taught: "This is a recording. Press Learn it to see it live; that takes about a minute.",
  arc: "This is a recording. Choose a task to see it think live.",
};
const FILM = "How it learns (recorded)"; // among the tasks
const DARES = { sudoku: "Take a clue away", maze: "Draw a maze to beat it" };
const MOST_ATTEMPTS = 64; // further ones; a static folder has fewer views of an ARC task
const VIEWS = 8; // of an ARC task besides the task as it is, unless chosen otherwise
const PATIENCE = 400; // milliseconds for the models to be named before the Sudoku's opening starts
const SMALL = 80; // pixels across the pictures of a film's examples
const OPENING = { all: 13000, least: 600, most: 1500 }; // milliseconds of the opening, and of a look in it

const learned = new Map(); // ARC tasks of one's own, by the model that knows them
const state = { models: [], family: null, arc: null, question: [], views: [], thinking: null, isOpen: false, recorded: false, learning: false, mayThink: false, turn: 0 };
const length = () => Math.max(0, ...state.views.map((view) => view.path.length));
const player = new Player({
  length,
  goesOn: () => Boolean(state.thinking),
  draw: showMoment,
  follow: () => {
    const isNew = state.views.map((view) => view.follow()).some(Boolean);
    if (isNew) player.show(length());
    return isNew;
  },
});
// Only a relational network knows which cells tell a cell something.
const isRelational = (name) => state.models.find((model) => model.name === name)?.system === "relational";
const cellTold = new CellTold($("cell"), (question) => (isRelational(question.model) ? client.why(question) : null));

/** A turn of what is shown. What was asked for in one comes too late when the visitor has changed something since. */
function newTurn() {
  const turn = (state.turn += 1);
  return { isOver: () => turn !== state.turn };
}

// Start

async function start() {
  const models = client.models();
  const arrived = location.hash;
  const wanted = namedAlone();
  if (wanted !== null && (await Promise.race([models.then(() => false, () => true), new Promise((done) => setTimeout(done, PATIENCE, true))]))) {
    const answered = models.catch(() => new Promise(() => {}));
    await Promise.race([open(wanted || "sudoku9"), answered]); // no server and no runtime is needed for it
  }
  try {
    state.models = await models;
  } catch (error) {
    if (error.status === 401) $("token").hidden = false;
    else say(trouble(error));
    $("stage").hidden = error.status === 401 && !state.views.length;
    setMayThink(false);
    return;
  }
  $("token").hidden = true;
  $("panel").hidden = false;
  const families = allFamilies();
  options($("family"), families.map((family) => [family.task, familyName(family)]));
  drawChips();
  const first = wanted ? families.find(({ task }) => task === wanted) : families[0];
  if (wanted !== null && first && location.hash === arrived) await openFirst(first);
  else await openLink();
}

const allFamilies = () => [...new Map(state.models.flatMap((m) => m.tasks.map((t) => [t.task, t]))).values()];

/** The family of an address that names one and nothing else, empty for a plain address; null for all other addresses. */
function namedAlone() {
  const link = asked();
  return [...link.keys()].every((key) => key === "t") ? link.get("t") ?? "" : null;
}

/** Plays the recording of the first family, or shows a puzzle of it where there is none. */
async function openFirst(family) {
  const isThere = state.family?.task === family.task; // the visitor may have changed its puzzle by now
  const { arc } = state;
  $("family").value = family.task;
  chooseFamily();
  if (isThere && state.recorded) state.arc = arc;
  else if (isThere && family.kind !== "arc") {
    buildViews();
    return setQuestion(state.question);
  } else if (!(await open(family.task))) return firstPuzzle();
  adopt();
  if (state.arc?.isFilm) await listTasks(puzzleText());
}

/** Plays a family's recording, unless the visitor has chosen something meanwhile; false where there is none. */
async function open(task) {
  const turn = newTurn();
  const recording = await opening(task);
  if (turn.isOver()) return true;
  if (!recording) return false;
  play(recording);
  return true;
}

/** Plays a recording; of an ARC task, beside its examples. */
function play({ model, family, question, events, task }) {
  state.family = allFamilies().find((f) => f.task === family.task) ?? family;
  state.arc = task ? { task, number: 1, isFilm: true } : null;
  state.views = [new View(model.name, state.family, "")];
  placeViews();
  lead({ ...model, system: "relational" }, state.family);
  $("second").value = "";
  if (task) {
    showArc(true);
    if (![...$("arc-task").options].some(({ value }) => value === task.name)) options($("arc-task"), [[task.name, FILM]]);
    $("arc-task").value = task.name;
    options($("arc-test"), [[1, "1 of 1"]]);
    showTask($("arc-task-shown"), task, 1, SMALL);
    $("inks").replaceChildren();
    showColours($("inks"), task);
  }
  setQuestion(question);
  for (const event of events) state.views[0].take(event);
  state.recorded = true;
  adopt();
  say("");
  const frames = events.length - 1;
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
    player.show(frames);
    say(recordedText());
  } else {
    player.show(0);
    player.play(Math.min(OPENING.most, Math.max(OPENING.least, OPENING.all / frames)));
  }
}

function recordedText() {
  if (!state.arc?.isFilm) return RECORDED.other;
  return state.family.learns ? RECORDED.taught : RECORDED.arc;
}

/** Lets the model that is chosen go on from the recording. */
function adopt() {
  if (!state.recorded) return;
  const isServed = state.models.length > 0;
  if (isServed) state.views[0].model = $("model").value;
  setMayThink(isServed && (!state.arc?.isFilm || Boolean(state.family.learns)));
  if (Object.values(RECORDED).includes($("status").textContent)) say(recordedText()); // by now it is known who learns
}

/** A visitor who does anything takes over: the recording stops where it is. */
function takeOver({ target, key }) {
  if (state.recorded && player.isPlaying && key !== " " && !target.closest?.("#player, .transport")) player.pause();
}

/** Sets everything as the address says; a link with a step thinks at once and goes there. */
async function openLink() {
  const link = asked();
  const families = allFamilies();
  const { task, size, problem } = familyOf(link, families);
  const { numbers, problem: unread } = numbersOf(link);
  $("family").value = task;
  chooseFamily();
  if (size) takeSize(size);
  if (link.has("m")) $("model").value = link.get("m");
  const isThere = Boolean($("model").value);
  if (!isThere) $("model").selectedIndex = 0;
  fillSecond(link.get("b") ?? "");
  for (const [key, id] of [["d", "depth"], ["r", "restarts"], ["e", "seed"]]) if (key in numbers) $(id).value = numbers[key];
  showSliders();
  buildViews();
  if (state.family.kind === "arc") {
    const isThere = await listTasks(link.get("p") ?? "");
    if (isThere && (problem || unread)) say(problem || unread);
    if (isThere && "s" in numbers && state.recorded) player.step(numbers.s);
    else if (isThere && "s" in numbers) await thinkUpTo(numbers.s);
    return;
  }
  const given = puzzleOf(link, state.family);
  const wrong = problem || given.problem || (isThere ? "" : `This link asks for the model “${link.get("m")}”, which is not here. Another is used.`) || unread;
  if (!given.tokens) {
    await firstPuzzle();
    if (wrong) say(wrong);
    return;
  }
  setQuestion(given.tokens);
  if (wrong) say(wrong);
  if ("s" in numbers && !$("think").disabled) {
    await thinkUpTo(numbers.s, numbers.a);
    if (wrong && state.question === given.tokens && !state.thinking) say(wrong); // it was said before the thinking, too
  }
}

/** Thinks and shows the moment of a link, unless the visitor has begun something else meanwhile. */
async function thinkUpTo(moment, attempt) {
  const { question } = state;
  await think(false);
  if (state.question !== question || state.thinking) return;
  if (state.views[0].frames.has(attempt)) state.views[0].attempt = attempt;
  player.show(moment);
}

/** What a family opens with: one of its gallery, else a new one. */
async function firstPuzzle() {
  buildViews();
  stop();
  if (state.family.kind === "arc") return listTasks("");
  const named = state.family.base ? null : GALLERY[state.family.task]?.[0];
  setQuestion(named ? readPuzzle(named[1], state.family).tokens : emptyPuzzle(state.family));
  if (!named) await newPuzzle(state.family.difficulties[0]);
}

// Choices

/** The puzzles above the board, as far as their families are served, and a grid for one's own. */
function drawChips() {
  const families = allFamilies();
  const named = chips(families, async ({ task, puzzle, difficulty }) => {
    takeFamily(task);
    if (puzzle) setQuestion(readPuzzle(puzzle, state.family).tokens);
    else await newPuzzle(difficulty);
  });
  const own = button("Your own", () => {
    clearBoard();
    state.views[0].board.select(0);
  });
  $("chips").replaceChildren(...named, ...(families.some(isEdited) ? [own] : []));
}

/** Changes to another family, if it is another; the caller sets the question. */
function takeFamily(task) {
  if (state.family?.task !== task) {
    $("family").value = task;
    chooseFamily();
    buildViews();
  } else if (state.views[0]?.family !== state.family) buildViews();
}

function clearBoard() {
  if (!isEdited(state.family)) takeFamily(allFamilies().find(isEdited).task);
  setQuestion(emptyPuzzle(state.family));
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
  options($("gallery"), [["", "Choose"], ...named.map(([name, puzzle]) => [puzzle, name])]);
  $("gallery-field").hidden = !named.length;
  $("size-fields").hidden = !state.family.sizes;
  for (const id of ["rows", "columns"]) $(id).max = state.family.sizes?.most ?? "";
  showSize();
  const isArc = state.family.kind === "arc";
  showArc(isArc);
  $("own-task").hidden = !state.family.learns;
  $("arc-note").hidden = !isArc || Boolean(state.family.learns);
  for (const id of ["text-field", "clear", "seed-field"]) $(id).hidden = isArc;
  $("dare").hidden = !(state.family.kind in DARES);
  $("dare").textContent = DARES[state.family.kind] ?? "";
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
  if (isArc) setMayThink(false); // until a task is there
  $("pad").replaceChildren(...pad(state.family, (token) => state.views[0].board.put(token)));
  fillSecond("");
}

/** Shows or hides what is for ARC tasks alone. */
function showArc(isArc) {
  for (const id of ["arc-fields", "arc-task-shown"]) $(id).hidden = !isArc;
}

/** What depends on the size: its fields, which new puzzles there are, and the room for text. */
function showSize() {
  for (const id of ["rows", "columns"]) $(id).value = state.family[id];
  $("text").rows = state.family.kind === "maze" ? Math.min(state.family.rows, 12) : 3;
  $("difficulties").hidden = !state.family.difficulties.length;
  $("difficulties").replaceChildren($("difficulties").firstElementChild, ...state.family.difficulties.map((difficulty) => button(difficulty, () => newPuzzle(difficulty))));
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

/**
 * Lists the tasks that the ARC model knows and takes the one that is wanted, written as in links, else the first.
 * False where none is shown, or where the visitor has chosen something else meanwhile.
 */
async function listTasks(wanted) {
  const turn = newTurn();
  const [, name, number] = wanted.match(/^(.*)\/(.*)$/) ?? ["", "", ""];
  const isShown = () => state.recorded && state.arc?.isFilm && state.arc.task.name === name;
  if (!isShown()) setMayThink(false);
  try {
    const [tasks, film] = await Promise.all([client.arcTasks({ model: $("model").value }), opening($("family").value)]);
    if (turn.isOver()) return false;
    const trained = (task) => (task.role === "train" ? " (its answer was trained on)" : "");
    const own = [...learned].filter(([, { of }]) => of === $("model").value).map(([model, { lesson }]) => [model, `${lesson.name} (you taught it)`]);
    const offered = [...(film ? [[film.task.name, FILM]] : []), ...tasks.map((task) => [task.name, `${task.name}${trained(task)}`]), ...own];
    options($("arc-task"), offered);
    $("arc-fields").hidden = !offered.length;
    const isKnown = offered.some(([value]) => value === name);
    if (isKnown) $("arc-task").value = name;
    if (isShown()) {
      adopt();
      return true;
    }
    if (state.learning) return false; // the visitor has begun to teach it something
    if (!offered.length) {
      awaitTask();
      return false;
    }
    if (!(await takeTask(Number(number), turn))) return false;
    if (wanted && !isKnown) say(`This link asks for the task “${name}”, which the model does not know. Another is shown.`);
    return true;
  } catch (error) {
    if (!turn.isOver()) say(trouble(error));
    return false;
  }
}

/** Waits for a task of one's own, where the model knows none that could be shown. */
function awaitTask() {
  state.arc = null;
  $("own-task").open = true;
  $("arc-task-shown").replaceChildren();
  setQuestion(emptyPuzzle(state.family));
  $("invite").textContent = state.invite = "Give it a task, above.";
}

/** Shows the chosen ARC task and one of its test inputs; false where it came too late. */
async function takeTask(wanted = 1, turn = newTurn()) {
  stop();
  setMayThink(false);
  const value = $("arc-task").value;
  const film = await opening($("family").value);
  if (turn.isOver()) return false;
  if (film?.task.name === value) {
    play(film);
    return true;
  }
  const lesson = learned.get(value)?.lesson;
  const task = lesson ?? await client.arcTask({ model: $("model").value, name: value }).catch((error) => {
    if (!turn.isOver()) throw error;
  });
  if (turn.isOver()) return false;
  const family = lesson?.family ?? state.models.find((m) => m.name === $("model").value).tasks.find((t) => t.task === $("family").value);
  if (family !== state.family || state.arc?.isFilm) {
    state.family = family;
    buildViews(lesson && [lesson.model]);
  }
  options($("arc-test"), task.tests.map((_, i) => [i + 1, `${i + 1} of ${task.tests.length}`]));
  const number = wanted >= 1 && wanted <= task.tests.length ? wanted : 1;
  $("arc-test").value = number;
  state.arc = { task, number };
  showTask($("arc-task-shown"), task, number);
  showColours($("arc-task-shown"));
  setQuestion(placeGrid(task.tests[number - 1].input, state.family));
  return true;
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
  lead(model, state.family);
  $("about").textContent = aboutModel(model, state.family);
}

function buildViews(names = [$("model").value, $("second").value].filter(Boolean)) {
  state.recorded = false;
  state.views = names.map((name) => new View(name, state.family, names.length > 1 ? name : ""));
  placeViews();
}

/** Puts the views' parts in their places: those of one model beside the board, those of two below each. */
function placeViews() {
  const { views } = state;
  const isSingle = views.length === 1;
  $("stage").hidden = false;
  $("stage").classList.toggle("single", isSingle);
  $("boards").replaceChildren(...views.map((view) => view.element));
  $("inks").replaceChildren(views[0].inks);
  $("told").replaceChildren(...(isSingle ? [views[0].gauge] : []));
  $("verdict").replaceChildren(...(isSingle ? [views[0].verdict] : []));
  $("sure").replaceChildren(...(isSingle ? [views[0].howSure] : []));
  if (!isSingle) for (const view of views) view.element.append(view.verdict, view.gauge);
  $("attempts").replaceChildren(...views.map((view) => view.attempts.element));
  $("votes").replaceChildren(...views.map((view) => view.votes));
  for (const view of views) {
    view.board.addEventListener("edit", ({ detail }) => edit(detail.cell, detail.token));
    view.board.addEventListener("select", ({ detail }) => tellCell(view, detail));
    view.board.addEventListener("point", ({ detail }) => tellCell(view, detail < 0 ? view.chosen : detail, false));
    view.chart.addEventListener("scrub", ({ detail }) => player.step(detail));
    view.addEventListener("choose", () => player.show(view.path.length, true));
  }
}

/** Tells of a cell what it considered; a cell that was chosen stays until another is. */
function tellCell(view, cell, isChosen = true) {
  if (isChosen) view.chosen = cell;
  state.told = { view, cell: cell ?? -1 };
  cellTold.show(view, state.told.cell, player.index, player.isPlaying ? null : { task: state.family.task, puzzle: puzzleText() });
  $("point-hint").hidden ||= !$("cell").hidden;
}

async function newPuzzle(difficulty) {
  if (!difficulty) return;
  const turn = newTurn();
  try {
    const text = await client.puzzle({ model: $("model").value, task: state.family.task, difficulty });
    if (turn.isOver()) return;
    setQuestion(readPuzzle(text, state.family).tokens);
  } catch (error) {
    if (!turn.isOver()) say(trouble(error));
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

/** A puzzle that may beat it: one clue fewer, so that several answers may be right, or a maze of one's own. */
function dare() {
  if (state.family.kind === "maze") {
    setQuestion(emptyPuzzle(state.family));
    $("invite").textContent = "Draw walls. It learned from mazes drawn at random, so long winding corridors are hard for it.";
    return;
  }
  const clues = state.question.flatMap((token, cell) => (token > state.family.blank ? [cell] : []));
  if (clues.length) edit(clues[Math.floor(Math.random() * clues.length)], state.family.blank);
}

/** A new question: thinking so far is forgotten, contradictions are told; what was asked for before comes too late. */
function setQuestion(question, fromText = false) {
  newTurn();
  showQuestion(question, fromText);
}

function showQuestion(question, fromText = false) {
  stop();
  const known = state.arc?.task.tests[state.arc.number - 1].output;
  const { problem, mayThink, isEmpty, isOpen, solution } = looked(question, state.family, known);
  const invite = problem ? "" : isEmpty ? EMPTY : INVITES[state.family.kind] ?? "";
  const isThere = state.family.kind !== "arc" || Boolean(state.arc);
  Object.assign(state, { question, invite, isOpen, recorded: false, told: null });
  const isFilm = Boolean(state.arc?.isFilm);
  player.moment = isFilm ? "Answer" : "Look";
  $("film-note").hidden = !isFilm;
  $("stage").classList.toggle("film", isFilm);
  cellTold.hide();
  $("problem").textContent = problem;
  tellOfText(fromText ? problem : "");
  setMayThink(mayThink && isThere && state.models.length > 0);
  if (!fromText) $("text").value = shownText(question, state.family);
  for (const view of state.views) view.reset(question, solution, { known, isOpen });
  say("");
  const text = writePuzzle(question, state.family);
  for (const chip of $("chips").children) chip.setAttribute("aria-pressed", String(chip.dataset.puzzle === text));
  $("gallery").value = [...$("gallery").options].some(({ value }) => value === text) ? text : ""; // so that it can be chosen again
  $("dare").disabled = isEmpty && state.family.kind !== "maze"; // there is no clue to take
  player.show(0);
}

/** What is wrong with the text, beside it: on a phone the grid is out of sight there. */
function tellOfText(problem) {
  $("text-problem").textContent = problem;
  $("text").setAttribute("aria-invalid", String(Boolean(problem)));
}

/** The puzzle as the server and links take it: of ARC the task and which of its test inputs. */
function puzzleText() {
  return state.arc ? `${state.arc.task.name}/${state.arc.number}` : writePuzzle(state.question, state.family);
}

// Thinking

/** What is asked of a model. */
function body() {
  const restarts = maySearch() && !state.isOpen ? Number($("restarts").value) : 0;
  return {
    task: state.family.task, puzzle: puzzleText(), steps: Number($("depth").value),
    ...(state.family.kind === "maze" && { changes: true }),
    ...(state.isOpen && { check: false }),
    ...(restarts && !state.arc && { restarts, search_steps: RESTART_STEPS, seed: seed(), ...(state.family.has_rules && { verify: true }) }),
  };
}

async function think(follow = true) {
  stop();
  const controller = new AbortController();
  Object.assign(state, { thinking: controller, recorded: false });
  for (const view of state.views) view.reset(state.question, view.solution, { known: view.known, isOpen: state.isOpen });
  player.show(0);
  if (follow) player.play();
  showThink();
  say("Thinking…");
  try {
    await Promise.all(state.views.map((view) => run(view, controller)));
    if (state.thinking === controller) say("");
  } catch (error) {
    if (error.name !== "AbortError" && state.thinking === controller) say(trouble(error));
    if (state.thinking === controller) controller.abort();
  }
  if (state.thinking === controller) {
    state.thinking = null;
    player.refresh();
    showThink();
  }
}

/** Lets one model think, and vote where it is one of ARC. */
async function run(view, controller) {
  const isOld = () => state.thinking !== controller;
  for await (const event of client.think({ ...body(), model: view.model }, controller.signal)) {
    if (isOld()) return;
    if (event.type === "loading") say(loading(event));
    else if (!view.frames.size && player.isPlaying) say("");
    view.take(event);
    player.refresh();
  }
  if (!state.arc) return;
  const views = Number($("restarts").value);
  say("Voting…");
  for await (const event of client.vote({ ...body(), model: view.model, views }, controller.signal)) {
    if (isOld()) return;
    if (event.type === "end") view.takeVotes(event);
    else say(`Voting, ${some(event.of / Number($("depth").value), "view", "views")}: ${10 * Math.floor((10 * event.done) / event.of)}% done`);
  }
}

/** Lets the model learn a task of one's own, or that of the film, then think about it. */
async function learn(task, whose = "your") {
  stop();
  const controller = new AbortController();
  const tell = $("own-task").open ? tellOfTask : say;
  Object.assign(state, { thinking: controller, learning: true });
  showThink();
  say(`Learning ${whose} task…`);
  tellLearned(0);
  const of = $("model").value;
  try {
    for await (const event of client.learn({ model: of, task }, controller.signal)) {
      if (state.thinking !== controller) return;
      if (event.type === "progress") {
        say(`Learning ${whose} task: ${Math.floor((100 * event.done) / event.of)}% done.`);
        tellLearned(event.done / event.of);
      }
      if (event.type !== "end") continue;
      learned.set(event.model, { lesson: event, of });
      $("own-task").open = state.learning = false;
      if (await listTasks(`${event.model}/1`)) await think();
      return;
    }
  } catch (error) {
    if (state.thinking !== controller) return;
    stop();
    say("");
    if (error.name !== "AbortError") tell(trouble(error));
  }
}

function stop() {
  tellLearned(null);
  state.thinking?.abort();
  Object.assign(state, { thinking: null, learning: false });
  player.pause();
  showThink();
}

/** It can be stopped while it thinks, and while the film of that plays. */
const isBusy = () => Boolean(state.thinking) || (player.isPlaying && !state.recorded);

function showThink() {
  const isBusyNow = isBusy();
  $("think").textContent = isBusyNow ? "Stop" : state.arc?.isFilm ? "Learn it" : "Think";
  $("think").classList.toggle("busy", isBusyNow);
  $("think").disabled = !isBusyNow && !state.mayThink;
}

/** Says whether there is something to think about, and something that thinks. */
function setMayThink(may) {
  state.mayThink = may;
  showThink();
}

function thinkOrStop() {
  if ($("think").disabled) return;
  if (!isBusy()) return state.arc?.isFilm ? learn(lessonOf(state.arc.task), "this") : think();
  stop();
  say("Stopped.");
}

// Moments

function showMoment(index, aloud) {
  for (const view of state.views) view.show(index, length());
  const isWaiting = !index && !state.thinking;
  $("invite").textContent = isWaiting ? state.invite : "";
  $("race").textContent = state.views.length > 1 ? race(state.views, index) : "";
  $("pad").hidden = !isEdited(state.family) || length() > 0 || Boolean(state.thinking);
  if (state.told) tellCell(state.told.view, state.told.cell, false);
  $("point-hint").hidden = state.family.kind === "arc" || !index || !$("cell").hidden;
  if (aloud) $("spoken").textContent = `${player.position}. ${state.views.map((v) => `${v.text} ${v.sure.textContent && `${v.sure.textContent} sure.`}`).join(" ")}`;
}

// Messages and links

function say(text) {
  if ($("status").textContent !== text) $("status").textContent = text; // the same once more would be read out again
}

async function share() {
  if (learned.has($("arc-task").value) && state.arc) return say("A task that you taught it is here alone, and has no link.");
  const fields = { t: state.family.task, m: $("model").value, d: $("depth").value, r: $("restarts").value, p: puzzleText() };
  if (!state.arc && Number($("restarts").value)) fields.e = seed();
  if ($("second").value) fields.b = $("second").value;
  if (length()) Object.assign(fields, { s: player.index, a: state.views[0].attempt });
  history.replaceState(null, "", `#${new URLSearchParams(fields)}`);
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

for (const event of ["play", "pause"]) player.addEventListener(event, showThink);
player.addEventListener("pause", () => {
  if (state.recorded && !state.thinking) say(recordedText());
  if (state.views.includes(state.told?.view)) tellCell(state.told.view, state.told.cell, false);
});
for (const event of ["pointerdown", "keydown"]) document.addEventListener(event, takeOver, true);
bindKeys({ toggle: () => player.toggle(), step: (by) => player.step(player.index + by), think: thinkOrStop, isThere: () => length() > 0 });
$("think").addEventListener("click", thinkOrStop);
$("clear").addEventListener("click", clearBoard);
$("dare").addEventListener("click", dare);
$("share").addEventListener("click", share);
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // an address is read as a puzzle, and the visitor's would be lost
  $("boards").querySelector(".cell[tabindex='0']")?.focus();
});
$("how").addEventListener("click", () => $("how-told").showModal());
$("how-close").addEventListener("click", () => $("how-told").close());
$("family").addEventListener("change", async () => {
  stop();
  chooseFamily();
  await firstPuzzle();
});
$("gallery").addEventListener("change", () => {
  if (!$("gallery").value) return;
  takeFamily($("family").value);
  setQuestion(readPuzzle($("gallery").value, state.family).tokens);
});
for (const id of ["model", "second"]) {
  $(id).addEventListener("change", () => {
    if (id === "model") fillSecond($("second").value);
    buildViews();
    if (state.family.kind === "arc" && (id === "model" || !state.arc)) listTasks(state.arc ? puzzleText() : "");
    else if (state.question.length === state.family.rows * state.family.columns) showQuestion(state.question); // a new one may come
  });
}
bindOwnTask(learn);
$("arc-task").addEventListener("change", () => takeTask().catch((error) => say(trouble(error))));
$("arc-test").addEventListener("change", () => takeTask(Number($("arc-test").value)).catch((error) => say(trouble(error))));
for (const id of ["rows", "columns"]) $(id).addEventListener("change", resize);
$("text").addEventListener("input", () => {
  newTurn();
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
$("token").addEventListener("submit", (event) => {
  event.preventDefault();
  client.useToken($("token-value").value);
  start();
});
window.addEventListener("hashchange", openLink);

showSliders();
start();
