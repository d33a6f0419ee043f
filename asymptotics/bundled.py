"""Paths of the derivations that come with the package; no file is read."""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def derivations() -> Path:
    """The folder of the derivations: inside an installed package, or beside it in a clone."""
    installed = _PACKAGE / "derivations"
    return installed if installed.is_dir() else _PACKAGE.parent / "derivations"


def derivation_names() -> list[str]:
    """The names of the derivations that come with the package."""
    return sorted(path.stem for path in derivations().glob("*.py") if path.stem[0] != "_")
