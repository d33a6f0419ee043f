"""10^5 random problems in one run: what double precision gives is right, or it says so.

Run with ``make benchmark``; ``ASYMPTOTICS_PROBLEMS`` sets another number of problems.
"""

import os

import pytest

from tests.problems import DOMAINS, Findings, problems

pytestmark = pytest.mark.benchmark

PROBLEMS = int(os.environ.get("ASYMPTOTICS_PROBLEMS", "100000"))
ROWS = 5
SHARES = {"tame": 0.3, "edge": 0.3, "extreme": 0.4}


@pytest.mark.parametrize("domain", DOMAINS)
def test_many_problems(domain: str) -> None:
    found = Findings()
    for arguments in problems(2024, DOMAINS[domain], int(PROBLEMS * SHARES[domain]) // ROWS, ROWS):
        found.add(arguments)
    print(f"\n{domain}: {dict(found.status)}, worst error with status ok {found.worst:.1e}")
    print(f"certified but without a number in floats: {len(found.lost)}")
    print(f"not certified: {len(found.undecided)}")
    assert not found.wrong, found.wrong[:10]
    if domain != "extreme":
        assert not found.lost
        assert not found.undecided
