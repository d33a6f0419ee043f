"""Settings of all tests: Hypothesis draws the same examples in every run, no figure is shown."""

import matplotlib as mpl
from hypothesis import HealthCheck, settings

mpl.use("agg")
settings.register_profile(
    "reproducible",
    deadline=None,  # a slow machine is no failure
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("reproducible")
