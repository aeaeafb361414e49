"""ONNX models run by onnxruntime, beside the nets that they were made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from owlkit.export.files import to_onnx
from owlkit.net import Net


def session(net: Net, **options: Any) -> Any:
    """An onnxruntime session of a net, after onnx's own checks."""
    import onnx
    import onnxruntime

    model = to_onnx(net, **options)
    onnx.checker.check_model(model, full_check=True)
    choices = onnxruntime.SessionOptions()
    choices.intra_op_num_threads = 1
    choices.log_severity_level = 3  # it remarks on initializers that nothing reads
    return onnxruntime.InferenceSession(
        model.SerializeToString(), choices, providers=["CPUExecutionProvider"]
    )


def run(net: Net, inputs: dict[str, np.ndarray], **options: Any) -> dict[str, np.ndarray]:
    """Outputs by name."""
    runner = session(net, **options)
    return run_session(runner, inputs)


def run_session(runner: Any, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    names = [output.name for output in runner.get_outputs()]
    wanted = {value.name for value in runner.get_inputs()}
    fed = {name: np.ascontiguousarray(array) for name, array in inputs.items() if name in wanted}
    return dict(zip(names, runner.run(names, fed), strict=True))
