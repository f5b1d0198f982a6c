"""
The docs keep up with the code: every setting, variable, route, command, table and column is in them, and what they show works.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

import sdk_hooks
from collector.cli.commands import build
from collector.storage.tables import metadata
from collector.validation import CODES
from docs.generate import DOCS, GENERATED
from sdk_hooks.loss_counts import REASONS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
VARIABLE = re.compile(r"""["'`]((?:HOOKLINE|OTEL)_[A-Z_]*[A-Z])["'`]""")
# Names that tests and `make` read, not the product.
DEVELOPER_VARIABLES = {"HOOKLINE_REQUIRE_ALL"}


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def missing(names: Iterable[str], text: str) -> list[str]:
    """The names that the text does not have as whole words."""
    return [name for name in names if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)]


def commands_of(text: str, program: str) -> set[str]:
    """What stands behind `program` in code: fenced blocks and inline code only, prose is no command."""
    code = re.findall(r"```.*?```|`[^`\n]+`", text, flags=re.DOTALL)
    return {found for block in code for found in re.findall(rf"(?:^|[`\s&;])(?<!install ){program} ([a-z][\w-]*)", block)}


@pytest.mark.parametrize("name", sorted(GENERATED))
def test_generated_page_is_current(name: str) -> None:
    """
    What is generated from code is what the code says now (else: `make gen`).
    """
    assert GENERATED[name]() == page(name)


def test_every_variable_is_documented() -> None:
    """
    A variable that the client or the server reads is in docs/settings.md.
    """
    sources = [path.read_text() for package in ("collector", "sdk_hooks") for path in (ROOT / package).rglob("*.py")]
    read = {name for source in sources for name in VARIABLE.findall(source)} - DEVELOPER_VARIABLES

    assert {"HOOKLINE_URL", "OTEL_SERVICE_NAME"} <= read
    assert [] == missing(sorted(read), page("settings.md"))


def test_every_route_is_documented() -> None:
    """
    Each path of the OpenAPI document is in the contract.
    """
    paths = json.loads(page("openapi.json"))["paths"]

    assert {"/v1/events", "/v1/calls", "/v1/live"} <= set(paths)
    assert [] == [path for path in paths if path not in page("contract.md")]


def test_every_reason_is_documented() -> None:
    """
    The codes of rejected events and the reasons of losses are in the contract.
    """
    assert [] == missing([*CODES, *REASONS], page("contract.md"))


def test_every_public_name_of_the_client_is_documented() -> None:
    """
    What one can import from the client is in the contract's section on it.
    """
    section = page("contract.md").split("## 9.")[1].split("## 10.")[0]

    assert [] == missing(sdk_hooks.__all__, section)


def test_every_command_is_documented() -> None:
    """
    Each command, also those of groups, is in the contract's section on the command line.
    """
    section = page("contract.md").split("## 8.")[1].split("## 9.")[0]

    assert {"serve", "demo", "keys create"} <= set(commands())
    assert [] == [name for name in commands() if missing(name.split(), section)]


def test_every_hookline_command_of_the_pages_exists() -> None:
    """
    `hookline X` in a page is a command or a group.
    """
    told = {name for path in PAGES for name in commands_of(path.read_text(), "hookline")}

    assert {"serve", "demo", "calls"} <= told
    assert set() == told - {name.split()[0] for name in commands()}


def commands() -> list[str]:
    """What one can type after `hookline`."""
    root = typer.main.get_command(build())
    assert isinstance(root, TyperGroup)
    return [
        f"{name} {below}" if below else name
        for name, command in root.commands.items()
        for below in (command.commands if isinstance(command, TyperGroup) else [""])
    ]


def test_every_table_and_column_is_documented() -> None:
    """
    Each table and each of its columns is in docs/sql.md, in the table's own section where it has one.
    """
    text = page("sql.md")
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", text, flags=re.DOTALL | re.MULTILINE))
    lacking = {
        table.name: absent
        for table in metadata.tables.values()
        if (
            absent := missing([table.name], text)
            + missing([column.name for column in table.columns], sections.get(table.name, text))
        )
    }

    assert {} == lacking


def test_every_make_target_of_the_pages_exists() -> None:
    """
    `make X` in a page is a target of the Makefile.
    """
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    told = {target for path in PAGES for target in commands_of(path.read_text(), "make")}

    assert {"demo", "test", "setup", "check"} <= told
    assert set() == told - targets


def test_make_help_names_every_target() -> None:
    """
    Each target has its line in `make help`.
    """
    text = (ROOT / "Makefile").read_text()
    phony = set(" ".join(re.findall(r"^\.PHONY: (.*)$", text, flags=re.MULTILINE)).split())
    explained = set(re.findall(r"^([a-z-]+):.*## \S", text, flags=re.MULTILINE))

    assert phony == explained


def test_links_lead_somewhere() -> None:
    """
    A relative link of a page is a file, and its fragment a heading of it.
    """
    broken = [
        f"{path.relative_to(ROOT)}: {link}"
        for path in PAGES
        for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text())
        if not link.startswith(("http:", "https:")) and not _leads_somewhere(path, link)
    ]

    assert [] == broken


def _leads_somewhere(path: Path, link: str) -> bool:
    file, _, fragment = link.partition("#")
    target = path.parent / file if file else path
    if not target.exists():
        return False
    headings = re.findall(r"^#+ (.*)$", target.read_text(), flags=re.MULTILINE) if fragment else []
    return not fragment or fragment in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_changelog_tells_of_this_version() -> None:
    """
    There is a section for what is coming or for the version at hand, and it says something.
    """
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), flags=re.MULTILINE)
    assert version
    section = re.search(
        rf"^## \[(?:Unreleased|{re.escape(version[1])})\].*?\n(.*?)(?=^## |\Z)",
        (ROOT / "CHANGELOG.md").read_text(),
        flags=re.DOTALL | re.MULTILINE,
    )

    assert section
    assert re.search(r"^- \w", section[1], flags=re.MULTILINE)


def test_decisions_have_the_same_parts() -> None:
    """
    Each decision tells context, decision, alternatives and consequences, and the list names it.
    """
    decisions = sorted((DOCS / "adr").glob("[0-9]*.md"))
    parts = ("**Context.**", "**Decision.**", "**Alternatives.**", "**Consequences.**")

    assert decisions
    assert [] == [path.name for path in decisions if any(part not in path.read_text() for part in parts)]
    assert [] == [path.name for path in decisions if f"({path.name})" not in page("adr/README.md")]


def test_readme_has_its_example() -> None:
    """
    The README shows what the demo printed, not a gap.
    """
    assert "(to come)" not in (ROOT / "README.md").read_text()
