"""Notebooks run as they stand, and hold their output."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.budgets import DEEP

#: Seconds in which a kernel starts and its output arrives, on a machine with much else to do.
_PATIENCE = 3600
NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
#: Those that take half a minute of processor time or more run in `make test-deep` alone.
LONG = () if DEEP else ("networks", "proofs", "verification")


@pytest.mark.parametrize(
    "path", [path for path in NOTEBOOKS if path.stem not in LONG], ids=lambda path: path.stem
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_notebook_runs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=None,  # however busy the machine is
        startup_timeout=_PATIENCE,
        iopub_timeout=_PATIENCE,
        resources={"metadata": {"path": path.parent}},
    )
    client.execute()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_holds_its_output(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in cells)
    outputs = [output for cell in cells for output in cell.outputs]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 2
    assert not any(output.output_type == "error" for output in outputs)


def test_there_is_a_quickstart() -> None:
    assert "quickstart" in [path.stem for path in NOTEBOOKS]
