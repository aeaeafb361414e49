"""Solvers: update rules, learning-rate policies, snapshots, and the loop that uses them."""

from owlkit.solvers.solver import DivergedError, Solver

__all__ = ["DivergedError", "Solver"]
