r"""Stage 6: the values of X that a rule with a gain keeps.

A weight is kept if its gain g exceeds :math:`\psi`, with :math:`P(g>\psi)=\alpha`.  A gain is
continuous and piecewise monotone in x, so that each eigenvalue keeps a union of intervals:

- Where the posterior mean is linear in x (no other group shares the eigenvalue, or there is no
  noise), the ends of the intervals are roots of a quadratic equation.
- For a mixture the pieces are found once: the derivative of g changes its sign at most once between
  two points of a grid (`asymptotics.theory.posteriors.nodes`).  For a given :math:`\psi` there is
  one end in each cell of the grid over which the gain passes :math:`\psi`.

The mass of :math:`g>\psi` falls in :math:`\psi`, continuously but where groups have a constant
gain.  These tie, and are kept at random, so that exactly :math:`\alpha` is kept: features of
eigenvalue 0, and without noise all weights of one coefficient.
"""

from itertools import pairwise
from typing import Any, NamedTuple

from ..arithmetic import FLOAT64, QUIET, Arithmetic, Array
from ..parameters import own_or_checked
from .channels import Channel
from .posteriors import STEPS, Component, Mixture, density, mixtures, nodes, posterior
from .rules import GainRule, Posterior, Regression, Rule, Score
from .thresholds import threshold_at
from .truncated_gaussian import Cuts, Threshold

#: A gain of constant value ties with a level that is this near, in rounding errors.
_NEAR = 64
#: The level ψ is solved for as `_UNIT` sinh(y) times the size that `_largest` finds.
_UNIT = 2**-100
#: How many spreads from its center a group reaches: beyond there is no mass.
_REACH = 40


class _Pieces(NamedTuple):
    """A mixture, and its gain at points between which the gain is monotone."""

    mixture: Mixture
    points: Array
    gains: Array


class _Problem(NamedTuple):
    """What the cuts are a function of, beside the level."""

    rule: GainRule
    channel: Channel
    score: Score
    given: Regression
    #: Whether the gain of a group is constant, and that gain.
    flat: Array
    constant: Array
    pieces: list[_Pieces]
    arithmetic: Arithmetic


def cut(
    channel: Channel, rule: Rule, alpha: Any, arithmetic: Arithmetic = FLOAT64
) -> Threshold | Cuts:
    """Where a rule cuts the groups, so that a fraction `alpha` of all weights is kept.

    It is the `threshold` of a rule that has a score, and else the `Cuts` at the gain psi.  Psi may
    be negative; it is infinite at ``alpha = 0``, and at ``alpha = 1`` it is minus infinity for
    `optimal` and 0 for `shrunk`.

    Raises `InvalidInput` for `alpha` outside [0, 1], and for a rule with a gain if more than 16
    laws of coefficients share an eigenvalue.

    >>> from asymptotics import Population, theory
    >>> population = Population.isotropic()
    >>> law = theory.channel(population, theory.fixed_point(population, kappa=0.2, sigma=0.5))
    >>> cuts = theory.cut(law, theory.OPTIMAL, 0.5)
    >>> risk = theory.pruned_risk(law, 0.5, theory.OPTIMAL, cuts).risk
    >>> by_size = theory.threshold(theory.COVARIANCE.score(law), 0.5)
    >>> other = theory.pruned_risk(law, 0.5, theory.COVARIANCE, by_size).risk
    >>> bool(abs(risk - other) < 1e-15)  # the largest weights have the largest gain
    True
    """
    return cut_at(channel, rule, own_or_checked("alpha", alpha, arithmetic), arithmetic)


