"""Trained nets for other programs: ONNX, and safetensors with the weights alone."""

from owlkit.export.files import export_onnx, export_safetensors

__all__ = ["export_onnx", "export_safetensors"]
