"""What `memory="reuse"` saves: bytes of the blobs that share memory, placed and each on its own.

    python benchmarks/reuse.py [--store]

Nets of the zoo without backward, as they are deployed. Counted, not timed: the same on every machine.
"""

from __future__ import annotations

import argparse
from typing import Any

from report import store

NETS = {"caffenet": 32, "googlenet": 16, "resnet": 8}


def measure(name: str, batch: int) -> dict[str, Any]:
    """Bytes of one net after a pass."""
    from owlkit import Net, zoo

    net = Net(getattr(zoo, name)(form="deploy", batch_size=batch), memory="reuse", backward=False)
    net.forward()
    assert net.reuse is not None
    return {"batch": batch, "shared": net.reuse.total, "apart": net.reuse.total + net.reuse.saved}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--store", action="store_true", help="write benchmarks/results/reuse.json")
    args = parser.parse_args()
    found = {name: measure(name, batch) for name, batch in NETS.items()}
    for name, row in found.items():
        print(
            f"{name}, batch {row['batch']}: {row['shared'] / 1e6:.0f} MB instead of {row['apart'] / 1e6:.0f}"
        )
    if args.store:
        print(store("reuse", {"bytes": found}))


if __name__ == "__main__":
    main()
