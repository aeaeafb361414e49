"""Nets: from a definition to a graph with shapes, a plan on a device, and a net that runs."""

from owlkit.net.graph import Graph
from owlkit.net.net import Net
from owlkit.net.plan import Plan
from owlkit.net.weights import LoadReport

__all__ = ["Graph", "LoadReport", "Net", "Plan"]
