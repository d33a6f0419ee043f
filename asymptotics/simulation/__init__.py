"""The finite problem, simulated: independent of the theory, from the same population.

population -> `realise` -> a sampler's `draw` -> `pruned_errors`; a `LinearExperiment` is all of it,
and one `Experiment` among others to `run_trial`, the store and the workers.
"""

from ..trials import Experiment, Store, run_trial
from .dense import Dense
from .designs import Law, as_law
from .exact import Exact
from .finite import FiniteProblem, realise
from .gaussian_matrix import GaussianMatrix
from .implicit import Implicit
from .pruning import pruned_errors
from .sampler import Draw, Sampler
from .trials import LinearExperiment

__all__ = [
    "Dense",
    "Draw",
    "Exact",
    "Experiment",
    "FiniteProblem",
    "GaussianMatrix",
    "Implicit",
    "Law",
    "LinearExperiment",
    "Sampler",
    "Store",
    "as_law",
    "pruned_errors",
    "realise",
    "run_trial",
]
