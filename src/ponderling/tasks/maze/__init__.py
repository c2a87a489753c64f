"""Mazes: shortest paths from S to G."""
