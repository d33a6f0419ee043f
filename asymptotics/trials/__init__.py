"""Random trials: what one is, and how many of them are run, stored and taken up again.

Nothing here knows what is tried: the linear model and networks each bring an `Experiment`.
"""

from .experiment import Experiment, run_trial
from .store import Store

__all__ = ["Experiment", "Store", "run_trial"]
