"""Your own grids: a family defined by a file of examples."""
