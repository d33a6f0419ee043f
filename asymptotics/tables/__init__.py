"""Tables: columns of text (`text`) and results over a grid (`grid_result`), also as JSON and CSV.

`documents` writes the files.
"""

from .text import Column, column, counted, fits, text_table

__all__ = ["Column", "column", "counted", "fits", "text_table"]
