"""The update rules by their names in solver files."""

from __future__ import annotations

from typing import Any

from owlkit.core.errors import TrainingError, closest
from owlkit.solvers.adadelta import AdaDelta
from owlkit.solvers.adagrad import AdaGrad
from owlkit.solvers.adam import Adam
from owlkit.solvers.nesterov import Nesterov
from owlkit.solvers.rmsprop import RMSProp
from owlkit.solvers.rule import UpdateRule, check_regularization
from owlkit.solvers.sgd import SGD

RULES: dict[str, type[UpdateRule]] = {
    rule.name: rule for rule in (SGD, Nesterov, AdaGrad, RMSProp, AdaDelta, Adam)
}


def rule_class(name: str) -> type[UpdateRule]:
    """The rule of a solver's `type`; TrainingError with the closest name where there is none."""
    if name not in RULES:
        known = ", ".join(RULES)
        raise TrainingError(f"unknown solver type {name!r}{closest(name, RULES)}; the types are {known}")
    return RULES[name]


def make_rule(param: Any, net: Any) -> UpdateRule:
    """The update rule of a SolverParameter, bound to the parameters of a net."""
    check_regularization(param)
    return rule_class(param.type)(param, net)
