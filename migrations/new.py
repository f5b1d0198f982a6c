"""
Start a migration: compare `collector.storage.tables` with what the migrations so far build, write the difference down.

    python -m migrations.new "add column x to calls"

For developers only (`make migration`). The result is a draft: read it, finish it, and run the storage tests on both engines.
"""

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine

FOLDER = Path(__file__).parent


def write_revision(message: str, *, folder: Path = FOLDER) -> Path:
    """The new file. The revisions so far run on an empty SQLite file, which is thrown away."""
    with tempfile.TemporaryDirectory() as scratch:
        engine = create_engine(f"sqlite:///{scratch}/compare.db")
        with engine.begin() as connection:
            config = _config(folder, connection)
            command.upgrade(config, "head")
            made = command.revision(config, message, autogenerate=True, rev_id=_next_revision(config))
        engine.dispose()
    if made is None or isinstance(made, list):
        raise RuntimeError("alembic made no file, or several: look into migrations/versions")
    return Path(made.path)


def _config(folder: Path, connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config


def _next_revision(config: Config) -> str:
    head = ScriptDirectory.from_config(config).get_current_head() or "0"
    return f"{int(head) + 1:04d}"


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or not arguments[0].strip():
        print('usage: python -m migrations.new "what changes"', file=sys.stderr)
        return 2
    print(f"wrote {write_revision(arguments[0].strip())}: read it, finish it, test it on both engines")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
