"""Results as JSON and CSV."""

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

from ..outcomes import Status
from .grid_result import GridResult

#: Version of the JSON document; it rises when a reader of the old version would fail.
DOCUMENT_VERSION = 1
#: The first and the last text of a JSON document, by which the command recognises its own files.
JSON_START, JSON_END = f'{{\n "version": {DOCUMENT_VERSION},\n "spec": ', "]\n}\n"
#: The name of the creator in the metadata of pictures and pages.
CREATOR = "asymptotics"
_INFINITE = (float("inf"), float("-inf"), "inf", "-inf")


def to_json(result: GridResult, spec: Mapping[str, Any]) -> str:
    """The document ``{version, spec, rows}``.

    JSON has no infinity and no NaN, so both are null.  Two more keys of every row tell an infinite
    value from a missing one: ``infinite`` lists the keys whose null means an infinite value, and
    ``diverges`` is true if the risk is infinite (for networks: if training diverged in some run).
    Values of many digits are strings.
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
    """Whether a value is NaN, as a float or as the string of a number of many digits."""
    return bool(value != value or value == "nan")
