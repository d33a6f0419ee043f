"""Reading derivations from files.

A file is a Python program that runs when it is read, so users should read only files they trust.
It assigns a `Derivation` to the name ``derivation``.
"""

import runpy
from pathlib import Path

from ..bundled import derivation_names, derivations
from ..errors import InvalidInput, unknown_name
from .derivation import Derivation, InvalidDerivation, raised_by_code

names = derivation_names


def load(name: str) -> Derivation:
    """A derivation of the package, by its name, or the one in a file, by the file's path.

    Raises `InvalidInput` for an unknown name and for a file that cannot be read, and
    `InvalidDerivation` for a derivation that cannot be checked as it is written.
    """
    if name not in names() and not name.endswith(".py"):
        raise unknown_name("derivation", name, [*names(), "or the path of a .py file"])
    return _read(path_of(name))


def path_of(name: str) -> Path:
    """The file of a derivation of the package, or `name` as a path if it names none."""
    return derivations() / f"{name}.py" if name in names() else Path(name)


def _read(path: Path) -> Derivation:
    if not path.is_file():
        raise InvalidInput("derivation", str(path), "must be a file that can be read")
    try:
        found = runpy.run_path(str(path)).get("derivation")
    except InvalidInput:
        raise
    except BaseException as error:
        if not raised_by_code(error):
            raise
        raise InvalidDerivation(_place(path, error), type(error).__name__, str(error)) from error
    if not isinstance(found, Derivation):
        raise InvalidDerivation(str(path), "derivation", "must be a Derivation in this file")
    found.require_complete(str(path))
    return found


def _place(path: Path, error: BaseException) -> str:
    """The name of a file and the line in it at which an error arose.

    For an error deeper in the code this is the innermost line of the traceback in the file itself.
    """
    if isinstance(error, SyntaxError):
        return f"{path.name}:{error.lineno}"
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"{path.name}:{line}"
