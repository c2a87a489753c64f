#!/bin/sh
# Makes docs/film.svg and the pictures of docs/how-it-thinks.md; run it in the repository's folder.
set -eu
inkala=8..........36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4..
nugget=.......39.....1..5..3.5.8....8.9...6.7...2...1..4.......9.8..5..2....6..4..7.....
film="${PONDERLING:-ponderling} film sudoku"

$film $inkala docs/film.svg
for step in 0 1 3 4; do $film $inkala docs/pictures/inkala-$step.svg --still $step; done
for step in 16 17 18; do $film $nugget docs/pictures/golden-nugget-$step.svg --still $step --restarts 150; done
