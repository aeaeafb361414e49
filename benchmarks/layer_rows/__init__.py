"""The rows of the layer benchmark, by kind.

Where PyTorch returns a view with gaps, the peer makes it contiguous, as the top of a Caffe layer is.
"""

from layer_rows.elementwise import ELEMENTWISE
from layer_rows.filters import FILTERS
from layer_rows.losses import LOSSES
from layer_rows.planes import NORMS, POOLS
from layer_rows.shapes import SHAPES

CASES = [*FILTERS, *POOLS, *NORMS, *ELEMENTWISE, *LOSSES, *SHAPES]