@QUIET
def cut_at(channel: Channel, rule: Rule, alpha: Array, arithmetic: Arithmetic) -> Threshold | Cuts:
    """The cuts at a checked `alpha`: an exact number, or one of the arithmetic."""
    if not isinstance(rule, GainRule):
        return threshold_at(rule.score(channel, arithmetic), alpha, arithmetic)
    alpha = arithmetic.taken(alpha)
    problem = _problem(channel, rule, arithmetic)
    level, tied, tie = _level(problem, alpha, arithmetic)
    ends = _ends(problem, level)
    share = arithmetic.where(tied, arithmetic.column(tie), _shares(problem, level))
    # At both ends of alpha no group is cut.
    none, whole = (alpha <= 0)[..., None], (alpha >= 1)[..., None]
    infinity = arithmetic.infinity
    value = arithmetic.where(alpha >= 1, rule.least_gain(arithmetic), level)
    places = tuple(arithmetic.where(none | whole, infinity, place) for place in ends.places)
    cuts = Cuts(
        arithmetic.where(alpha <= 0, infinity, value),
        arithmetic.where(arithmetic.in_any_group(tied), infinity, _masses(problem, level, tied)[2]),
        (ends.first & ~none) | whole,
        arithmetic.where(none | whole, 1, share),
        places,
    )
    return cuts._replace(beyond=_beyond(problem, cuts)) if not rule.keeps_weights else cuts


def _problem(channel: Channel, rule: GainRule, arithmetic: Arithmetic) -> _Problem:
    """The gains of all groups."""
    score, given = rule.score(channel, arithmetic), rule.regression(channel, arithmetic)
    intercept, slope = given.signal_intercept, given.signal_slope
    flat = rule.is_flat(intercept, slope) | (score.spread == 0)
    # At its center a trained weight tells nothing: the posterior mean is m.
    at_center = Posterior(channel.mean, slope)
    constant = channel.eigenvalue * rule.gain(at_center, score.center)
    pieces = []
    for mixture in mixtures(channel, score, given, arithmetic):
        points = _points(rule, mixture.plain(arithmetic), arithmetic)
        at = posterior(mixture.plain(arithmetic), points, arithmetic)
        gains = arithmetic.column(mixture.eigenvalue) * rule.gain(at, points)
        pieces.append(_Pieces(mixture, points, gains))
        flat = flat & ~_mixed(mixture, channel)
    return _Problem(rule, channel, score, given, flat, constant, pieces, arithmetic)


def _mixed(mixture: Mixture, channel: Channel) -> Array:
    """Which groups have the posterior of a mixture: without noise it is linear in each group."""
    return mixture.among & (channel.noise > 0)


def _points(rule: GainRule, mixture: Mixture, arithmetic: Arithmetic) -> Array:
    """Points, in ascending order, between which the gain of a mixture is monotone."""
    grid = nodes(mixture, STEPS, arithmetic)

    def rate(x: Array) -> Array:
        return rule.rate(posterior(mixture, x, arithmetic), x)

    rising = rate(grid) > 0
    cells = arithmetic.changes(rising)
    low, high = (arithmetic.take(grid, cells + step) for step in (0, 1))
    down = arithmetic.take(rising, cells)
    size, there = abs(rate(high) - rate(low)), cells >= 0
    zero, half = 0 * low, arithmetic.array(1) / 2

    def falling(t: Array) -> tuple[Array, Array]:
        # Without a slope, the root is bisected.
        value = arithmetic.ratio(rate(low + t * (high - low)), size)
        value = arithmetic.where(down, value, -value)
        return arithmetic.where(there, value, half - t), zero

    turns = low + arithmetic.plain(arithmetic.root(falling, zero, zero + 1)) * (high - low)
    turns = arithmetic.where(there & (turns == turns), turns, 0)
    return arithmetic.ascending(arithmetic.joined([grid, turns]))


class _Ends(NamedTuple):
    """Intervals at a level, as `Cuts` has them, with what moves their ends."""

    first: Array
    places: list[Array]
    #: The derivative of the gain at each end.
    rates: list[Array]


