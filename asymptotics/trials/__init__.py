"""Random trials: run in parallel, stored in a file, and resumed from it.

This package does not know what a trial computes.  The linear model and the networks each derive a
class from `Experiment`; everything here works on any such class.
"""

from .experiment import Experiment, run_trial
from .store import Store

__all__ = ["Experiment", "Store", "run_trial"]
