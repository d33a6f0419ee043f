"""Print the lowest versions of libraries that `pyproject.toml` admits, as constraints for pip."""

import re
import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def lowest_versions(project: str) -> list[str]:
    """``name==version`` for each ``name>=version`` among the dependencies and the extras."""
    table = tomllib.loads(project)["project"]
    extras = table["optional-dependencies"].values()
    required = [*table["dependencies"], *(name for extra in extras for name in extra)]
    pairs = (re.fullmatch(r"([\w-]+)>=([\d.]+)", text) for text in required)
    return [f"{pair[1]}=={pair[2]}" for pair in pairs if pair]


if __name__ == "__main__":
    print(*lowest_versions(PROJECT.read_text(encoding="utf-8")), sep="\n")
