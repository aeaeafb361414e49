"""LSTMUnit: one time step of an LSTM, after the products with its weights."""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.core.device import Device
from owlkit.kernels import lstm_unit
from owlkit.layers.base import Arity, Blobs, Layer, register


@register("LSTMUnit")
class LSTMUnit(Layer):
    """One step of an LSTM, from the gates' inputs to the state and the output.

    bottom 0 : c_prev, (1, N, D).
    bottom 1 : x, (1, N, 4 D), in the order i, f, o, g.
    bottom 2 : cont, (1, N), 0 where a sequence begins, else 1.
    top 0 : c, (1, N, D).
    top 1 : h, (1, N, D).
    Formula: c = cont f c_prev + i g, h = o tanh(c); i, f, o are sigmoids of their parts of x, g = tanh(x_g)
    Gradient: with e = dc + dh o (1 - tanh(c)^2): dc_prev = e cont f; dx_i = e g i (1 - i), dx_f = e c_prev f
        (1 - f), 0 where cont is 0; dx_o = dh tanh(c) o (1 - o); dx_g = e i (1 - g^2). None to cont.
    Parameters: none.
    Source: Hochreiter and Schmidhuber, Long short-term memory, 1997; the form of Zaremba and Sutskever,
        Learning to execute, 2014; Caffe's LSTMUnitLayer.
    """

    bottoms = Arity.exactly(3)
    tops = Arity.exactly(2)
    no_gradient = (2,)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        c_prev, x, cont = bottom
        if c_prev.ndim != 3 or c_prev.shape[0] != 1:
            raise self.error("c_prev must be (1, N, D); give one time step", c_prev)
        streams, units = c_prev.shape[1:]
        for blob, shape in ((x, (1, streams, 4 * units)), (cont, (1, streams))):
            if blob.shape != shape:
                raise self.error(f"must be {shape} with c_prev {c_prev.shape}; reshape it", blob)
        for y in top:
            y.reshape(c_prev.shape)

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        _, streams, units = bottom[0].shape
        self.kernel = lstm_unit.make(device, lstm_unit.LSTMUnit(streams, units, bottom[0].dtype))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.kernel.forward(*(blob.data_tensor for blob in (*bottom, *top)))

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        given = bottom[0].data_tensor, *(blob.diff_tensor for blob in top)
        wanted = zip(propagate_down[:2], bottom[:2], strict=True)
        self.kernel.backward(*given, *(blob.diff_tensor if want else None for want, blob in wanted))
