"""The predicted risk over a grid of problems."""

from typing import Any

from ..line.digits import agreed_columns, proved_columns
from ..line.grid import RulesLike, as_grid, asked_refit
from ..line.rows import Progress, risk_columns
from ..parameters import flag, function, whole
from ..population import Population, as_population
from ..results import CertifiedRetrainedRisk, CertifiedRisk, RetrainedRisk, RiskResult

#: With `certify` and without `digits`, this many digits are proved.
_CERTIFIED = 15


def risk(
    population: Population,
    kappa: Any,
    sigma: Any,
    alpha: Any,
    ridge: Any = 0.0,
    rule: RulesLike = "magnitude",
    *,
    retrain: bool = False,
    retrain_ridge: Any = None,
    retrain_towards: Any = None,
    digits: int | None = None,
    certify: bool = False,
    progress: Progress | None = None,
) -> RiskResult:
    r"""The asymptotic test error of a linear model that is trained, then pruned.

    Parameters
    ----------
    population : Population
        The joint law of eigenvalues and coefficients :math:`B=\sqrt p\,\beta^*`.
    kappa : array_like, > 0
        Features per sample, p/n.
    sigma : array_like, >= 0
        Standard deviation of the label noise.
    alpha : array_like, in [0, 1]
        Fraction of all weights that is kept.
    ridge : array_like, >= 0
        Ridge ``r`` of :math:`\|y-Xb\|^2/n + r\|b\|^2`; 0 is least squares, or the minimum-norm
        interpolator where there are fewer samples than features.
    rule : str, mapping or Rule, or an array of them
        ``"magnitude"``, ``"covariance"`` (Hessian), ``"random"``, ``"oracle"``, ``"exponent=q"``
        or ``{"exponent": q}``; ``"optimal"``, the best mask that sees trained weights and
        eigenvalues, and ``"shrunk"``, the best estimate of so many weights.  The last two know the
        law of the coefficients; see `asymptotics.theory.rules`.
    retrain : bool
        Train the kept weights a second time, on the same data.  The result is then a
        `RetrainedRisk`, with the risks before and after.
    retrain_ridge : array_like, >= 0, optional
        Ridge of the second fit, 0 unless given; it needs ``retrain=True``.
    retrain_towards : {"zero", "pruned"} or an array of them, optional
        Where that ridge draws the weights: to ``"zero"`` (the default), or to the ``"pruned"``
        weights, as in fine-tuning; it needs ``retrain=True``.
    digits : int, optional
        Compute in multiprecision until two precisions agree to this many decimal digits.  Every
        number then enters with its exact value, a float with its binary one.  For a continuous law
        a value has only the digits that the error of its quadrature leaves.
    certify : bool
        Prove the digits (15 of them unless `digits` says otherwise): the result has `lower` and
        `upper`, which enclose the exact value of the formula for the numbers given.  Needs the
        extra ``asymptotics[certify]``; for up to 1,000 groups.

    Returns
    -------
    RiskResult
        Its arrays have the shape to which all parameters broadcast.  Each point is computed
        independently: its values do not depend on the rest of the grid.

        The risk is infinite with noise and without ridge at the interpolation threshold; it is then
        ``inf`` with status ``"diverges"``.  In double precision kappa P(Λ>0) counts as 1 if it
        differs from 1 by at most four rounding errors.

        The risk is NaN with status ``"no convergence"`` if its relative error in double precision
        may exceed 1e-8, or if no two precisions agree on the digits asked for.  For a continuous
        law the status is the same where a finer quadrature changes the risk by more than 1e-8, or
        the population's `tolerance` if that is larger.  The share of weights that ``"optimal"``
        keeps is not smooth along a law, so that it often needs a tolerance of 1e-5.

        With `certify` the result is a `CertifiedRisk`.  Where a proof fails, its status is
        ``"undecided"`` and its bounds are the best that were proved.

    Raises
    ------
    InvalidInput
        A parameter outside its domain; it is also a `ValueError`.  With `certify`, a population of
        too many groups, or one whose groups only approximate a continuous law.  With ``"optimal"``
        or ``"shrunk"``, a population in which more than 16 laws of coefficients share an
        eigenvalue, or with `certify` more than one; ``"shrunk"`` with
        ``retrain_towards="pruned"``.

    Examples
    --------
    >>> from asymptotics import Population, risk
    >>> two = Population(weight=[0.5, 0.5], eigenvalue=[10, 1], std=1)
    >>> risk(two, kappa=2, sigma=0.5, alpha=0.4, rule=["magnitude", "covariance"]).risk.round(6)
    array([2.509091, 2.354735])
    >>> proved = risk(two, kappa=2, sigma=0.5, alpha=0.4, certify=True)
    >>> print(proved.lower, proved.upper)
    2.50909112435674422 2.50909112435674423
    """
    population = as_population(population)
    refit = asked_refit(retrain, retrain_ridge, retrain_towards)
    grid = as_grid(kappa, sigma, alpha, ridge, rule, refit)
    kind: type[RiskResult] = RiskResult if refit is None else RetrainedRisk
    if progress is not None:
        function("progress", progress)
    if flag("certify", certify):
        kind = CertifiedRisk if refit is None else CertifiedRetrainedRisk
        digits = whole("digits", _CERTIFIED if digits is None else digits)
        columns = proved_columns(population, grid.flat(), digits, progress)
    elif digits is not None:
        columns = agreed_columns(population, grid.flat(), whole("digits", digits), progress)
    else:
        grid = grid.in_floats()
        columns = risk_columns(population, grid, progress)
    columns |= grid.flat().columns
    shape = grid.shape
    return kind(
        population=population,
        digits=digits,
        **{key: column.reshape(shape) for key, column in columns.items()},
    )
