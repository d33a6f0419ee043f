"""Results as JSON and CSV."""

import csv
import io
import json
import math
from collections.abc import Mapping
from typing import Any

from .grid import GridResult

#: Version of the JSON document; it changes when a reader of the old one would fail.
DOCUMENT_VERSION = 1
#: How a JSON document starts and ends, by which a file of ours is known.
JSON_START, JSON_END = f'{{\n "version": {DOCUMENT_VERSION},\n "spec": ', "]\n}\n"
#: What pictures and pages say that they were made by.
CREATOR = "asymptotics"


def to_json(result: GridResult, spec: Mapping[str, Any]) -> str:
    """The document ``{version, spec, rows}``; infinite and missing values are null."""
    rows = [{key: _json_value(value) for key, value in row.items()} for row in result.rows()]
    document = {"version": DOCUMENT_VERSION, "spec": spec, "rows": rows}
    return json.dumps(document, indent=1, allow_nan=False, default=float)


def to_csv(result: GridResult) -> str:
    """Rows under a header; a missing value is empty, an infinite one ``inf``."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(result.columns)
    for row in result.rows():
        writer.writerow(["" if value != value else value for value in row.values()])
    return text.getvalue()


def _json_value(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return None if value in ("inf", "-inf", "nan") else value
