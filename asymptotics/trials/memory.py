"""Whether the trials that run at the same time fit into the memory of this machine."""

import os


def available_memory() -> float:
    """Bytes of physical memory, or infinity where the operating system does not report them."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return float("inf")


def shortage(needed: float, workers: int, of: str) -> str | None:
    """The message that `workers` do not fit into memory, or None if they do.

    Each worker needs `needed` bytes; `of` is the noun that the message puts after their number.
    """
    available = available_memory()
    if needed * workers <= available:
        return None
    gigabytes = f"{needed * workers / 1e9:.3g} GB", f"{available / 1e9:.3g}"
    return f"needs {gigabytes[0]} for {workers} {of}, there are {gigabytes[1]}"
