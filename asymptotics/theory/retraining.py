r"""Stage 6: the risk after a second fit, to the same data, of the weights that were kept.

With :math:`S` the kept weights, the second fit minimises

.. math:: \|y-X_Sb\|^2/n + r_2\|b-\chi b_1\|^2,

where :math:`b_1` are the kept weights of the first fit: :math:`\chi=0` shrinks towards zero,
:math:`\chi=1` towards the pruned weights (fine-tuning).  Its effective ridge :math:`\tau_2` solves

.. math:: 1 - r_2/\tau_2 = \kappa\,E[\Lambda/(\Lambda+\tau_2);S].

A mask that was chosen by the data knows their noise, so that the second fit is not one of a smaller
model.  With :math:`W=\Lambda/(\Lambda+\tau_2)`, :math:`\bar W=1-W`, and with :math:`N` the noise of
the first fit, :math:`X=aB+N`, a retrained weight errs by

.. math:: e = -\bar W(B-\chi X) + W(\theta N/a + h\tau X/\Lambda),

beside noise that is new to it.  The two numbers :math:`\theta` and :math:`h` say how much of the
first fit's noise and of what its ridge left over the second fit takes up.  They solve two linear
equations, in which the mask enters by its boundary (Stein's lemma): for a function
:math:`\psi(x)` of a trained weight,

.. math:: \partial[\psi] = \sum_g w_g\{f_g(T)\psi(T) - f_g(-T)\psi(-T)\},

with :math:`f_g` the density of ``X`` in group ``g`` and ``T`` its threshold.  For linear functions,
:math:`\psi = \psi_0 + \psi_1 z` of the standardised weight ``z``, this is
:math:`\sum w\{\psi_0 E[z;S] + \psi_1 E[z^2-1;S]\}/\sqrt{v_x}`.  A mask that is independent of the
noise (random, oracle) has no such terms.
"""

from typing import Any, NamedTuple

from ..arithmetic import FLOAT64, QUIET, Arithmetic, Array
from ..arithmetic.base import Mass
from ..parameters import choice, own_or_checked
from ..population import Groups, Population
from .channels import Channel
from .cuts import cut_at
from .fixed_points import FixedPoint, effective_ridge, features_excess, or_interpolation, share_left
from .risk import dropped_signal
from .rules import RANDOM, Random, Regression, Rule, Score
from .truncated_gaussian import Cuts, Threshold, boundary_moments, truncated_moments

#: A difference from 1 of so few rounding errors has lost more digits than a risk may.
_LOST = 10**7
#: Where the ridge of a second fit draws its weights: to zero, or to the pruned weights.
TOWARDS = ("zero", "pruned")


class Kept(NamedTuple):
    """Per group, the trained weights and what the mask keeps of them."""

    weight: Array
    eigenvalue: Array
    #: m, or |m| where weights of either sign are kept alike.
    mean: Array
    std: Array
    #: a, 1 - a and v of the channel.
    shrinkage: Array
    bias: Array
    noise: Array
    #: P(S).
    mass: Array
    #: E[B²; S] and E[B²; not S].
    signal: Array
    dropped_signal: Array
    #: E[z; S]/√v_x and E[z² - 1; S]: what the boundary of the mask tells of the noise.
    level: Array
    rise: Array
    #: v/v_x, and the slope c = a s²/v_x of B on X.
    retained: Array
    slope: Array

    @property
    def groups(self) -> Groups:
        """The features kept, as groups of which a part of the weight is left."""
        return Groups(self.weight * self.mass, self.eigenvalue, self.mean, self.std)


class SecondRidge(NamedTuple):
    """The effective ridge of the second fit, on the grid."""

    tau: Array
    #: 1 - κ E[W; S], the share of the samples that the second fit leaves free.
    free: Array
    #: How far the equation of `tau` is from holding: the log of the ratio of its two sides.
    residual: Array


class Mask(NamedTuple):
    """How weights are chosen: by a score with a threshold, or by a gain with cuts."""

    #: The law by which weights are ranked.
    law: Channel
    score: Score
    threshold: Threshold | Cuts
    #: What the observed number tells of the coefficients.
    regression: Regression
    #: Whether it holds the noise of the trained weights, on the grid.
    sees_noise: Array


class SecondFit(NamedTuple):
    """What the risk of the second fit is a function of."""

    kept: Kept
    fixed: FixedPoint
    second_ridge: SecondRidge
    sigma: Array
    #: κ₊ - 1 of the first fit.
    excess: Array
    #: χ.
    towards_pruned: Array


