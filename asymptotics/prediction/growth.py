"""Train small, or train big and prune: risks of models that grow and keep as many weights."""

from typing import Any

import numpy as np

from ..arithmetic import Array
from ..domains import DOMAINS
from ..errors import InvalidInput
from ..line.grid import RulesLike, as_grid, as_refit
from ..line.growth import Models, growth_columns
from ..line.rows import Progress
from ..parameters import broadcast_shape, function, parameter, scalar
from ..population import Population, as_population
from ..results import Growth


def growth(
    population: Population,
    full_kappa: Any,
    kappa: Any,
    kept: Any,
    sigma: Any,
    ridge: Any = 0.0,
    rule: RulesLike = ("magnitude", "covariance"),
    retrain_ridge: Any = 0.0,
    *,
    progress: Progress | None = None,
) -> Growth:
    r"""The test error of models that see more and more features and keep the same number.

    A model sees the first features of the population, in the order of its groups, which are best
    listed by importance.  What it does not see is noise: seeing a fraction :math:`\zeta`, it has
    :math:`\zeta\kappa` features for each sample, coefficients :math:`\sqrt\zeta B`, and label noise
    of variance :math:`\sigma^2 + E[\Lambda B^2; unseen]`.  It is trained on all it sees and then
    pruned to the size asked for.  Beside it stands the small model, which is trained on as many of
    the first features as are kept.

    Parameters
    ----------
    population : Population
        All features, in groups; no continuous law.
    full_kappa : number > 0
        Features for each sample, p/n, if all are seen.
    kappa : array_like, > 0
        Features for each sample that the model sees, at most `full_kappa`.
    kept : array_like, > 0
        Weights for each sample that it keeps, at most `full_kappa`; all that it sees where that is
        less.
    sigma, ridge : array_like
        As in `asymptotics.risk`.
    rule : str, mapping or Rule, or an array of them
        As in `asymptotics.risk`.
    retrain_ridge : array_like, >= 0
        Ridge of the fit of the weights kept, and of the small model.

    Returns
    -------
    Growth
        Its arrays have the shape to which all parameters but `full_kappa` broadcast; with one rule
        or a list of them, give the numbers an axis each: ``kappa[:, None]``.

    Raises
    ------
    InvalidInput
        A parameter outside its domain, or a population that is a continuous law.

    Examples
    --------
    >>> import numpy as np
    >>> from asymptotics import Population, growth
    >>> std = np.sqrt(5) * np.array([1.2, 0.35])  # of sqrt(p) beta, where p = 5 n
    >>> features = Population(weight=[0.7, 4.3], eigenvalue=[4, 1], std=std)
    >>> grown = growth(features, 5, np.array([[0.9], [4]]), kept=0.7, sigma=0.5)
    >>> grown.pruned_risk.round(4)  # by magnitude and by covariance
    array([[7.5102, 7.5007],
           [2.4923, 2.3063]])
    >>> grown.small_risk[0, 0].round(4).item(), grown.retrained_risk[1].round(4).tolist()
    (2.5892, [3.3919, 2.8651])
    """
    population = as_population(population)
    if population.tolerance > 0:
        allowed = "must be groups in order of importance, no continuous law"
        raise InvalidInput("population", repr(population).splitlines()[0], allowed)
    full = float(scalar("full_kappa", full_kappa, DOMAINS["kappa"]))
    refit = as_refit(retrain_ridge, "zero")
    grid = as_grid(kappa, sigma, 1.0, ridge, rule, refit).in_floats()
    size = np.asarray(parameter("kept", kept, DOMAINS["kappa"]), dtype=np.float64)
    for name, column in (("kappa", grid.kappa), ("kept", size)):
        if (column > full).any():
            raise InvalidInput(name, column.max().item(), f"must be at most full_kappa, {full:g}")
    if progress is not None:
        function("progress", progress)
    given = {key: grid.columns[key] for key in ("kappa", "sigma", "ridge", "retrain_ridge", "rule")}
    given["kept"] = size
    shape = broadcast_shape(given)
    if 0 in shape:
        raise InvalidInput("models", f"shape {shape}", "must be one or more")

    def flat(column: Array) -> Array:
        return np.broadcast_to(column, shape).ravel()

    models = Models(**{key: flat(given[key]) for key in Models._fields})
    columns = models._asdict() | growth_columns(population, full, models, progress)
    return Growth(
        population=population,
        full_kappa=full,
        **{key: column.reshape(shape) for key, column in columns.items()},
    )
