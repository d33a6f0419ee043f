"""The numbers that the formulas of :mod:`asymptotics.theory` compute with."""

from .base import Arithmetic, Array, Mass
from .float64 import FLOAT64, Float64

__all__ = ["FLOAT64", "Arithmetic", "Array", "Float64", "Mass"]
