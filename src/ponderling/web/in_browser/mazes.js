// Random mazes of every size, where no server draws them.

import { distancesFrom } from "./rules.js";

const WALLS = [0.3, 0.45]; // least and greatest share of walls
const FAR = 0.6; // S is at least this share of the greatest distance away from G

/** A maze with a way from S to G, as tokens: walls at random, and fewer of them where they leave no room. */
export function randomMaze(family, random = Math.random) {
  const { rows, columns, blank, characters } = family;
  const [wall, start, goal] = ["#", "S", "G"].map((character) => characters.indexOf(character));
  let share = WALLS[0] + (WALLS[1] - WALLS[0]) * random();
  for (;;) {
    const tokens = Array.from({ length: rows * columns }, () => (random() < share ? wall : blank));
    share *= 0.95;
    const from = Math.floor(random() * tokens.length);
    tokens[from] = goal;
    const distances = [...distancesFrom(from, family, (cell) => tokens[cell] !== wall)];
    const farthest = distances.at(-1)[1];
    const free = tokens.filter((token) => token !== wall).length;
    if (farthest < Math.max(1, (rows + columns) / 3) || 2 * distances.length < free) continue; // a closed pocket
    const far = distances.filter(([, steps]) => steps >= Math.max(1, FAR * farthest));
    tokens[far[Math.floor(random() * far.length)][0]] = start;
    return tokens;
  }
}
