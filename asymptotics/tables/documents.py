"""Results as JSON and CSV."""

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

from ..outcomes import Status
from .grid_result import GridResult

#: Version of the JSON document; it changes when a reader of the old one would fail.
DOCUMENT_VERSION = 1
#: How a JSON document starts and ends, by which a file of ours is known.
JSON_START, JSON_END = f'{{\n "version": {DOCUMENT_VERSION},\n "spec": ', "]\n}\n"
#: What pictures and pages say that they were made by.
CREATOR = "asymptotics"
_INFINITE = (float("inf"), float("-inf"), "inf", "-inf")


def to_json(result: GridResult, spec: Mapping[str, Any]) -> str:
    """The document ``{version, spec, rows}``.

    JSON has no infinity and no NaN: both are null.  Two keys of every row tell an infinite value
    from one that does not exist: ``diverges``, whether the risk is infinite (for networks: whether
    training diverged in some run), and ``infinite``, the keys whose null stands for an infinite
    value.  Values of many digits are strings.
    """
    rows = [_json_row(row) for row in result.rows()]
    document = {"version": DOCUMENT_VERSION, "spec": spec, "rows": rows}
    return json.dumps(document, indent=1, allow_nan=False, default=float)


def to_csv(result: GridResult) -> str:
    """Rows under a header; a missing value is empty, an infinite one ``inf``."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(result.columns)
    for row in result.rows():
        writer.writerow(["" if _is_missing(value) else value for value in row.values()])
    return text.getvalue()


def _json_row(row: Mapping[str, Any]) -> dict[str, Any]:
    infinite = [key for key, value in row.items() if value in _INFINITE]
    absent = {key for key, value in row.items() if key in infinite or _is_missing(value)}
    values = {key: None if key in absent else value for key, value in row.items()}
    return values | {"diverges": row["status"] == Status.DIVERGES, "infinite": infinite}


def _is_missing(value: Any) -> bool:
    """Whether a value does not exist: NaN, also as the string of a number of many digits."""
    return bool(value != value or value == "nan")
