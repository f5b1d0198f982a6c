"""
Do the SDKs' own test suites still pass when every client is recorded? Run bare, then recorded, and the failures are compared.

    python -m tests.interop.check_sdk_suites --python PYTHON FOLDER [PYTEST ARGUMENT ...]

FOLDER is an unpacked source distribution; PYTHON has that SDK in that version, and what its tests need. It is no part of
`make test`: source distributions are fetched by hand (`pip download --no-deps --no-binary :all: openai==…`), and what their
tests need is written in their own pyproject.toml.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[2]
RUN_LIMIT_S = 1800


def main() -> int:
    """0 if nothing fails recorded that passes bare."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--python", default=sys.executable, help="the Python that has the SDK and what its tests need")
    options.add_argument("folder", type=Path)
    given, more = options.parse_known_args()
    bare = run(given.python, given.folder, more)
    recorded = run(given.python, given.folder, [*more, "-p", "recorded_suite"])
    newly = sorted(name for name in recorded if recorded[name] == "failed" and bare.get(name) != "failed")
    healed = sorted(name for name in bare if bare[name] == "failed" and recorded.get(name) != "failed")
    for title, results in (("bare", bare), ("recorded", recorded)):
        print(
            f"{title}: " + ", ".join(f"{list(results.values()).count(what)} {what}" for what in ("passed", "failed", "skipped"))
        )
    print(f"only when recorded: {newly}\nonly bare: {healed}")
    return 1 if newly or set(bare) != set(recorded) else 0


def run(python: str, folder: Path, arguments: list[str]) -> dict[str, str]:
    """Test -> passed, failed or skipped."""
    with tempfile.TemporaryDirectory(prefix="hookline-suite-") as scratch:
        report = Path(scratch) / "report.xml"
        done = subprocess.run(
            [python, "-m", "pytest", "-q", "--tb=no", "-p", "no:cacheprovider", f"--junit-xml={report}", *arguments],
            cwd=folder,
            # The plugin by its own name: their tests are a package `tests` too.
            env=os.environ | {"PYTHONPATH": f"{ROOT / 'tests' / 'interop'}:{ROOT}"},
            stdout=subprocess.PIPE,
            text=True,
            timeout=RUN_LIMIT_S,
            check=False,
        )
        print("\n".join(done.stdout.splitlines()[-3:]), flush=True)
        cases = ElementTree.parse(report).iter("testcase")
        return {f"{case.get('classname')}::{case.get('name')}": _outcome(case) for case in cases}


def _outcome(case: ElementTree.Element) -> str:
    kinds = {child.tag for child in case}
    return "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"


if __name__ == "__main__":
    sys.exit(main())
