r"""Stage 4: what a trained weight tells of its coefficient, :math:`\eta(x)=E[B|X=x,\Lambda]`.

Groups that share an eigenvalue cannot be told apart by it: their coefficients are a mixture, with
components k of weights :math:`w_k`.  With :math:`X\sim N(\mu_k,v_k)` in a component and
:math:`b_k(x)=E[B|x,k]`, linear in x,

.. math:: \eta=\sum_k\pi_k b_k,\qquad \pi_k(x)\propto w_k v_k^{-1/2}e^{-(x-\mu_k)^2/2v_k},\qquad
          \eta'=\frac av Var(B|x),\quad
          Var(B|x)=\sum_k\pi_k\{Var(B|x,k)+(b_k-\eta)^2\}\ge0 .

A group whose eigenvalue no other group shares is a mixture of one component, and η is linear.

Source: Robbins, *An empirical Bayes approach to statistics* (1956), for the derivative of η.
"""

from collections.abc import Callable
from typing import NamedTuple

from ..arithmetic import FLOAT64, Arithmetic, Array
from ..domains import DOMAINS
from ..errors import InvalidInput
from ..population import Groups
from .channels import Channel
from .rules import Posterior, Regression, Score

#: The most components of a mixture: the grid that finds the pieces of a gain grows as their square.
MOST_COMPONENTS = 16
#: The grid reaches so many spreads of each component to either side, in steps of a half.
_REACH = 40
#: Between two components the grid has points up to these log-odds.  Beyond, the lesser one has a
#: weight that no float shows.
_LOG_ODDS = 45
#: Eigenvalues whose relative difference is at most this are equal.
_SAME = 2.0**-48
#: The steps for each unit of log-odds in a grid that finds the pieces of a gain.
STEPS = 4


class Component(NamedTuple):
    """One law of coefficients, for each of several eigenvalues along the last axis."""

    #: log w - log(v_k)/2.
    log_weight: Array
    center: Array
    variance: Array
    #: b_k(x) = intercept + slope x.
    intercept: Array
    slope: Array
    #: Var(B|x, k).
    rest: Array


class Mixture(NamedTuple):
    """Eigenvalues that are shared by as many components each, side by side along the last axis."""

    components: tuple[Component, ...]
    eigenvalue: Array
    #: a/v.
    precision: Array
    #: For each component, which groups have its laws and these eigenvalues.
    members: tuple[Array, ...]
    #: The place of each group along the last axis; 0 for those that are no members.
    places: list[int]
    #: A group of each eigenvalue.
    first: list[int]

    @property
    def among(self) -> Array:
        """Which groups have these eigenvalues."""
        return sum(self.members[1:], self.members[0])

    def at(self, place: int) -> "Mixture":
        """The mixture of a single one of the eigenvalues."""
        one = slice(place, place + 1)
        parts = tuple(Component(*(x[..., one] for x in part)) for part in self.components)
        return self._replace(
            components=parts,
            eigenvalue=self.eigenvalue[one],
            precision=self.precision[..., one],
        )

    def plain(self, arithmetic: Arithmetic) -> "Mixture":
        """The mixture without slopes in the parameters."""
        parts = tuple(Component(*map(arithmetic.plain, part)) for part in self.components)
        precision = arithmetic.plain(self.precision)
        return self._replace(components=parts, precision=precision)


def mixtures(
    channel: Channel, score: Score, given: Regression, arithmetic: Arithmetic
) -> list[Mixture]:
    """The mixtures of all eigenvalues that are shared, by their number of components.

    `score` and `given` are those of a rule that observes the trained weight.  Raises `InvalidInput`
    for more than `MOST_COMPONENTS` components.
    """
    if not arithmetic.any(channel.noise > 0):
        return []  # each weight shows its coefficient, and the posterior of it is no mixture
    shared = shared_eigenvalues(channel, arithmetic)
    most = max(map(len, shared), default=0)
    if most > MOST_COMPONENTS:
        allowed = (
            f"need at most {MOST_COMPONENTS} laws of coefficients for each eigenvalue, not {most}: "
            "they take the law of the coefficients for known, which a sample is not"
        )
        raise InvalidInput("rule", "optimal and shrunk", allowed)
    found = []
    for size in sorted({len(laws) for laws in shared}):
        alike = [laws for laws in shared if len(laws) == size]
        parts = tuple(
            _component([laws[k] for laws in alike], channel, score, given, arithmetic)
            for k in range(size)
        )
        some = [laws[0][0] for laws in alike]
        # Without noise the posterior is no mixture, and this number is not used.
        shrinkage, noise = channel.shrinkage[..., some], channel.noise[..., some]
        precision = arithmetic.ratio(shrinkage, noise, otherwise=1)
        members = tuple(channel.eigenvalue < 0 for _ in range(size))
        places = [0] * channel.eigenvalue.size
        for place, laws in enumerate(alike):
            for group, k in ((group, k) for k, groups in enumerate(laws) for group in groups):
                members[k][group], places[group] = True, place
        found.append(Mixture(parts, channel.eigenvalue[some], precision, members, places, some))
    return found


def _component(
    groups: list[list[int]],
    channel: Channel,
    score: Score,
    given: Regression,
    arithmetic: Arithmetic,
) -> Component:
    """A component of several eigenvalues: for each of them the groups that have its law."""
    first = [some[0] for some in groups]
    weight = arithmetic.joined([arithmetic.total(channel.weight[some])[None] for some in groups])
    spread = score.spread[..., first]
    columns = (given.signal_intercept, given.signal_slope, given.signal_variance)
    return Component(
        arithmetic.log(weight) - arithmetic.log(spread),
        score.center[..., first],
        spread * spread,
        *(column[..., first] for column in columns),
    )


