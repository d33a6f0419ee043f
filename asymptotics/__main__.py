"""The command: ``asymptotics``, or ``python -m asymptotics``.

Exit status: 0 done; 1 the computation failed or a check does not hold; 2 the input is wrong (one
line on standard error); 128 and the number of the signal that ended it (130 for Ctrl-C, 143 for
SIGTERM, 129 for SIGHUP).  Where the reader of the output has gone (`asymptotics risk | head`) the
status is that of what was computed, or 141 if it was left before the computation was done.
"""

import sys

from .cli.signals import Terminated, answer, leave_at_once, leave_in_order, repeat_if_lost, say


def main() -> None:
    """Run the command that the arguments name, and exit with its status."""
    answer(leave_at_once)
    try:
        try:
            from .cli.main import main as run

            sys.unraisablehook = repeat_if_lost
            answer(leave_in_order)
            run()
        finally:
            answer(None)
    except (KeyboardInterrupt, Terminated) as ended:
        # A signal just before the command begins, or between its end and the line that turns
        # signals off: nothing else has said so.
        answer(None)
        status = ended.status if isinstance(ended, Terminated) else 130
        say(status - 128)
        sys.exit(status)


if __name__ == "__main__":
    main()
