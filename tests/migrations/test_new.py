"""
`make migration`: a draft that is numbered, and empty while tables and migrations agree.
"""

import shutil
from pathlib import Path

from migrations.new import FOLDER, main, write_revision


def test_draft_follows_the_newest_revision(tmp_path: Path) -> None:
    """
    The file is numbered after the newest one, named after the message, and holds no operation, because the tables are what
    the migrations build.
    """
    folder = tmp_path / "migrations"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    newest = max(path.name[:4] for path in (folder / "versions").glob("[0-9]*.py"))

    made = write_revision("add nothing", folder=folder)

    assert f"{int(newest) + 1:04d}_add_nothing.py" == made.name
    assert f'down_revision = "{newest}"' in made.read_text().replace("'", '"')
    assert "op." not in made.read_text().split("def upgrade")[1]


def test_message_is_required() -> None:
    """
    Without a message nothing is written, and the exit code says so.
    """
    assert 2 == main([])
    assert 2 == main([" "])