class Equations(NamedTuple):
    r"""Two linear equations for :math:`\theta` and h, on the grid: `by_theta` θ + `by_left` h."""

    first_by_theta: Array
    first_by_left: Array
    first: Array
    second_by_theta: Array
    second_by_left: Array
    second: Array


class Error(NamedTuple):
    """Per group, the error of a retrained weight, ``signal B + (taken + fresh) N``.

    ``taken N`` alone would be noise that is new to the second fit.
    """

    signal: Array
    taken: Array
    fresh: Array


class Retrained(NamedTuple):
    """The second fit, each of the shape of the grid."""

    #: The test error, noise included.
    risk: Array
    #: How much it takes up of the first fit's noise, and of what the first fit's ridge left over.
    theta: Array
    leftover: Array


def retrained_risk(
    population: Population,
    fixed: FixedPoint,
    channel: Channel,
    sigma: Any,
    alpha: Any,
    rule: Rule,
    threshold: Threshold | Cuts,
    retrain_ridge: Any = 0.0,
    retrain_towards: str = "zero",
    arithmetic: Arithmetic = FLOAT64,
) -> Retrained:
    """The second fit of the weights that a rule keeps at a threshold, for a finite noise level.

    Raises `InvalidInput` for a parameter outside its domain.

    >>> from asymptotics import Population, theory
    >>> population = Population.isotropic()
    >>> fixed = theory.fixed_point(population, kappa=0.8, sigma=0.5)
    >>> law = theory.channel(population, fixed)
    >>> cut = theory.threshold(theory.RANDOM.score(law), 0.5)
    >>> again = retrained_risk(population, fixed, law, 0.5, 0.5, theory.RANDOM, cut)
    >>> again.risk.round(12).item()  # (sigma² + 0.5) / (1 - 0.5 kappa)
    1.25
    """
    given = {"sigma": sigma, "alpha": alpha, "retrain_ridge": retrain_ridge}
    sigma, alpha, ridge = (own_or_checked(key, x, arithmetic) for key, x in given.items())
    pulled = choice("retrain_towards", retrain_towards, TOWARDS) == TOWARDS[1]
    chi = arithmetic.array(1 if pulled else 0)
    infinite = fixed.gamma == arithmetic.infinity
    mask = mask_at(channel, rule, threshold, alpha, infinite, arithmetic)
    fit = second_fit_at(
        population, fixed, mask, fixed.kappa, sigma, alpha, rule, ridge, chi, arithmetic
    )
    return retrained_at(fit, arithmetic)


@QUIET
def mask_at(
    law: Channel,
    rule: Rule,
    threshold: Threshold | Cuts,
    alpha: Array,
    infinite: Array,
    arithmetic: Arithmetic,
) -> Mask:
    """The mask of a rule; where the noise level is `infinite`, `law` has 1 in its place.

    Infinite weights are ranked by their noise alone, which tells nothing of the coefficients.
    """
    regression = rule.regression(law, arithmetic)
    blind = infinite & rule.sees_noise
    if arithmetic.any(blind):
        column = arithmetic.column(blind)
        pairs = zip(RANDOM.regression(law, arithmetic), regression, strict=True)
        regression = Regression(*(arithmetic.where(column, x, y) for x, y in pairs))
        mean, std = (arithmetic.where(column, 0, x) for x in (law.mean, law.std))
        law = law._replace(mean=mean, std=std)
        threshold = cut_at(law, rule, alpha, arithmetic)
    score = rule.score(law, arithmetic)
    return Mask(law, score, threshold, regression, ~blind & rule.sees_noise)


@QUIET
def second_fit_at(
    population: Population,
    fixed: FixedPoint,
    mask: Mask,
    kappa: Array,
    sigma: Array,
    alpha: Array,
    rule: Rule,
    ridge: Array,
    towards_pruned: Array,
    arithmetic: Arithmetic,
) -> SecondFit:
    """The inputs of the second fit at checked parameters: exact, or numbers of the arithmetic."""
    groups = population.groups(arithmetic)
    kept = kept_weights(
        mask._replace(law=mask.law._replace(mean=groups.mean, std=groups.std)), arithmetic
    )
    excess = kept_excess(population, mask, kept, kappa, alpha, rule, arithmetic)
    return SecondFit(
        kept,
        fixed,
        second_ridge(kept.groups, fixed.kappa, arithmetic.taken(ridge), excess, arithmetic),
        arithmetic.taken(sigma),
        features_excess(kappa, population.mass_above(0, arithmetic), arithmetic),
        towards_pruned,
    )


