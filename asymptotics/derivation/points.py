"""Points of the symbols' domains: the simplest ones and the ends, and points drawn at random."""

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
_MOST_GROUPS = 3
#: Groups of the larger populations that are tried.
_POPULATIONS = (4, 8, 17)
#: Characters of a number of a point; longer ones are rounded where a point is shown.
_LONGEST = 20
#: Combinations of ends that are tried, where there are many symbols.
_MOST_ENDS = 32
#: The largest expression whose special values are looked for.
_MOST_OPERATIONS = 200
#: The highest power in expressions whose special values are looked for.
_HIGHEST_DEGREE = 100


def drawn(symbols: set[sp.Symbol], domains: Domains) -> st.SearchStrategy[Point]:
    """Strategy for points: the simplest first, of one group if there is a population."""
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
    return tuple(Fraction(size, sum(sizes)) for size in sizes)


def simplest(symbols: set[sp.Symbol], domains: Domains, expressions: Iterable[Any]) -> list[Point]:
    """Points that every search tries, the simplest first.

    One number of each domain; then, one symbol after another, its other simple numbers, the ends
    of its domain and the numbers that are special in the expressions; then combinations of ends; at
    last two groups that differ, if there is a population, and special numbers in one of two groups.
    """
    ordered = sorted(symbols - {WEIGHT}, key=str)
    special = special_values(expressions)
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
    """Points with very large numbers, numbers very near the ends of domains, and large integers.

    First in one symbol after another, then in all of them together.
    """
    ordered = sorted(symbols - {WEIGHT}, key=str)
    first = {x: domains[x].simplest()[0] for x in ordered}
    beyond = {x: domains[x].far() for x in ordered if domains[x].far()}
    found: list[Point] = [{**first, x: y} for x, values in beyond.items() for y in values]
    found += [
        {**first, **{x: y[min(place, len(y) - 1)] for x, y in beyond.items()}}
        for place in range(max(map(len, beyond.values()), default=0))
    ]
    if not any(isinstance(x, GroupSymbol) for x in symbols):
        return _different(found)
    nearby = {x: (y,) * 2 for x, y in first.items()}
    return _different([_in_groups(point, nearby, count) for count in (1, 2) for point in found])


def populations(symbols: set[sp.Symbol], domains: Domains) -> list[Point]:
    """Points with more groups than are drawn, whose values all differ where the domains let them.

    What depends on a few moments alone may hold for three groups and fail for more.
    """
    ordered = sorted(symbols - {WEIGHT}, key=str)
    of_group = [x for x in ordered if isinstance(x, GroupSymbol)]
    if not of_group:
        return []
    single = {x: domains[x].simplest()[0] for x in ordered if x not in of_group}

    def of(count: int) -> Point:
        # Each column begins at a place of its own, so that no quantity is that of another one.
        columns = {}
        for start, x in enumerate(of_group):
            values = domains[x].spread(count)
            columns[x] = values[start % count :] + values[: start % count]
        return {**single, **columns, WEIGHT: _normalised(tuple(range(1, count + 1)))}

    return [of(count) for count in _POPULATIONS]


def off_ends(point: Point, domains: Domains) -> Iterator[Point]:
    """The point with one symbol moved from an end of its domain to a number inside.

    Of a domain of a single number there is none.
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
    """Between which numbers each symbol was, and how many groups there were, in words."""
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
    alike: dict[str, list[str]] = {}
    for symbol in lowest:
        ends = f"from {_short(lowest[symbol])} to {_short(highest[symbol])}"
        alike.setdefault(ends, []).append(str(symbol))
    told = [f"{', '.join(names)} {ends}" for ends, names in alike.items()]
    if groups:
        told.append(f"up to {counted(groups, 'group')}")
    return "; ".join(told)


def _short(value: Fraction) -> str:
    """A rational number as it is read easily, with 1 told from what is a little less."""
    near = round(value)
    if value != near and abs(value - near) < Fraction(1, 10**4) and near != 0:
        sign = "+" if value > near else "-"
        return f"{near} {sign} {float(abs(value - near)):.3g}"
    return f"{float(value):.3g}"


def _different(points: list[Point]) -> list[Point]:
    return list({str(point): point for point in points}.values())


def _in_groups(point: Point, tried: Mapping[sp.Symbol, tuple[Any, ...]], count: int) -> Point:
    """A point with one value in each group: that of the point, then others that are tried."""
    columns = {
        x: (value, *tried[x][1:count], *[value] * count)[:count]
        if isinstance(x, GroupSymbol)
        else value
        for x, value in point.items()
    }
    return {**columns, WEIGHT: (Fraction(1, count),) * count}


def special_values(expressions: Iterable[Any]) -> dict[sp.Symbol, set[Fraction]]:
    """Numbers at which a coefficient in the expressions is zero, where algebra may go wrong.

    Algebra takes symbols as generic: the limit of ``1/(1 + (a - 3) p)`` is 0, but not at a = 3.
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
    """Rational zeros of the coefficients of a sum, as polynomials in one symbol."""
    functions = [x for x in part.atoms(sp.Function) if x.free_symbols]
    degrees = [abs(x.exp) for x in part.atoms(sp.Pow) if x.exp.is_Integer]
    if any(x.has(symbol) for x in functions) or max(degrees, default=0) > _HIGHEST_DEGREE:
        return
    # A polynomial in exp(x) has as many coefficients as exp(10**9 x) has powers of it.
    part = part.xreplace({x: sp.Dummy() for x in functions})
    try:
        polynomial = sp.Poly(part)
        if symbol not in polynomial.gens:
            return
        others = [x for x in polynomial.gens if x != symbol]
        if any(x.has(symbol) for x in others):
            return
        whole = sp.Poly(part, *others) if others else None
        coefficients = whole.coeffs() if whole is not None else [part]
        for coefficient in coefficients:
            if coefficient.has(symbol):
                for root in sp.Poly(coefficient, symbol).ground_roots():
                    yield Fraction(int(root.p), int(root.q))
    except BasePolynomialError:
        return


def shown(point: Point) -> str:
    """A point in one line."""
    return ", ".join(f"{symbol} = {_text(value)}" for symbol, value in point.items())


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return _text(value[0]) if len(value) == 1 else f"({', '.join(map(_text, value))})"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value) if len(str(value)) <= _LONGEST else _short(value)
