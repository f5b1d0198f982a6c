"""
The command `hookline`, also as `python -m collector`.

Flow: shell -> **exit codes** -> cli. 0 done, 1 failed, 2 wrong settings, 3 no collector answers.
"""

import os
import sys

_CLIENT_ONLY = 'the command needs the server\'s packages ({missing} is missing): pip install "hookline[{extra}]"'


def main() -> None:
    """Run the command line and end the process."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run the command line; the exit code."""
    try:
        from collector.cli.commands import run_command
    except ModuleNotFoundError as exc:
        # The base install is the client alone, without dependencies. A missing module of our own is a bug, though.
        if (exc.name or "").partition(".")[0] in {"collector", "sdk_hooks"}:
            raise
        print(_CLIENT_ONLY.format(missing=exc.name, extra="server"), file=sys.stderr)  # noqa: T201
        return 1
    try:
        return run_command(arguments)
    except BrokenPipeError:
        # `hookline events | head`: the reader has enough. Python would complain once more while it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    main()