def shared_eigenvalues(groups: Channel | Groups, arithmetic: Arithmetic) -> list[list[list[int]]]:
    """For each eigenvalue with several laws of coefficients: the groups that have each law."""
    # Eigenvalues within some roundings count as equal in every arithmetic: nobody could tell the
    # group of a weight from the sixteenth digit of its eigenvalue.
    eigenvalues = arithmetic.floats(groups.eigenvalue)
    ascending = FLOAT64.ascending(eigenvalues)
    if not (ascending[1:] <= ascending[:-1] * (1 + _SAME)).any():
        return []
    values = eigenvalues.tolist()
    # The least eigenvalue of all stands for the different, smaller ones of a continuous law.
    there = (groups.weight > 0) & (eigenvalues > DOMAINS["eigenvalue"].smallest)
    near: list[list[int]] = []
    for index in sorted((i for i in range(len(values)) if there[i]), key=values.__getitem__):
        if near and values[index] <= values[near[-1][0]] * (1 + _SAME):
            near[-1].append(index)
        else:
            near.append([index])

    def same_law(i: int, j: int) -> bool:
        pairs = ((x[..., i], x[..., j]) for x in (groups.mean, groups.std))
        return all(arithmetic.all(x == y) for x, y in pairs)

    shared = []
    for equal in near:
        laws: list[list[int]] = []
        for index in sorted(equal):
            _collect(index, laws, same_law)
        if len(laws) > 1:
            shared.append(laws)
    return shared


def _collect(index: int, sets: list[list[int]], same: Callable[[int, int], bool]) -> None:
    """Add an index to the set of its kind, or a new set."""
    for each in sets:
        if same(each[0], index):
            each.append(index)
            return
    sets.append([index])


def posterior(mixture: Mixture, x: Array, arithmetic: Arithmetic) -> Posterior:
    r""":math:`\eta` and :math:`\eta'` at weights x.

    Their shape is that of the grid, followed by (eigenvalues, N).
    """
    parts = [Component(*map(arithmetic.column, part)) for part in mixture.components]
    logs = [part.log_weight - _exponent(part, x) for part in parts]
    top = logs[0]
    for each in logs[1:]:
        top = arithmetic.maximum(top, each)
    shares = [arithmetic.exp(each - top) for each in logs]
    means = [part.intercept + part.slope * x for part in parts]
    total = sum(shares[1:], shares[0])
    mean = _weighted(shares, means) / total
    spreads = [part.rest + (b - mean) * (b - mean) for part, b in zip(parts, means, strict=True)]
    variance = _weighted(shares, spreads) / total
    return Posterior(mean, arithmetic.column(mixture.precision) * variance)


def density(part: Component, x: Array, arithmetic: Arithmetic) -> Array:
    """The density of the weight x in a component."""
    scale = arithmetic.sqrt(2 * arithmetic.pi * part.variance)
    return arithmetic.exp(-_exponent(part, x)) / scale


def _exponent(part: Component, x: Array) -> Array:
    """(x - center)² / (2 variance)."""
    distance = x - part.center
    return distance * distance / (2 * part.variance)


def _weighted(shares: list[Array], values: list[Array]) -> Array:
    """The sum of values times shares."""
    products = [share * value for share, value in zip(shares, values, strict=True)]
    return sum(products[1:], products[0])


def nodes(mixture: Mixture, per_unit: int, arithmetic: Arithmetic) -> Array:
    """Points between which a posterior is smooth, in ascending order.

    They are steps of half a spread about each center, the weight 0, the vertex of the gain of each
    component, and the weights at which the log-odds of two components are multiples of one by
    `per_unit`.  With `STEPS` of them between two points a gain changes its direction at most once.
    """
    parts = [Component(*map(arithmetic.column, part)) for part in mixture.components]
    steps = arithmetic.array(list(range(-2 * _REACH, 2 * _REACH + 1))) / 2
    points = [part.center + arithmetic.sqrt(part.variance) * steps for part in parts]
    ends = [(some[..., :1], some[..., -1:]) for some in points]
    low, high = ends[0]
    for first, last in ends[1:]:
        low, high = arithmetic.minimum(low, first), arithmetic.maximum(high, last)
    most = per_unit * _LOG_ODDS
    odds = arithmetic.array(list(range(-most, most + 1))) / per_unit
    special = [arithmetic.ratio(part.intercept, 1 - 2 * part.slope) for part in parts]
    for index, part in enumerate(parts):
        for other in parts[:index]:
            special += _at_log_odds(part, other, odds, arithmetic)
    # A point that is not a finite number within the reach is replaced by the weight 0.
    special = [arithmetic.where((low < x) & (x < high), x, 0) for x in special]
    return arithmetic.ascending(arithmetic.joined([*points, 0 * low, *special]))


def _at_log_odds(
    part: Component, other: Component, odds: Array, arithmetic: Arithmetic
) -> list[Array]:
    """The weights at which the log-odds of two components are given, or NaN."""
    # In y = x - center, with d the distance of the centers: of A y² + 2 b y + C = 0 one root is
    # t/A and the other C/t.
    distance = part.center - other.center
    curvature = 1 / other.variance - 1 / part.variance
    half = distance / other.variance
    constant = distance * half + 2 * (part.log_weight - other.log_weight - odds)
    square = half * half - curvature * constant
    root = arithmetic.sqrt(arithmetic.where(square > 0, square, 0))
    t = arithmetic.where(half > 0, -half - root, root - half)
    inside = square > 0
    first, second = arithmetic.ratio(t, curvature + 0 * t), arithmetic.ratio(constant, t)
    return [part.center + arithmetic.where(inside, y, arithmetic.nan) for y in (first, second)]
