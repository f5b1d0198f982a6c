"""
The house rules for files that no linter knows: size, a docstring that says what it is for, nothing that ties us to one place.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from inspect import cleandoc
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SKIPPED_DIRS = {"__pycache__", "node_modules", "dist", "build", "htmlcov"}
CODE_SUFFIXES = {".py", ".ts", ".js", ".mjs", ".css"}
MAX_LINES = 500
MIN_DOCSTRING_CHARS = {"tests": 20}
USUAL_MIN_DOCSTRING_CHARS = 40

# Written with a bracket each, so that this file does not find itself.
REGISTRY_HOSTS = re.compile(
    r"pyp[i]\.org|pythonhoste[d]\.org|npmj[s]\.(org|com)|crate[s]\.io|prox[y]\.golang|(repo1?|central)\.mave[n]|deb\.debia[n]"
)
LEFT_FOR_LATER = re.compile(r"\b(TOD[O]|FIXM[E]|XX[X])\b")
OTHER_PEOPLES_PATHS = re.compile(r"(?<![\w.])/(wor[k]/|hom[e]/\w|User[s]/\w|roo[t]/)")


def project_files() -> Iterator[Path]:
    """Every file of the project, hidden folders left out except `.ci`."""
    folders = [ROOT]
    while folders:
        for path in sorted(folders.pop().iterdir()):
            if path.is_dir():
                if path.name not in SKIPPED_DIRS and (not path.name.startswith(".") or path.name == ".ci"):
                    folders.append(path)
            elif not path.name.startswith("."):
                yield path


def code_files() -> list[Path]:
    return [path for path in project_files() if path.suffix in CODE_SUFFIXES]


def python_files() -> list[Path]:
    return [path for path in project_files() if path.suffix == ".py"]


def text_of(path: Path) -> str:
    """The file's text; binary files count as empty."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


@cache
def lines_of(path: Path) -> list[str]:
    """The file's lines."""
    return text_of(path).splitlines()


BEGINS_WITH_A_DOCSTRING = re.compile(r'\A"""(?P<said>[^"\\]+)"""\n')
TEST_WITH_A_DOCSTRING = re.compile(
    r'^ *(async )?def test_\w*\((?:[^()]|\([^()]*\))*\)(?: -> None)?:\n +"""\s*[^\s"]', re.MULTILINE
)
TEST = re.compile(r"\bdef test_")
"""The first two are how nearly all files look; only what looks otherwise is parsed, which takes a hundred times as long."""


def finds(pattern: re.Pattern[str]) -> list[str]:
    """Where the pattern stands in the project's files, as `path:line: text`."""
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in project_files()
        for number, line in enumerate(lines_of(path), start=1)
        if pattern.search(line)
    ]


def test_the_project_is_found() -> None:
    """
    The walk sees the packages, the tests and the script that runs them: an empty list would make every rule here pass.
    """
    seen = {str(path.relative_to(ROOT)) for path in project_files()}

    assert {"Makefile", ".ci/run", "collector/errors.py", "sdk_hooks/__init__.py", "tests/test_house_files.py"} <= seen


def test_no_file_is_too_long() -> None:
    """
    A file of more than 500 lines holds more than one idea: it fails the build. Generated ones are nobody's to read.
    """
    too_long = {str(path.relative_to(ROOT)): lines for path in code_files() if (lines := len(lines_of(path))) > MAX_LINES}

    assert too_long == {}


def test_every_module_says_what_it_is_for() -> None:
    """
    Each Python file starts with a docstring: a sentence, in tests a short one. Only an empty `__init__.py` needs none.
    """
    silent = [str(path.relative_to(ROOT)) for path in python_files() if not _says_what_it_is_for(path)]

    assert silent == []


def _says_what_it_is_for(path: Path) -> bool:
    text = text_of(path)
    wanted = MIN_DOCSTRING_CHARS.get(path.relative_to(ROOT).parts[0], USUAL_MIN_DOCSTRING_CHARS)
    usual = BEGINS_WITH_A_DOCSTRING.match(text)
    said = cleandoc(usual["said"]) if usual else ast.get_docstring(ast.parse(text))
    return not text.strip() or len(said or "") >= wanted


def test_every_test_says_what_it_shows() -> None:
    """
    Each test has a docstring that states the behaviour, so that a failure reads as a sentence.
    """
    silent = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in python_files()
        if path.name.startswith("test_") and not _every_test_has_a_docstring(text_of(path))
        for node in ast.walk(ast.parse(text_of(path)))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]

    assert silent == []


def _every_test_has_a_docstring(text: str) -> bool:
    """True: they have. False: one has to look closer."""
    return len(TEST.findall(text)) == len(TEST_WITH_A_DOCSTRING.findall(text))


def test_tests_use_real_parts() -> None:
    """
    No test replaces parts of the program by mocks: fakes stand at the edges only (`tests/fakes`).
    """
    pattern = re.compile(r"mock\.patc[h]|unittes[t]\.mock|MagicMoc[k]")

    assert finds(pattern) == []


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param(REGISTRY_HOSTS, id="names a registry host"),
        pytest.param(LEFT_FOR_LATER, id="leaves something for later"),
        pytest.param(OTHER_PEOPLES_PATHS, id="names a path of somebody's machine"),
    ],
)
def test_no_file(pattern: re.Pattern[str]) -> None:
    """
    Nothing ties the project to a registry or a machine, and what is left to do is an issue, not a comment.
    """
    assert finds(pattern) == []
