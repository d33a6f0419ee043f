r"""Exact numbers :math:`c\prod_i b_i^{e_i}` with rational c, b and e, whose equality is decidable.

Weights, fractions kept, and scores :math:`\Lambda^q|B|` of point masses are of this kind.  A
formula branches on whether two of them are equal, and no enclosure, however narrow, can prove that
they are.
"""

import math
from fractions import Fraction

from ..extras import extra

with extra("certify"):
    from flint import fmpq

#: A rational number of more bits is given up, to bound the cost of exact arithmetic.
_MOST_BITS = 20_000
_ZERO, _ONE = fmpq(0), fmpq(1)
Powers = dict[tuple[int, int], Fraction]


class Surd:
    """The number ``coefficient`` times the product of ``base ** exponent`` over `powers`.

    A base is a pair of numerator and denominator.  An operation returns None if its result is not
    of this kind, or is too large.
    """

    __slots__ = ("coefficient", "powers")

    def __init__(self, coefficient: fmpq, powers: Powers | None = None) -> None:
        self.coefficient, self.powers = coefficient, powers or {}

    @property
    def is_rational(self) -> bool:
        return not self.powers

    def negated(self) -> "Surd":
        return Surd(-self.coefficient, self.powers)

    def plus(self, other: "Surd") -> "Surd | None":
        if self.coefficient == 0:
            return other
        if other.coefficient == 0:
            return self
        if self.powers != other.powers:
            return Surd(_ZERO) if self.equals(other.negated()) else None
        return _simplified(self.coefficient + other.coefficient, self.powers)

    def times(self, other: "Surd") -> "Surd | None":
        if not self.powers and not other.powers:
            return _simplified(self.coefficient * other.coefficient, {})
        return _simplified(
            self.coefficient * other.coefficient, _product(self.powers, other.powers)
        )

    def inverse(self) -> "Surd | None":
        if self.coefficient == 0:
            return None
        return Surd(1 / self.coefficient, {base: -e for base, e in self.powers.items()})

    def power(self, exponent: Fraction) -> "Surd | None":
        """The power of a number that is not negative; None for a negative one."""
        if self.coefficient == 0:
            return self if exponent > 0 else None
        if self.coefficient < 0:
            return None
        base = (int(self.coefficient.p), int(self.coefficient.q))
        powers = {key: e * exponent for key, e in self.powers.items()}
        return _simplified(_ONE, _product(powers, {base: exponent}))

    def equals(self, other: "Surd") -> bool | None:
        """Whether two numbers are equal; None if the comparison would need too large integers."""
        if self.coefficient == 0 or other.coefficient == 0:
            return bool(self.coefficient == other.coefficient)
        ratio = self.coefficient / other.coefficient
        powers = _product(self.powers, {base: -e for base, e in other.powers.items()})
        if not powers:
            return bool(ratio == 1)
        if ratio < 0:
            return False
        # The quotient of the two numbers is positive.  It is 1 if its power is, where the power is
        # chosen so that all exponents become integers.
        power = math.lcm(*(exponent.denominator for exponent in powers.values()))
        factors = [(ratio, power)]
        factors += [(fmpq(*base), int(e * power)) for base, e in powers.items()]
        if sum(_bits(base) * abs(exponent) for base, exponent in factors) > _MOST_BITS:
            return None
        product = _ONE
        for base, exponent in factors:
            product *= base**exponent
        return bool(product == 1)


def _product(some: Powers, others: Powers) -> Powers:
    """The product of two products of powers: exponents of equal bases are added."""
    product = dict(some)
    for base, exponent in others.items():
        total = product.pop(base, Fraction(0)) + exponent
        if total and base != (1, 1):
            product[base] = total
    return product


def _simplified(coefficient: fmpq, powers: Powers) -> Surd | None:
    """The number with its integer powers multiplied into the coefficient; None if too large."""
    if coefficient == 0:
        return Surd(_ZERO)
    for base, exponent in list(powers.items()):
        if exponent.denominator == 1:
            if _bits(fmpq(*base)) * abs(exponent) > _MOST_BITS:
                return None
            coefficient *= fmpq(*base) ** int(exponent)
            powers = {key: e for key, e in powers.items() if key != base}
    return Surd(coefficient, powers) if _bits(coefficient) <= _MOST_BITS else None


def _bits(x: fmpq) -> int:
    return int(x.height_bits())
