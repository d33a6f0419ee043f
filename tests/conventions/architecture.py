"""How the parts of the package import one another, as a diagram in CONTRIBUTING.md.

``python -m tests.conventions.architecture`` draws it anew.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "asymptotics"
MODULES = sorted(PACKAGE.rglob("*.py"))
PAGE = ROOT / "CONTRIBUTING.md"
#: The diagram in the page: a fenced block of Mermaid.
BLOCK = re.compile(r"```mermaid\n.*?```\n", re.DOTALL)
#: Files that import from all over the package, as users do.
OUTSIDE = ("__init__", "__main__", "testing")


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Relative level and name of every import, those inside functions included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.level, node.module or node.names[0].name


def parts(path: Path) -> tuple[str, ...]:
    """Where a module lies in the package: ``("theory", "risk")``."""
    return path.relative_to(PACKAGE).with_suffix("").parts


def arrows() -> dict[str, set[str]]:
    """For each folder, or module in the package's root, the others that it imports from."""
    found: dict[str, set[str]] = {}
    for path in MODULES:
        here, *_ = place = parts(path)
        if here in OUTSIDE:
            continue
        others = {name.split(".")[0] for level, name in imports(path) if level == len(place)}
        found.setdefault(here, set()).update(others - {here, "__version__"})
    return found


def reached(arrows: dict[str, set[str]], start: str) -> set[str]:
    """All that a part imports, directly or by way of others."""
    direct = arrows.get(start, set())
    return direct.union(*(reached(arrows, other) for other in direct))


def diagram() -> str:
    """The imports in Mermaid, without those that follow from others."""
    found = arrows()
    lines = [
        f"    {other} --> {here}"
        for here, direct in sorted(found.items())
        for other in sorted(direct)
        if not any(other in reached(found, between) for between in direct)
    ]
    return "\n".join(["```mermaid", "flowchart TD", *lines, "```", ""])


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(BLOCK.sub(lambda _: diagram(), text), encoding="utf-8")
