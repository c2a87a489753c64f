// The table of cases that Python and the page share, for the page's modules: `node --test tests/cases/`.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { load } from "./page_modules.mjs";

const table = JSON.parse(readFileSync(new URL("shared_logic.json", import.meta.url), "utf8"));
const { broken, judge, readPuzzle, writePuzzle } = await load("rules.js");
const { placeGrid, readGrid } = await load("arc.js");
const { count, crop, show, undo, writeGrid } = await load("views.js");
const sorted = (cells) => [...cells].sort((a, b) => a - b);

const looks = {
  read({ family, text, tokens, written }) {
    const found = readPuzzle(text, table.families[family]);
    assert.deepEqual(found.tokens, tokens);
    assert.equal(Boolean(found.problem), tokens === null);
    if (tokens) assert.equal(writePuzzle(tokens, table.families[family]), written);
  },
  judge({ family, question, answer, valid, wrong, note }) {
    const found = judge(question, answer, table.families[family]);
    assert.equal(found.valid, valid);
    assert.equal(found.reasons.length === 0, valid);
    assert.deepEqual(sorted(found.wrong), wrong);
    assert.equal(found.note, note);
  },
  broken({ family, tokens, cells, reasons }) {
    const found = broken(tokens, table.families[family]);
    assert.deepEqual(sorted(found.cells), cells);
    const short = reasons.map((reason) => reason.replace(/ \([^)]*\)$/, "")); // the page shows where, and does not say it
    assert.deepEqual([...found.reasons].sort(), short.sort());
  },
  views({ grid, symmetry, colours, shown }) {
    const digits = [...colours].map(Number);
    const seen = show(readGrid(grid), symmetry, digits);
    assert.equal(writeGrid(seen), shown);
    assert.equal(writeGrid(undo(seen, symmetry, digits)), grid);
  },
  canvas({ rows, columns, placed, tokens, cropped }) {
    if (placed !== null) assert.deepEqual(placeGrid(placed, { rows, columns }), tokens);
    assert.equal(writeGrid(crop(tokens, { rows, columns })), cropped);
  },
  votes({ answers, ranked }) {
    const found = count(answers.map(([grid, score]) => ({ grid, score })));
    assert.deepEqual(found.map(({ grid, votes, score }) => [grid, votes, Number(score.toFixed(6))]), ranked);
  },
};

for (const [kind, look] of Object.entries(looks)) {
  for (const [number, entry] of table[kind].entries()) test(`${kind} ${number + 1}: ${JSON.stringify(entry).slice(0, 80)}`, () => look(entry));
}