def kept_weights(mask: Mask, arithmetic: Arithmetic = FLOAT64) -> Kept:
    """What a mask keeps of the trained weights, in each group; its law is theirs."""
    channel, score, threshold, regression, sees_noise = mask
    kept, dropped = truncated_moments(score, threshold, arithmetic)
    mean, gain = threshold.oriented(channel.mean), regression.signal_slope
    signal = (
        (mean * mean + regression.signal_variance) * kept.mass
        + 2 * mean * gain * kept.first
        + gain * gain * kept.second
    )
    level, rise = 0 * kept.mass, 0 * kept.mass
    if arithmetic.any(sees_noise):
        column = arithmetic.column(sees_noise)
        level, rise = boundary_moments(score, threshold, arithmetic)
        level = arithmetic.where(column, arithmetic.ratio(level, score.spread), 0)
        rise = arithmetic.where(column, rise, 0)
    variance = score.spread * score.spread
    return Kept(
        channel.weight,
        channel.eigenvalue,
        mean,
        channel.std,
        channel.shrinkage,
        channel.bias,
        channel.noise,
        kept.mass,
        signal,
        dropped_signal(regression, dropped),
        level,
        rise,
        arithmetic.ratio(channel.noise, variance),
        gain,
    )


def kept_excess(
    population: Population,
    mask: Mask,
    kept: Kept,
    kappa: Array,
    alpha: Array,
    rule: Rule,
    arithmetic: Arithmetic,
) -> Array:
    r""":math:`\rho - 1`, with :math:`\rho=\kappa P(\Lambda>0, S)` the kept features per sample.

    Features of eigenvalue 0 do not count.  The random rule keeps as many of them as of others.
    The other rules keep them last, at random among all weights of score 0.  `kappa` and `alpha` are
    exact, or numbers of the arithmetic.  Within roundings of 0 the number is as it was computed: a
    positive ridge distinguishes it from 0, and at 0 it has slopes.
    """
    alive = population.mass_above(0, arithmetic)
    if isinstance(rule, Random):
        return arithmetic.excess(kappa, alive.part(alpha))
    few = arithmetic.excess(kappa, Mass(alpha, 0 * alive.rest))
    if isinstance(mask.threshold, Cuts):
        return _excess_at_cuts(few, kept, kappa, arithmetic)
    all_alive = _all_alive_excess(mask.score, population, kappa, alpha, alive, arithmetic)
    return arithmetic.minimum(few, all_alive)


def _excess_at_cuts(few: Array, kept: Kept, kappa: Array, arithmetic: Arithmetic) -> Array:
    r""":math:`\rho-1` for a rule that ranks by a gain; `few` is it if no dead feature is kept.

    Features of eigenvalue 0 have gain 0.  Far from 0 the excess comes from the masses that are kept
    as they were computed: the equation of the second ridge takes them from it again.
    """

    def integrand(part: Kept) -> tuple[Array, ...]:
        alive = part.eigenvalue > 0
        return arithmetic.where(alive, part.mass, 0), arithmetic.where(alive, 0, part.mass)

    alive, dead = arithmetic.expect(integrand, kept)
    computed = arithmetic.taken(kappa) * alive - 1
    exact = (dead == 0) & ~arithmetic.beyond(abs(few), arithmetic.array(1) / 10)
    return arithmetic.where(exact, few, _without_lost_digits(computed, arithmetic))


def _all_alive_excess(
    score: Score,
    population: Population,
    kappa: Array,
    alpha: Array,
    alive: Mass,
    arithmetic: Arithmetic,
) -> Array:
    r""":math:`\rho - 1` if the weights of positive score are fewer than those kept.

    Of the weights of score 0, those of eigenvalue 0 are kept as often as those whose trained weight
    vanishes although their eigenvalue does not.
    """
    excess = arithmetic.excess(kappa, alive)
    eigenvalue = population.groups(arithmetic).eigenvalue
    vanishing = (score.center == 0) & (score.spread == 0)
    if not arithmetic.any(vanishing & (eigenvalue > 0)):
        return excess

    def integrand(part: _Scored) -> tuple[Array, ...]:
        zero = (part.center == 0) & (part.spread == 0)
        dead = part.eigenvalue == 0
        return tuple(arithmetic.where(x, 1, 0) for x in (~zero, zero & ~dead, zero & dead))

    scored, idle, dead = arithmetic.expect(
        integrand, _Scored(score.weight, eigenvalue, score.center, score.spread)
    )
    share = arithmetic.ratio(idle, idle + dead)
    kept = scored + share * (arithmetic.taken(alpha) - scored)
    mixed = _without_lost_digits(arithmetic.taken(kappa) * kept - 1, arithmetic)
    return arithmetic.where((idle > 0) & (dead > 0), mixed, excess)


