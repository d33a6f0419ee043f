"""The files that come with the package, found without reading them."""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def derivations() -> Path:
    """The folder of the derivations: in an installed package inside it, otherwise beside it."""
    installed = _PACKAGE / "derivations"
    return installed if installed.is_dir() else _PACKAGE.parent / "derivations"


def derivation_names() -> list[str]:
    """The names of the derivations that come with the package."""
    return sorted(path.stem for path in derivations().glob("*.py") if path.stem[0] != "_")