def _ends(problem: _Problem, level: Array) -> _Ends:
    """The values of X at which the gain of each group exceeds a level."""
    rule, channel, _, given, flat, _, pieces, arithmetic = problem
    intercept, slope, column = given.signal_intercept, given.signal_slope, arithmetic.column(level)
    alive = arithmetic.where(channel.eigenvalue > 0, channel.eigenvalue, 1)
    sides = rule.sides(intercept, slope, column / alive, arithmetic)
    nowhere = arithmetic.infinity
    places = [arithmetic.where(flat, nowhere, end) for end in (sides.low, sides.high)]
    rates = [
        channel.eigenvalue * rule.rate(Posterior(intercept + slope * x, slope), x) for x in places
    ]
    first = sides.outer | flat
    for each in pieces:
        mixed = _mixed_ends(rule, each, level, arithmetic)
        among, place = _mixed(each.mixture, channel), each.mixture.places
        first = (among & mixed.first[..., place]) | (~among & first)
        for index in range(max(len(places), len(mixed.places))):
            own = index < len(mixed.places)
            end = mixed.places[index][..., place] if own else nowhere
            rate = mixed.rates[index][..., place] if own else 1
            if index == len(places):
                places.append(0 * channel.noise + nowhere)
                rates.append(0 * channel.noise + 1)
            places[index] = arithmetic.where(among, end, places[index])
            rates[index] = arithmetic.where(among, rate, rates[index])
    return _Ends(first, places, rates)


def _mixed_ends(rule: GainRule, pieces: _Pieces, level: Array, arithmetic: Arithmetic) -> _Ends:
    """The same for the eigenvalues of a mixture."""
    mixture, points, gains = pieces
    column = arithmetic.column(arithmetic.column(level))
    above = gains > column
    cells = arithmetic.changes(above)
    low, high = (arithmetic.take(points, cells + step) for step in (0, 1))
    left, right = (arithmetic.take(gains, cells + step) for step in (0, 1))
    size, downwards, there = abs(right - left), left > right, cells >= 0
    zero, half = 0 * low, arithmetic.array(1) / 2
    eigenvalue = arithmetic.column(mixture.eigenvalue)

    def at(x: Array) -> tuple[Array, Array]:
        there = posterior(mixture, x, arithmetic)
        return eigenvalue * rule.gain(there, x), eigenvalue * rule.rate(there, x)

    def falling(t: Array) -> tuple[Array, Array]:
        gain, rate = at(low + t * (high - low))
        value = arithmetic.ratio(gain - column, size)
        slope = arithmetic.ratio(rate * (high - low), size)
        value = arithmetic.where(there, arithmetic.where(downwards, value, -value), half - t)
        return value, arithmetic.where(there, arithmetic.where(downwards, slope, -slope), -1)

    x = low + arithmetic.root(falling, zero, zero + 1) * (high - low)
    rate = at(x)[1]
    x, rate = arithmetic.where(there, x, arithmetic.infinity), arithmetic.where(there, rate, 1)
    number = range(cells.shape[-1])
    return _Ends(above[..., 0], [x[..., i] for i in number], [rate[..., i] for i in number])


def _level(problem: _Problem, alpha: Array, arithmetic: Arithmetic) -> tuple[Array, Array, Array]:
    """The level psi, which groups tie with it, and the share of these that is kept."""
    inside = (alpha > 0) & (alpha < 1)
    alpha = arithmetic.where(inside, alpha, arithmetic.array(1) / 2)
    to_drop = 1 - alpha
    few_kept = ~arithmetic.beyond(alpha, to_drop)
    largest = _largest(problem, arithmetic.minimum(alpha, to_drop))
    unit = largest * arithmetic.array(_UNIT)
    untied = problem.flat & False
    half_digits = arithmetic.sqrt(arithmetic.array(arithmetic.eps))
    quarter = arithmetic.sqrt(half_digits)

    def falling(y: Array) -> tuple[Array, Array]:
        kept, dropped, density = _masses(problem, unit * arithmetic.sinh(y), untied)
        # The smaller of the two fractions is rounded less.
        kept, dropped = (arithmetic.maximum(x, arithmetic.tiny) for x in (kept, dropped))
        value = arithmetic.log(arithmetic.where(few_kept, kept / alpha, to_drop / dropped))
        slope = density / arithmetic.where(few_kept, kept, dropped) * unit * arithmetic.cosh(y)
        # Next to a level at which two ends meet the density is infinite.  A slope of 0 makes the
        # root finder halve its bracket there, instead of taking a step that is too short to count.
        far = arithmetic.beyond(abs(value), half_digits)
        endless = far & arithmetic.beyond(slope * half_digits * quarter, abs(value))
        return value, arithmetic.where(endless, 0, -slope)

    reach = arithmetic.arsinh(largest / unit)
    # Halving the bracket does not try the level 0, whose sign an enclosure leaves open.
    y = arithmetic.root(falling, -reach, reach * 9 / 8, _guess(problem, alpha, unit))
    level = unit * arithmetic.sinh(y)
    if not arithmetic.any(problem.flat):
        return level, untied, 0 * level
    return _tied_with_constant(problem, alpha, level, y, unit)


