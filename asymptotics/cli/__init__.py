"""The command line.

Exit status: 0 done; 1 the computation failed; 2 the input is wrong (one line on standard error).
"""

from .main import main

__all__ = ["main"]
