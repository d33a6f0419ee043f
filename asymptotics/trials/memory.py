"""The memory of this machine, which trials must fit into."""

import os


def available_memory() -> float:
    """Bytes of memory of this machine, or infinity if it does not tell."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return float("inf")


def shortage(needed: float, workers: int, of: str) -> str | None:
    """Why `workers`, each of which needs so many bytes, do not fit into memory; None if they do."""
    available = available_memory()
    if needed * workers <= available:
        return None
    gigabytes = f"{needed * workers / 1e9:.3g} GB", f"{available / 1e9:.3g}"
    return f"needs {gigabytes[0]} for {workers} {of}, there are {gigabytes[1]}"
