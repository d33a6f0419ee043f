"""Spec files in TOML.

A spec is data.  Its numbers keep the decimal value that is written, its names are looked up in
tables, and nothing in it is evaluated.
"""

from .fields import Range
from .population import note_of_columns, note_of_weights, samples_file
from .problems import Problem, problem, read_spec
from .reading import EXAMPLE, GROWTH_EXAMPLE, NETWORK_EXAMPLE, ROUNDS_EXAMPLE, example_text

__all__ = [
    "EXAMPLE",
    "GROWTH_EXAMPLE",
    "NETWORK_EXAMPLE",
    "ROUNDS_EXAMPLE",
    "Problem",
    "Range",
    "example_text",
    "note_of_columns",
    "note_of_weights",
    "problem",
    "read_spec",
    "samples_file",
]
