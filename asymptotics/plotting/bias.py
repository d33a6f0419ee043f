"""What training finds of each group, how large it gets, and what pruning costs."""

import numpy as np
from matplotlib.figure import Figure

from ..arithmetic import Array
from ..errors import InvalidInput
from ..results import HessianBias
from .style import (
    COLOURS,
    DASHES,
    SYMBOLS,
    abscissa,
    finish_panels,
    floats,
    logarithmic_ordinate,
    panels,
    require_few,
    rule_label,
    value_label,
)


def plot_bias(bias: HessianBias, figure: Figure | None = None, x: str | None = None) -> Figure:
    """Draw what is found of each group against one parameter, the others fixed.

    Parameters
    ----------
    figure : matplotlib Figure, optional
        Where to draw; by default a new ``pyplot`` figure.
    x : {"kappa", "sigma", "alpha", "ridge"}, optional
        The parameter on the axis; by default the one with most values.
    """
    figure = panels(figure)
    draw_bias(bias, figure, x)
    return figure


def draw_bias(bias: HessianBias, figure: Figure, x: str | None = None) -> None:
    """Draw on a figure that is given."""
    x, varying = abscissa(bias, x, SYMBOLS)
    if varying:
        raise InvalidInput(varying[0], "several values", "must be fixed in a figure")
    groups = bias.shape[-1]
    require_few(groups, "groups")
    order = np.argsort(floats(getattr(bias, x))[..., 0], axis=None)

    def curve(name: str, group: int = 0) -> Array:
        return np.asarray(floats(getattr(bias, name))[..., group].ravel()[order])

    found, size, cost = figure.subplots(1, 3)
    for group in range(groups):
        style = {
            "color": COLOURS[group % len(COLOURS)],
            "linestyle": DASHES[group % len(DASHES)],
            "label": rf"$\Lambda = {curve('eigenvalue', group)[0]:.4g}$",
        }
        found.plot(curve(x), curve("found", group), **style)
        size.plot(curve(x), curve("magnitude", group), **style)
    names = (("unpruned_risk", "before pruning"), ("magnitude_risk", "magnitude"),
             ("covariance_risk", rule_label("covariance")))  # fmt: skip
    for number, (name, label) in enumerate(names):
        colour = COLOURS[number - 1]
        cost.plot(curve(x), curve(name), color=colour, linestyle=DASHES[number], label=label)
    found.set_ylabel(r"share found $\Lambda/(\Lambda+\tau)$")
    found.set_ylim(0, 1.05)
    size.set_ylabel(r"magnitude $\sqrt{E[X^2]}$ when trained")
    cost.set_ylabel("test error (units of $y^2$)")
    for ax in (size, cost):
        logarithmic_ordinate(ax)
    fixed = [value_label(key, float(curve(key)[0])) for key in SYMBOLS if key != x]
    finish_panels(figure, x, curve(x), fixed)
