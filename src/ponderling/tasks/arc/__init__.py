"""ARC: tasks, canvas, views, rows of the puzzle embedding, votes."""
