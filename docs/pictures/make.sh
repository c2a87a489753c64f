#!/bin/sh
# Makes docs/film.svg and the pictures of docs/how-it-thinks.md; run it in the repository's folder.
set -eu
inkala=8..........36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4..
escargot=1....7.9..3..2...8..96..5....53..9...1..8...26....4...3......1..4......7..7...3..
film="${PONDERLING:-ponderling} film sudoku"

$film $inkala docs/film.svg
for step in 0 1 3 4; do $film $inkala docs/pictures/inkala-$step.svg --still $step; done
for step in 16 17 19; do $film $escargot docs/pictures/escargot-$step.svg --still $step --restarts 150; done