def _without_lost_digits(excess: Array, arithmetic: Arithmetic) -> Array:
    """A difference from 1, or NaN where in floats it has lost too many digits near 0."""
    lost = abs(excess) < _LOST * arithmetic.indistinct
    return arithmetic.where(lost, arithmetic.nan, excess)


class _Scored(NamedTuple):
    """Per group, the eigenvalue and the law of the score."""

    weight: Array
    eigenvalue: Array
    center: Array
    spread: Array


@QUIET
def retrained_at(fit: SecondFit, arithmetic: Arithmetic) -> Retrained:
    """The second fit of the kept weights."""
    theta, leftover = taken_up(linear_equations(fit, arithmetic), arithmetic)
    numerator, denominator = risk_parts(fit, theta, leftover, arithmetic)
    divergent = arithmetic.where(numerator > 0, arithmetic.infinity, 0)
    return Retrained(arithmetic.ratio(numerator, denominator, divergent), theta, leftover)


def risk_parts(
    fit: SecondFit, theta: Array, leftover: Array, arithmetic: Arithmetic
) -> tuple[Array, Array]:
    """The risk after the second fit as a quotient, numerator and denominator."""
    kept, fixed, second_ridge, sigma, _, _ = fit

    def error(part: Kept) -> tuple[Array, ...]:
        shares = seen, unseen = shares_of(part, second_ridge.tau, arithmetic)
        signal, taken, fresh = retrained_error(part, shares, fit, theta, leftover, arithmetic)
        excess_noise = part.noise * part.retained * part.rise
        square = (
            signal * signal * part.signal
            + 2 * signal * (taken + fresh) * _signal_by_noise(part)
            + fresh * (fresh + 2 * taken) * (part.noise * part.mass + excess_noise)
            + taken * taken * excess_noise
        )
        eigenvalue = part.eigenvalue
        return eigenvalue * part.dropped_signal, eigenvalue * square, seen * unseen * part.mass

    dropped, erred, spread = arithmetic.expect(error, kept)
    # 1 - kappa E[W²; S], a sum of positive terms.
    denominator = second_ridge.free + fixed.kappa * spread
    return sigma * sigma + dropped + erred, denominator


def retrained_error(
    part: Kept,
    shares: tuple[Array, Array],
    fit: SecondFit,
    theta: Array,
    leftover: Array,
    arithmetic: Arithmetic,
) -> Error:
    """The error of a retrained weight in some groups of a fit; `shares` are W and 1 - W there."""
    tau, theta, left, chi = map(
        arithmetic.column, (fit.fixed.tau, theta, leftover, fit.towards_pruned)
    )
    seen, unseen = shares
    # The coefficient of -(1 - W) is 1 - χ a.
    signal = left * seen * part.bias - unseen * (1 - chi + chi * part.bias)
    taken = arithmetic.ratio(seen * theta, part.shrinkage)
    fresh = arithmetic.ratio(seen * left * tau, part.eigenvalue) + chi * unseen
    return Error(signal, taken, fresh)


