"""Sudoku: rules and symmetries (`family.py`), jigsaws, search, ratings, and the hunts for hard puzzles."""
