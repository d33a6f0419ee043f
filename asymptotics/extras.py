"""Packages that only some parts of `asymptotics` need, and the extras that install them."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from .errors import MissingExtra

#: The packages that come with each extra of ``pyproject.toml``.
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
    """Imports that the extra `name` makes possible; raises `MissingExtra` where one fails.

    Wherever an optional package is imported, its import stands in this context.  Contexts may be
    nested: the outer one names its extra, which then has to bring the packages of the inner one.

    >>> with extra("plot"):
    ...     import matplotlib
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _OPTIONAL:  # a fault of this package or of another one
            raise
        raise MissingExtra(package, name) from None


def require(name: str, *packages: str) -> None:
    """Raise `MissingExtra` unless `packages`, of the extra `name`, can be imported."""
    with extra(name):
        for package in packages:
            import_module(package)
