"""cuDNN: graphs of one operation, which of its plans computes them, and where plans are kept.

The front end and the handle come from the driver (`owlkit.core.gpu.driver.Cudnn`); nothing here imports it.
"""

from owlkit.kernels.cudnn.plans import Plan, make_plan
from owlkit.kernels.cudnn.problem import B, Problem, W, X, Y

__all__ = ["B", "Plan", "Problem", "W", "X", "Y", "make_plan"]
