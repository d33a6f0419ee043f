"""Numbers of random examples: `make test-deep` draws all of them, other runs a tenth."""

import os

from hypothesis import settings

#: Whether this is `make test-deep`.
DEEP = os.environ.get("ASYMPTOTICS_TESTS") == "deep"
#: Ratio of the numbers of examples in `make test-deep` and in other runs.
_DEEP_FACTOR = 10


def share(deep: int) -> int:
    """The number of random draws in this run, where `make test-deep` has `deep` of them."""
    return deep if DEEP else -(-deep // _DEEP_FACTOR)  # rounded up


def examples(deep: int) -> settings:
    """Hypothesis settings with `share(deep)` examples."""
    return settings(max_examples=share(deep))
