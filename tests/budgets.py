"""How much is drawn at random: a part of it in every run, all of it in `make test-deep`."""

import os

from hypothesis import settings

_DEEP = os.environ.get("ASYMPTOTICS_TESTS") == "deep"
_PART = 5


def share(deep: int) -> int:
    """Of so many random draws, those that this run is to make."""
    return deep if _DEEP else -(-deep // _PART)


def examples(deep: int) -> settings:
    """Hypothesis settings with the same share of examples."""
    return settings(max_examples=share(deep))