def _tied_with_constant(
    problem: _Problem, alpha: Array, level: Array, y: Array, unit: Array
) -> tuple[Array, Array, Array]:
    """The level, moved onto the constant gain of a group that it meets, if any; as `_level`."""
    flat, constant, arithmetic = problem.flat, problem.constant, problem.arithmetic
    places = arithmetic.arsinh(arithmetic.plain(constant) / arithmetic.column(unit))
    distance = abs(places - arithmetic.column(arithmetic.plain(y)))
    distance = arithmetic.where(flat, distance, arithmetic.infinity)
    nearest = arithmetic.over_groups("argmin", distance)
    precision = _NEAR * arithmetic.eps * arithmetic.maximum(abs(y), 1)
    near = ~arithmetic.beyond(arithmetic.pick(distance, nearest), arithmetic.plain(precision))
    met_gain = arithmetic.pick(constant, nearest)
    column = arithmetic.column(met_gain)
    tied = flat & (abs(constant - column) <= 8 * arithmetic.rounding * abs(column))
    above, below, _ = _masses(problem, met_gain, tied)
    weight = arithmetic.sum(arithmetic.where(tied, 1, 0), problem.channel.weight)
    rounding = 16 * arithmetic.rounding
    met = near & (above <= alpha + rounding) & (alpha <= above + weight + rounding)
    # Of the share kept and the share dropped, the one of smaller numbers is rounded less.
    to_drop = 1 - alpha
    few_kept = ~arithmetic.beyond(alpha, to_drop)
    share = arithmetic.ratio(arithmetic.where(few_kept, alpha - above, to_drop - below), weight)
    share = arithmetic.minimum(1, arithmetic.maximum(0, share))
    tie = arithmetic.where(few_kept, share, 1 - share)
    return arithmetic.where(met, met_gain, level), tied & met[..., None], tie


def _shares(problem: _Problem, level: Array) -> Array:
    """Of each group, the share kept where its gain is constant; else 1."""
    arithmetic = problem.arithmetic
    above = arithmetic.step_down(arithmetic.column(level) - problem.constant)
    return arithmetic.where(problem.flat, above, 1)


def _masses(problem: _Problem, level: Array, tied: Array) -> tuple[Array, ...]:
    """Fractions of the weights whose gain lies above and below a level, and its density there.

    Groups that are `tied` count in none of them.
    """
    score, arithmetic = problem.score, problem.arithmetic
    first, places, rates = _ends(problem, level)
    cuts = Cuts(level, level, first, _shares(problem, level), tuple(places))
    kept, dropped = cuts.moments(score, arithmetic)
    spread = arithmetic.where(score.spread > 0, score.spread, 1)
    of_gains = 0 * kept.mass
    for place, rate in zip(places, rates, strict=True):
        here = arithmetic.normal_density((place - score.center) / spread) / spread
        of_gains = of_gains + arithmetic.where(here > 0, arithmetic.ratio(here, abs(rate)), 0)
    columns = (arithmetic.where(tied, 0, x) for x in (kept.mass, dropped.mass, of_gains))
    table = _Masses(problem.channel.weight, *columns)
    return arithmetic.expect(lambda part: tuple(part[1:]), table)


class _Masses(NamedTuple):
    """Per group, the masses above and below a level, and the density of gains there."""

    weight: Array
    above: Array
    below: Array
    density: Array


