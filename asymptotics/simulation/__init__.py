"""Simulation of the finite problem: it shares the population with the theory, but no formula.

`realise` turns a population into a `FiniteProblem` of p features and n samples; `Sampler.draw`
draws true and trained weights; `pruned_errors` prunes them and computes the test error; and
`retrained_trial` trains the weights kept a second time.  A `LinearExperiment` does all of this in
each trial.
"""

from ..trials import Experiment, Store, run_trial
from .dense import Dense
from .designs import Law, as_law
from .exact import Exact
from .finite import FiniteProblem, Retraining, realise
from .gaussian_matrix import GaussianMatrix
from .implicit import Implicit
from .pruning import pruned_errors
from .retraining import retrained_trial
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
    "Retraining",
    "Sampler",
    "Store",
    "as_law",
    "pruned_errors",
    "realise",
    "retrained_trial",
    "run_trial",
]
