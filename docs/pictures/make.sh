#!/bin/sh
# Makes docs/film.svg and the pictures of docs/how-it-thinks.md; run it in the repository's folder.
set -eu
inkala=8..........36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4..
nugget=.......39.....1..5..3.5.8....8.9...6.7...2...1..4.......9.8..5..2....6..4..7.....
film="${PONDERLING:-ponderling} film sudoku"

$film $inkala docs/film.svg
for frame in 0 1 5 7 8; do $film $inkala docs/pictures/inkala-$frame.svg --still $frame; done
for frame in 32 33 39; do
    $film $nugget docs/pictures/golden-nugget-$frame.svg --still $frame --steps 4 --restarts 150 --search-steps 6
done