def linear_equations(fit: SecondFit, arithmetic: Arithmetic) -> Equations:
    r"""The two linear equations for :math:`\theta` and h.

    The first is Stein's identity :math:`E[G\sqrt\Lambda X_2]` for the noise ``G`` of the first fit,
    the second the covariance of the errors of both fits, over :math:`\gamma`.  A mean over the kept
    weights is a mean over the whole group where the mask is independent of ``x``, and else has a
    boundary term, in which :math:`E[z;S]/\sqrt{v_x}` and :math:`E[z^2-1;S]` take the place of P(S).
    """
    kept, fixed, second_ridge, sigma, excess, chi = fit
    kappa, gamma, free = fixed.kappa, fixed.gamma, second_ridge.free
    tau = arithmetic.column(fixed.tau)

    def coefficients(part: Kept) -> tuple[Array, ...]:
        seen, unseen = shares_of(part, second_ridge.tau, arithmetic)
        a, bias, mass = part.shrinkage, part.bias, part.mass
        # a times b, U, V/a and x at the boundary, weighted by its density.
        of_signal = seen * a * (part.mean * part.level + part.slope * part.rise)
        of_noise = seen * part.retained * part.rise
        of_weight = a * part.mean * part.level + part.rise
        both = _signal_by_weight(part)
        alive = arithmetic.where(part.eigenvalue > 0, 1, 0)
        return (
            bias * seen * mass,
            a * bias * seen * mass,
            a * unseen * mass,
            a * a * unseen * mass,
            of_signal,
            a * of_signal,
            bias * of_signal,
            of_noise,
            a * of_noise,
            bias * seen * of_weight,
            a * bias * seen * of_weight,
            a * unseen * of_weight,
            a * a * unseen * of_weight,
            part.eigenvalue * bias * (part.dropped_signal + unseen * part.signal),
            tau * bias * seen * both,
            part.eigenvalue * bias * unseen * both,
            alive * bias * (1 + a),
        )

    (
        missed, shrunk_missed, damped, shrunk_damped,
        signal, shrunk_signal, missed_signal, noise, shrunk_noise,
        left, shrunk_left, weight, shrunk_weight,
        unexplained, left_product, missed_product, shrinking,
    ) = arithmetic.expect(coefficients, kept)  # fmt: skip

    def per_gamma(x: Array) -> Array:
        return arithmetic.ratio(x, gamma)

    # (σ² + unexplained)/γ.  For least squares σ²/γ is 1 - κE[a²], which is known also where both
    # vanish; 1 - κ₊ and a part that is 0 there, but has a slope in the ridge.
    known = arithmetic.where(
        fixed.tau == 0,
        kappa * shrinking - excess + per_gamma(unexplained),
        per_gamma(sigma * sigma + unexplained),
    )
    by_theta, by_left = noise, free / kappa + missed + left
    first = -signal - chi * (damped + weight)
    second_by_theta = free + kappa * (missed + missed_signal - shrunk_noise)
    second_by_left = per_gamma(left_product) - kappa * (shrunk_missed + shrunk_left)
    second = (
        known
        + kappa * shrunk_signal
        + chi * (kappa * (shrunk_damped + shrunk_weight) - per_gamma(missed_product))
    )
    return Equations(by_theta, by_left, first, second_by_theta, second_by_left, second)


def taken_up(equations: Equations, arithmetic: Arithmetic) -> tuple[Array, Array]:
    r""":math:`\theta` and h, which solve the two equations."""
    by_theta, by_left, first, second_by_theta, second_by_left, second = equations
    determinant = by_left * second_by_theta - by_theta * second_by_left
    theta = arithmetic.ratio(by_left * second - second_by_left * first, determinant)
    leftover = arithmetic.ratio(second_by_theta * first - by_theta * second, determinant)
    return theta, leftover


def shares_of(
    part: Kept | Groups, second_tau: Array, arithmetic: Arithmetic
) -> tuple[Array, Array]:
    """W and 1 - W."""
    alive, tau = part.eigenvalue > 0, arithmetic.column(second_tau)
    total = arithmetic.where(alive, part.eigenvalue + tau, 1)
    return part.eigenvalue / total, arithmetic.where(alive, tau / total, 1)


def _signal_by_noise(part: Kept) -> Array:
    """E[B N; S]: none in a whole group, so that the boundary of the mask alone tells it."""
    return part.noise * part.mean * part.level + part.shrinkage * part.std * part.std * (
        part.retained * part.rise
    )


def _signal_by_weight(part: Kept) -> Array:
    """E[B X; S]."""
    return part.shrinkage * part.signal + _signal_by_noise(part)


@QUIET
def second_ridge(
    groups: Groups, kappa: Array, ridge: Array, excess: Array, arithmetic: Arithmetic
) -> SecondRidge:
    r"""The effective ridge :math:`\tau_2` of the features kept, in `groups` with their weights.

    `excess` is :math:`\rho-1` as it was computed.
    """
    settled = or_interpolation(excess, arithmetic)

    def excess_above(tau: Array) -> Array:
        column = arithmetic.column(tau)

        def integrand(part: Groups) -> tuple[Array, ...]:
            below = (part.eigenvalue > 0) & ~arithmetic.beyond(part.eigenvalue, column)
            return (arithmetic.where(below, 1, 0),)

        (below,) = arithmetic.expect(integrand, groups)
        return excess - kappa * below

    tau, residual = effective_ridge(groups, kappa, ridge, settled, excess_above, None, arithmetic)
    column = arithmetic.column(tau)

    def unseen(part: Groups) -> tuple[Array, ...]:
        alive = part.eigenvalue > 0
        return (arithmetic.where(alive, arithmetic.ratio(column, part.eigenvalue + column), 0),)

    # For least squares the sum is 0, but has a slope in the ridge.
    (missed,) = arithmetic.expect(unseen, groups)
    missed = kappa * missed
    ridged = share_left(ridge, tau, missed, settled, arithmetic)
    free = arithmetic.where((ridge == 0) & (settled <= 0), missed - settled, ridged)
    return SecondRidge(tau, free, residual)
