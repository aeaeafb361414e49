"""What is in an LMDB set of Datum."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from owlkit.inspection.report import Report
from owlkit.io.datum import datum_to_array, parse_datum
from owlkit.io.records import Records, label_histogram

MANY = 100  # labels: of more, the most frequent are shown
BAR = 40  # characters


def inspect_set(path: str | Path, on_record: Callable[[int], None] = lambda total: None) -> Report:
    """Records, shape of the first, records per label; reads the whole set.

    on_record : called with the number of all records after each that was read.
    Raises DataError where it is no LMDB set of Datum.
    """
    records = Records(path)
    key, value = records.first()
    datum = parse_datum(value, key)
    image = datum_to_array(datum, key)
    kind = "encoded" if datum.encoded else f"raw {image.dtype}"
    histogram = label_histogram(records, on_record)
    widest = max(histogram.values())
    lines = [f"{len(histogram)} labels"]
    shown = dict(histogram.most_common(MANY))
    for label, count in sorted(shown.items()):
        lines.append(f"  {label:6} {count:9,} {'#' * round(BAR * count / widest)}".rstrip())
    if len(histogram) > MANY:
        lines.append(f"  and {len(histogram) - MANY} labels that are less frequent")
    return Report(
        f"{path}: {len(records):,} records, the first is (C, H, W) = {image.shape}, {kind}",
        remarks=lines,
        content={
            "kind": "LMDB set",
            "records": len(records),
            "shape": list(image.shape),
            "encoded": bool(datum.encoded),
            "labels": {str(label): count for label, count in sorted(histogram.items())},
        },
    )
