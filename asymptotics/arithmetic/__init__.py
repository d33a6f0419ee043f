"""The numbers that the formulas of :mod:`asymptotics.theory` compute with."""

from .base import SPECIAL, Arithmetic, Array, Mass
from .float64 import FLOAT64, QUIET, Float64

__all__ = ["FLOAT64", "QUIET", "SPECIAL", "Arithmetic", "Array", "Float64", "Mass"]