def _largest(problem: _Problem, fraction: Array) -> Array:
    r"""A size that the gains of less than half a `fraction` of the weights exceed.

    With the smaller one of alpha and 1 - alpha as the fraction, the level at which alpha is kept
    lies between minus and plus this size.  The few weights whose eigenvalue is far larger, in the
    tail of a continuous law, must not set the unit in which the level is searched.  (Weights that
    are further from their center than floats show are not counted.)
    """
    channel, score, given, arithmetic = (
        problem.channel,
        problem.score,
        problem.given,
        problem.arithmetic,
    )
    reach = abs(score.center) + _REACH * score.spread
    value = reach + abs(given.signal_intercept) + given.signal_slope * reach
    bound = arithmetic.plain(channel.eigenvalue * value * value)
    for each in problem.pieces:
        over_points = arithmetic.over_groups("max", abs(each.gains))[..., each.mixture.places]
        bound = arithmetic.where(
            _mixed(each.mixture, channel), arithmetic.maximum(bound, over_points), bound
        )
    # G groups, each of less than fraction/(2 G) of the weights, are less than half the fraction.
    few = 2 * channel.weight.size * channel.weight < arithmetic.column(arithmetic.plain(fraction))
    largest = arithmetic.over_groups("max", arithmetic.where(few, 0, bound))
    return arithmetic.where(largest > 0, largest, 1)


def _guess(problem: _Problem, alpha: Array, unit: Array) -> Array | None:
    """The level, in y, from which an arithmetic of slow operations starts: that of floats."""
    arithmetic = problem.arithmetic
    if not arithmetic.slow:
        return None
    floats = Channel(*map(arithmetic.floats, problem.channel))
    cuts = cut_at(floats, problem.rule, arithmetic.floats(alpha), FLOAT64)
    value = FLOAT64.where(abs(cuts.value) < FLOAT64.infinity, cuts.value, 0)
    return arithmetic.arsinh(arithmetic.array(value) / unit)


def _beyond(problem: _Problem, cuts: Cuts) -> Array:
    r"""As `Cuts.beyond`, by quadrature over the cells of mixtures; 0 for other groups."""
    arithmetic, channel = problem.arithmetic, problem.channel
    found = 0 * channel.noise
    for pieces in problem.pieces:
        mixture, sums = pieces.mixture, _beyond_of_components(pieces.mixture, cuts, arithmetic)
        for members, value in zip(mixture.members, sums, strict=True):
            mixed = members & (channel.noise > 0)
            found = arithmetic.where(mixed, value[..., mixture.places], found)
    return found


def _beyond_of_components(mixture: Mixture, cuts: Cuts, arithmetic: Arithmetic) -> list[Array]:
    """The same for each component of a mixture, along its eigenvalues."""
    parts = [Component(*map(arithmetic.column, part)) for part in mixture.components]
    points = nodes(mixture.plain(arithmetic), 1, arithmetic)
    shares, weights = arithmetic.gauss_legendre()
    first = cuts.first[..., mixture.first][..., None]
    # The kept intervals lie between points[0], the ends, and points[-1].
    inner = [arithmetic.column(end[..., mixture.first]) for end in cuts.ends]
    edges = [points[..., :1], *inner, points[..., -1:]]
    sums = [0 * part.center[..., 0] for part in parts]
    for index, (lower, upper) in enumerate(pairwise(edges)):
        kept = first if index % 2 == 0 else ~first
        # The part of each cell that lies in the interval; it is empty for most cells.
        low = arithmetic.minimum(arithmetic.maximum(points[..., :-1], lower), upper)
        high = arithmetic.minimum(arithmetic.maximum(points[..., 1:], lower), upper)
        width = arithmetic.where(kept & (high > low), high - low, 0)
        low = arithmetic.where(width > 0, low, 0)
        for share, weight in zip(shares, weights, strict=True):
            x = low + share * width
            mean = posterior(mixture, x, arithmetic).mean
            for place, part in enumerate(parts):
                missed = part.intercept + part.slope * x - mean
                value = density(part, x, arithmetic) * missed * missed
                sums[place] = sums[place] + arithmetic.total(weight * width * value)
    return sums
