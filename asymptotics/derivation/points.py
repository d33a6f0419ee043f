"""Points at which a claim is tried: simple ones, ends of domains, extreme ones, and random ones.

A point gives each symbol a number of its domain; a symbol of the population gets a tuple with a
number for each group, and `WEIGHT` the weights of the groups.
"""

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import islice, product
from typing import Any

import sympy as sp
from hypothesis import strategies as st
from sympy.polys.polyerrors import BasePolynomialError

from ..arithmetic.symbolic import WEIGHT, GroupSymbol, Mean
from ..tables import counted
from .domains import Domain
from .enclosures import Point

Domains = Mapping[sp.Symbol, Domain]
#: Groups of a random population, at most.
_MOST_GROUPS = 3
#: The numbers of groups of the larger populations that are tried.
_POPULATIONS = (4, 8, 17)
#: A number of more characters than this is rounded where a point is shown.
_LONGEST = 20
#: Combinations of ends that are tried, at most: many symbols have very many.
_MOST_ENDS = 32
#: Special values are searched for in expressions of at most this many operations.
_MOST_OPERATIONS = 200
#: ... and with powers of at most this degree.
_HIGHEST_DEGREE = 100


def drawn(symbols: set[sp.Symbol], domains: Domains) -> st.SearchStrategy[Point]:
    """A Hypothesis strategy for points, which shrinks to simple numbers and to one group."""
    ordered = sorted(symbols, key=str)
    single = {x: domains[x].numbers() for x in ordered if not isinstance(x, GroupSymbol)}
    of_group = [x for x in ordered if isinstance(x, GroupSymbol) and x != WEIGHT]

    def with_groups(count: int) -> st.SearchStrategy[Point]:
        columns = {x: st.tuples(*[domains[x].numbers()] * count) for x in of_group}
        weights = st.tuples(*[st.integers(1, 9)] * count).map(_normalised)
        return st.fixed_dictionaries({**single, **columns, WEIGHT: weights})

    if not of_group:
        return st.fixed_dictionaries(single)
    return st.integers(1, _MOST_GROUPS).flatmap(with_groups)


def _normalised(sizes: tuple[int, ...]) -> tuple[Fraction, ...]:
    """Weights in proportion to `sizes`, with sum 1."""
    return tuple(Fraction(size, sum(sizes)) for size in sizes)


def simplest(symbols: set[sp.Symbol], domains: Domains, expressions: Iterable[Any]) -> list[Point]:
    """Points that every search tries, the simplest first.

    1. The first simple number of each domain.
    2. The same with one symbol changed: to its other simple numbers, the ends of its domain, and
       its special values in `expressions` (see `special_values`).
    3. The first point with combinations of ends.
    4. If there is a population, whose points so far have one group: two groups that differ, and two
       groups of which one has a special value.
    """
    ordered = sorted(symbols - {WEIGHT}, key=str)
    special = special_values(expressions)
    # The numbers of each symbol, without repetitions; the first one is the simplest.
    tried = {
        x: tuple(
            dict.fromkeys(
                (
                    *domains[x].simplest(),
                    *(value for value in special.get(x, ()) if domains[x].holds(value)),
                )
            )
        )
        for x in ordered
    }
    first = {x: values[0] for x, values in tried.items()}
    found: list[Point] = [first]
    found += [{**first, x: value} for x, values in tried.items() for value in values[1:]]
    ends = {x: domains[x].ends for x in ordered if domains[x].ends}
    combined = (dict(zip(ends, values, strict=True)) for values in product(*ends.values()))
    found += [{**first, **values} for values in islice(combined, _MOST_ENDS)]
    if not any(isinstance(x, GroupSymbol) for x in symbols):
        return _different(found)
    groups = [_in_groups(point, tried, 1) for point in found]
    mixed = [
        _in_groups({**first, x: value}, {**tried, x: (value, first[x])}, 2)
        for x in first
        for value in sorted(special.get(x, ()))
        if isinstance(x, GroupSymbol) and domains[x].holds(value)
    ]
    return _different([*groups, _in_groups(first, tried, 2), *mixed])


def far(symbols: set[sp.Symbol], domains: Domains) -> list[Point]:
    """Points with extreme numbers (`Domain.far`), first in one symbol at a time, then in all.

    The other symbols have their first simple number.
    """
    ordered = sorted(symbols - {WEIGHT}, key=str)
    first = {x: domains[x].simplest()[0] for x in ordered}
    extreme = {x: domains[x].far() for x in ordered if domains[x].far()}
    found: list[Point] = [{**first, x: y} for x, values in extreme.items() for y in values]
    found += [
        {**first, **{x: y[min(place, len(y) - 1)] for x, y in extreme.items()}}
        for place in range(max(map(len, extreme.values()), default=0))
    ]
    if not any(isinstance(x, GroupSymbol) for x in symbols):
        return _different(found)
    twice = {x: (y,) * 2 for x, y in first.items()}
    return _different([_in_groups(point, twice, count) for count in (1, 2) for point in found])


def populations(symbols: set[sp.Symbol], domains: Domains) -> list[Point]:
    """Points with more groups than random points have, whose values differ if domains allow it.

    A population of three groups has few independent moments, so a false relation between moments
    may hold for every such population and fail for a larger one.
    """
    ordered = sorted(symbols - {WEIGHT}, key=str)
    of_group = [x for x in ordered if isinstance(x, GroupSymbol)]
    if not of_group:
        return []
    single = {x: domains[x].simplest()[0] for x in ordered if x not in of_group}

    def of(count: int) -> Point:
        # Each column begins at another place, so that no two symbols have equal columns.
        columns = {}
        for start, x in enumerate(of_group):
            values = domains[x].spread(count)
            columns[x] = values[start % count :] + values[: start % count]
        return {**single, **columns, WEIGHT: _normalised(tuple(range(1, count + 1)))}

    return [of(count) for count in _POPULATIONS]


