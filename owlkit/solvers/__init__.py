"""Solvers: update rules, learning-rate policies, snapshots, and the loop that uses them."""

from owlkit.solvers.divergence import DivergedError
from owlkit.solvers.solver import Solver

__all__ = ["DivergedError", "Solver"]
