"""Two-layer networks: training, measures of importance, pruning, and where magnitude fails.

Rescaling the layers, :math:`(W, v)\\to(\\eta W, v/\\eta)`, leaves the function of a network as it
is, but changes all magnitudes.  So magnitude pruning depends on the scale of the start.
"""

from .diagonal import DiagonalNetwork
from .importance import Importance, hessian, magnitude, natural, obs, restored
from .initial_pruning import deleting_scale, kept_at_start
from .lazy import LazyPrediction, Modes, lazy_limit, lazy_prediction, modes, tangent_kernel
from .network import Layers, Network, mean_squared_error
from .pruning import Pruned, by_layer, globally, prune
from .sweeps import sweep
from .tasks import Digits, Task, Teacher
from .training import Training, gradient_descent, gradient_flow
from .two_layer import TwoLayer

__all__ = [
    "DiagonalNetwork",
    "Digits",
    "Importance",
    "Layers",
    "LazyPrediction",
    "Modes",
    "Network",
    "Pruned",
    "Task",
    "Teacher",
    "Training",
    "TwoLayer",
    "by_layer",
    "deleting_scale",
    "globally",
    "gradient_descent",
    "gradient_flow",
    "hessian",
    "kept_at_start",
    "lazy_limit",
    "lazy_prediction",
    "magnitude",
    "mean_squared_error",
    "modes",
    "natural",
    "obs",
    "prune",
    "restored",
    "sweep",
    "tangent_kernel",
]
