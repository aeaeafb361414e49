"""RNN and LSTM: recurrent layers over whole sequences."""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import activation, inner_product
from owlkit.layers.base import Arity, Blobs, register
from owlkit.layers.recurrence import Recurrence


@register("LSTM")
class LSTM(Recurrence):
    """Long short-term memory over sequences.

    bottom 0 : x, (T, N, ...): T time steps of N independent streams.
    bottom 1 : cont, (T, N), 0 where a sequence begins, else 1.
    bottom 2 (optional) : s, (N, ...), an input that is the same at every step.
    bottom -2, -1 (with expose_hidden) : h_0 and c_0, the last two, (1, N, H). Otherwise the state after the
        previous forward (zeros at first) goes on where cont[0] = 1.
    top 0 : h, (T, N, H).
    top 1, 2 (with expose_hidden) : h_T and c_T, (1, N, H), as Caffe orders them.
    blobs : w_x, (4 H, D); b, (4 H,); with s, w_s, (4 H, D_s); w_h, (4 H, H).
    Formula: z[t] = w_x x[t] + b + w_s s + w_h (cont[t] h[t-1]); c[t] = cont[t] f c[t-1] + i g; h[t] = o
        tanh(c[t]); i, f, o = sigmoid of the first three quarters of z[t], g = tanh of the last
    Gradient: through time from step T - 1 to 0; dw_x = dz^T x, dw_h = dz^T (cont h[t-1]), db = sum of dz, dx
        = dz w_x. It ends there, as in Caffe: the gradient of h_0 and c_0 is 0 (Caffe leaves it unwritten),
        that of h_T and c_T is ignored. None to cont.
    Parameters (recurrent_param):
        num_output : H, required.
        weight_filler : of w_x, w_s and w_h; zeros where none is given.
        bias_filler : of b; zeros where none is given.
        expose_hidden : the first state comes in by bottoms, the last goes out by tops.
        debug_info : logs the mean of |h| of every step.
    Source: Hochreiter and Schmidhuber, Long short-term memory, 1997; Donahue et al., Long-term recurrent
        convolutional networks, CVPR 2015; Caffe's LSTMLayer.
    """

    bottoms = Arity(2, 5)
    tops = Arity(1, 3)
    cell, gates, states = "lstm", 4, 2

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.advance(bottom, top[0].data_tensor, top[1:])

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        accumulate = self.wants_params and self.begin_accumulate()
        self.retreat(top[0].diff_tensor, propagate_down, bottom, accumulate)


@register("RNN")
class RNN(Recurrence):
    """A simple recurrent network over sequences.

    bottom 0 : x, (T, N, ...): T time steps of N independent streams.
    bottom 1 : cont, (T, N), 0 where a sequence begins, else 1.
    bottom 2 (optional) : s, (N, ...), an input that is the same at every step.
    bottom -1 (with expose_hidden) : h_0, the last one, (1, N, H). Otherwise h after the previous forward
        (zeros at first) goes on where cont[0] = 1.
    top 0 : o, (T, N, H).
    top 1 (with expose_hidden) : h_T, (1, N, H).
    blobs : w_x, (H, D); b, (H,); with s, w_s, (H, D_s); w_h, (H, H); w_o, (H, H); b_o, (H,).
    Formula: h[t] = tanh(w_x x[t] + b + w_s s + w_h (cont[t] h[t-1])); o[t] = tanh(w_o h[t] + b_o)
    Gradient: dh[t] = w_o^T (do[t] (1 - o[t]^2)) + cont[t+1] w_h^T dz[t+1], dz = dh (1 - h^2), from step T - 1
        to 0; those of the weights are products over all steps. It ends there, as in Caffe: the gradient of
        h_0 is 0 (Caffe leaves it unwritten), that of h_T is ignored. None to cont.
    Parameters (recurrent_param):
        num_output : H, required.
        weight_filler : of all w; zeros where none is given.
        bias_filler : of b and b_o; zeros where none is given.
        expose_hidden : the first state comes in by a bottom, the last goes out by a top.
        debug_info : logs the mean of |h| of every step.
    Source: Elman, Finding structure in time, 1990; Caffe's RNNLayer.
    """

    bottoms = Arity(2, 4)
    tops = Arity(1, 2)
    cell, gates, states = "tanh", 1, 1

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        p = self.param.recurrent_param
        self.add_param((self.units, self.units), p.weight_filler)
        self.add_param((self.units,), p.bias_filler)

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        super().prepare(device, bottom, top)
        o, rows = top[0].descriptor, bottom[1].count
        self._h, self._dh, self._do = (Tensor(Descriptor(o.shape, o.dtype)) for _ in range(3))
        spec = inner_product.InnerProduct(o, o, rows, self.units, self.units, train=self.wants_params)
        self._over_outputs = inner_product.make(device, spec)
        self._tanh = activation.make(device, activation.Activation("tanh", o))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        o, (w, b) = top[0].data_tensor, self.working[-2:]
        self.advance(bottom, self._h, top[1:])
        self._over_outputs.forward(self._h, w.data_tensor, b.data_tensor, o)
        self._tanh.forward(o, o)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        accumulate = self.wants_params and self.begin_accumulate()
        self._tanh.backward(top[0].data_tensor, top[0].diff_tensor, self._do)
        if self.wants_params:
            dw, db = (self.gradient(len(self.blobs) - k) for k in (2, 1))
            self._over_outputs.backward_params(self._h, self._do, dw, db, accumulate)
        self._over_outputs.backward_data(self._do, self.working[-2].data_tensor, self._dh)
        self.retreat(self._dh, propagate_down, bottom, accumulate)

    def macs(self, bottom: Blobs, top: Blobs) -> int:
        return super().macs(bottom, top) + bottom[1].count * self.units**2
