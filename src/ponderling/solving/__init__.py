"""Solving and scoring: one loop of thinking slots, search as a policy on it, the `Solver`, evaluation and votes."""
