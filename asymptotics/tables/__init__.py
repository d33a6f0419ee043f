"""Tables: text in columns (`text`), results over a grid (`grid_result`) and their files."""

from .text import Column, column, counted, fits, text_table

__all__ = ["Column", "column", "counted", "fits", "text_table"]
