"""Pictures: films of thinking, plots, grids in a terminal."""
