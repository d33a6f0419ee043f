"""The command line; `asymptotics.__main__` starts it."""