def off_ends(point: Point, domains: Domains) -> Iterator[Point]:
    """Copies of a point in which one symbol is moved from an end of its domain to its inside.

    There is one copy for each symbol that is at an end; a domain of a single number has no inside.
    """
    for symbol, value in point.items():
        if symbol == WEIGHT:
            continue
        ends, inside = domains[symbol].ends, domains[symbol].simplest()[0]
        if inside in ends:
            continue
        if isinstance(value, tuple) and any(x in ends for x in value):
            yield {**point, symbol: tuple(inside if x in ends else x for x in value)}
        elif value in ends:
            yield {**point, symbol: inside}


def ranges(points: Iterable[Point]) -> str:
    """The range of each symbol over some points, and the largest number of groups, as text."""
    lowest: dict[sp.Symbol, Fraction] = {}
    highest: dict[sp.Symbol, Fraction] = {}
    groups = 0
    for point in points:
        groups = max(groups, len(point.get(WEIGHT, ())))
        for symbol, value in point.items():
            if symbol == WEIGHT:
                continue
            values = value if isinstance(value, tuple) else (value,)
            lowest[symbol] = min(lowest.get(symbol, values[0]), *values)
            highest[symbol] = max(highest.get(symbol, values[0]), *values)
    alike: dict[str, list[str]] = {}  # the symbols of each range
    for symbol in lowest:
        ends = f"from {_short(lowest[symbol])} to {_short(highest[symbol])}"
        alike.setdefault(ends, []).append(str(symbol))
    texts = [f"{', '.join(names)} {ends}" for ends, names in alike.items()]
    if groups:
        texts.append(f"up to {counted(groups, 'group')}")
    return "; ".join(texts)


def _short(value: Fraction) -> str:
    """A rational number with three digits; one close to an integer as ``1 - 1e-30``, not as 1."""
    near = round(value)
    if value != near and abs(value - near) < Fraction(1, 10**4) and near != 0:
        sign = "+" if value > near else "-"
        return f"{near} {sign} {float(abs(value - near)):.3g}"
    return f"{float(value):.3g}"


def _different(points: list[Point]) -> list[Point]:
    """The points without repetitions."""
    return list({str(point): point for point in points}.values())


def _in_groups(point: Point, tried: Mapping[sp.Symbol, tuple[Any, ...]], count: int) -> Point:
    """A point with `count` groups of equal weight, from a point with a single number per symbol.

    A symbol of the population has the point's number in the first group, its next numbers in
    `tried` in the others, and the point's number again where `tried` has no more.
    """
    columns = {
        x: (value, *tried[x][1:count], *[value] * count)[:count]
        if isinstance(x, GroupSymbol)
        else value
        for x, value in point.items()
    }
    return {**columns, WEIGHT: (Fraction(1, count),) * count}


def special_values(expressions: Iterable[Any]) -> dict[sp.Symbol, set[Fraction]]:
    """Special values of each symbol: those at which a coefficient in the expressions is zero.

    SymPy takes symbols as generic, so its result may be wrong there: the limit of
    ``1/(1 + (a - 3) p)`` for p to infinity is 0, but not at a = 3.
    """
    found: dict[sp.Symbol, set[Fraction]] = {}
    parts = set().union(*(expression.atoms(sp.Add) for expression in expressions))
    for part in sorted(parts, key=sp.default_sort_key):
        if sp.count_ops(part) > _MOST_OPERATIONS or part.has(Mean):
            continue
        for symbol in sorted(part.free_symbols, key=str):
            found.setdefault(symbol, set()).update(_zeros(part, symbol))
    return found


def _zeros(part: Any, symbol: sp.Symbol) -> Iterator[Fraction]:
    """The rational values of a symbol at which a coefficient of the sum `part` vanishes."""
    functions = [x for x in part.atoms(sp.Function) if x.free_symbols]
    degrees = [abs(x.exp) for x in part.atoms(sp.Pow) if x.exp.is_Integer]
    if any(x.has(symbol) for x in functions) or max(degrees, default=0) > _HIGHEST_DEGREE:
        return
    # As a polynomial in exp(x), exp(10**9 x) would have a billion coefficients: each function is
    # replaced by a symbol of its own.
    part = part.xreplace({x: sp.Dummy() for x in functions})
    try:
        polynomial = sp.Poly(part)
        if symbol not in polynomial.gens:
            return
        others = [x for x in polynomial.gens if x != symbol]
        if any(x.has(symbol) for x in others):
            return
        in_others = sp.Poly(part, *others) if others else None
        coefficients = in_others.coeffs() if in_others is not None else [part]
        for coefficient in coefficients:
            if coefficient.has(symbol):
                for root in sp.Poly(coefficient, symbol).ground_roots():
                    yield Fraction(int(root.p), int(root.q))
    except BasePolynomialError:
        return


def shown(point: Point) -> str:
    """A point as text in one line."""
    return ", ".join(f"{symbol} = {_text(value)}" for symbol, value in point.items())


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return _text(value[0]) if len(value) == 1 else f"({', '.join(map(_text, value))})"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value) if len(str(value)) <= _LONGEST else _short(value)
