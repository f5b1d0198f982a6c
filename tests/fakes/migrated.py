"""
Databases as an older hookline left them.
"""

import shutil
from pathlib import Path

from collector.storage import schema


def scripts_before(revision: str, folder: Path) -> Path:
    """The migrations up to the one before, for `schema.prepare`."""
    scripts = folder / "migrations"
    shutil.copytree(schema.scripts_folder(), scripts, ignore=shutil.ignore_patterns("__pycache__"))
    for file in (scripts / "versions").glob("0*.py"):
        if file.name >= revision:
            file.unlink()
    return scripts
