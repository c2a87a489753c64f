"""What a cell of a maze holds, as tokens; those of Maze-Hard as the official repositories build it, where 0 is padding."""

WALL, FREE, START, GOAL, PATH = 1, 2, 3, 4, 5
