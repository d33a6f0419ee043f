"""Settings of all tests: draws are reproducible, and no figure opens a window."""

import matplotlib as mpl
from hypothesis import HealthCheck, settings

mpl.use("agg")
settings.register_profile(
    "reproducible",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("reproducible")
