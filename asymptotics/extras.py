"""Optional packages, and the extras of `asymptotics` that install them."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from .errors import MissingExtra

#: The packages that each extra of ``pyproject.toml`` installs.
EXTRAS = {
    "plot": ("matplotlib",),
    "frames": ("pandas", "pyarrow"),
    "certify": ("flint",),
    "symbolic": ("sympy",),
    "testing": ("hypothesis",),
    "data": ("sklearn",),
    "dask": ("distributed",),
    "derive": ("flint", "sympy", "hypothesis", "latex2mathml", "markdown_it", "mdit_py_plugins"),
}
_OPTIONAL = frozenset(package for packages in EXTRAS.values() for package in packages)


@contextmanager
def extra(name: str) -> Iterator[None]:
    """A context for imports of optional packages; raises `MissingExtra` if one is not installed.

    Every import of an optional package stands in this context, with the `name` of an extra that
    installs it.  In nested contexts the message names the outer extra, so that one must install the
    packages of the inner context too.

    >>> with extra("plot"):
    ...     import matplotlib
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _OPTIONAL:  # not an optional package: a fault in the installation
            raise
        raise MissingExtra(package, name) from None


def require(name: str, *packages: str) -> None:
    """Raise `MissingExtra` unless all `packages`, which the extra `name` installs, are there."""
    with extra(name):
        for package in packages:
            import_module(package)
