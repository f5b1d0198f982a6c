"""
From settings to rules: names of built-in ones, and a file of one's own. A rule that can't be used stops the start.

Flow: settings -> **rules** -> redaction.
Patterns run over everything that anybody sends, so one that can take long is refused: each repeat needs an upper bound, repeats
may not stand inside each other, and the pattern is tried on texts that it almost fits.
"""

import re
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, cast

from collector.errors import WrongSettings
from collector.validation.redaction import PROTECTED, Redaction, Rule

LONGEST_PATTERN: Final = 500
MOST_REPEATS: Final = 256
MOST_WAYS: Final = 20_000
"""Ways in which the repeats of one pattern can share a text among them."""
TRIAL_CHARACTERS: Final = 4_000
TRIAL_S: Final = 0.04
"""10 µs a character; a good pattern takes a hundredth."""
LEAST_KEY_CHARACTERS: Final = 16
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
_KNOWN: Final = frozenset({"name", "builtin", "pattern", "fields", "with"})


def _passes_luhn(text: str) -> bool:
    digits = [int(character) for character in text if character.isdigit()]
    if len(digits) < 13 or digits[0] not in {2, 3, 4, 5, 6}:
        return False
    doubled = [digit if place % 2 == 0 else digit * 2 - 9 * (digit > 4) for place, digit in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


def _passes_mod_97(text: str) -> bool:
    bare = text.replace(" ", "")
    return 15 <= len(bare) <= 34 and int("".join(str(int(one, 36)) for one in bare[4:] + bare[:4])) % 97 == 1


BUILTIN: Final[Mapping[str, Rule]] = {
    "email": Rule(
        name="email",
        pattern=re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b"),
        marks=(b"@",),
    ),
    "credit_card": Rule(
        name="credit_card",
        pattern=re.compile(r"(?<![\w.-])(?:\d[ -]?){12,18}\d(?![\w-])"),
        is_one=_passes_luhn,
        quick=re.compile(rb"[2-6](?:[ -]?\d){12}"),
    ),
    "iban": Rule(
        name="iban",
        pattern=re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b"),
        is_one=_passes_mod_97,
        quick=re.compile(rb"[A-Z]{2}\d{2} ?[A-Z0-9]{4}"),
    ),
    "api_key": Rule(
        name="api_key",
        pattern=re.compile(
            r"\b(?:sk|pk|rk)-[A-Za-z0-9_*-]{8,200}|\b(?i:bearer)\s{1,4}[A-Za-z0-9._~+/=-]{8,4000}|\bAKIA[0-9A-Z]{16}\b"
            r"|\bgh[pousr]_[A-Za-z0-9]{20,255}|\bxox[abprs]-[A-Za-z0-9-]{10,200}|\bAIza[0-9A-Za-z_-]{35}"
            r"|\beyJ[\w-]{10,2000}\.eyJ[\w-]{10,4000}\.[\w-]{10,1000}"
        ),
        marks=(b"sk-", b"pk-", b"rk-", b"earer", b"EARER", b"AKIA", b"gh", b"xox", b"AIza", b"eyJ"),
        quick=re.compile(rb"[spr]k-[A-Za-z0-9_*-]{8}|(?i:bearer)\s|AKIA|gh[pousr]_|xox[abprs]-|AIza|eyJ"),
    ),
}


def load_redaction(names: str, file: Path | None, key: str | None) -> Redaction | None:
    """The rules of HOOKLINE_REDACT and HOOKLINE_REDACT_FILE; None without any. Raises WrongSettings."""
    rules = [_builtin(name.strip(), "HOOKLINE_REDACT") for name in names.split(",") if name.strip()]
    if file is not None:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as exc:
            raise WrongSettings(f"HOOKLINE_REDACT_FILE: {file} can't be read ({type(exc).__name__})") from None
        rules += read_rules(text)
    if any(rule.use == "hash" for rule in rules) and len(key or "") < LEAST_KEY_CHARACTERS:
        raise WrongSettings(
            f"HOOKLINE_REDACT_KEY: a rule hashes: set {LEAST_KEY_CHARACTERS} characters or more, the same on every collector"
        )
    return Redaction(rules, key=(key or "").encode()) if rules else None


def read_rules(text: str) -> list[Rule]:
    """The rules of a file: TOML, `[[rule]]` each. Raises WrongSettings."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise _wrong(f"it is no TOML ({exc})") from None
    if found.keys() - {"rule"}:
        raise _wrong(f"{min(found.keys() - {'rule'})!r} is not known: write each rule below a line [[rule]]")
    given: Any = found.get("rule", [])
    if not isinstance(given, list):
        raise _wrong("write each rule below a line [[rule]]")
    return [_rule(cast("dict[str, Any]", one), number) for number, one in enumerate(cast("list[Any]", given), start=1)]


def _wrong(what: str) -> WrongSettings:
    return WrongSettings(f"HOOKLINE_REDACT_FILE: {what}. See docs/keeping.md for what it takes.")


def _builtin(name: str, where: str) -> Rule:
    if name not in BUILTIN:
        raise WrongSettings(f"{where}: no built-in rule is named {name[:40]!r}; there are {', '.join(BUILTIN)}")
    return BUILTIN[name]


def _rule(given: dict[str, Any], number: int) -> Rule:
    where = f"rule {number}"
    if unknown := given.keys() - _KNOWN:
        raise _wrong(f"{where}: {min(unknown)!r} is not known; a rule has {', '.join(sorted(_KNOWN))}")
    base = _builtin(str(given["builtin"]), f"HOOKLINE_REDACT_FILE: {where}") if "builtin" in given else None
    name = given.get("name", base.name if base else None)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise _wrong(f"{where}: give it a name of letters, digits, _ and -: it stands where the value was")
    use = given.get("with", "replace")
    if use not in ("replace", "hash"):
        raise _wrong(f'{where}: `with` is "replace" or "hash"')
    fields = _fields(given.get("fields", []), where)
    if base is not None:
        if "pattern" in given:
            raise _wrong(f"{where}: either `builtin` or `pattern`")
        return replace(base, name=name, fields=fields, use=use)
    if "pattern" not in given:
        if not fields:
            raise _wrong(f"{where}: it needs `builtin`, `pattern` or `fields`")
        return Rule(name=name, fields=fields, use=use)
    return Rule(name=name, pattern=_pattern(given["pattern"], where), fields=fields, use=use)


def _fields(given: Any, where: str) -> frozenset[str]:
    found: list[Any] = cast("list[Any]", given) if isinstance(given, list) else [None]
    names = [name for name in found if isinstance(name, str) and name]
    if len(names) < len(found):
        raise _wrong(f"{where}: `fields` is a list of names, or of paths such as messages.content")
    if bad := next((name for name in names if name.rpartition(".")[2] in PROTECTED), None):
        raise _wrong(f"{where}: {bad} holds events together and can't be redacted")
    return frozenset(names)


def _pattern(given: Any, where: str) -> re.Pattern[str]:
    if not isinstance(given, str) or not 0 < len(given) <= LONGEST_PATTERN:
        raise _wrong(f"{where}: `pattern` is a text of at most {LONGEST_PATTERN} characters")
    try:
        pattern = re.compile(given)
    except re.error as exc:
        raise _wrong(f"{where}: the pattern is no regular expression ({exc})") from None
    if pattern.search("") is not None:
        raise _wrong(f"{where}: the pattern fits an empty text, so it fits everywhere")
    characters: set[str] = set()
    ways = _ways(_parsed(given), where, characters, is_inside=False)
    if ways > MOST_WAYS:
        raise _wrong(f"{where}: its repeats can share a text in {ways:,} ways, {MOST_WAYS:,} are allowed: give smaller bounds")
    _try(pattern, where, sorted(characters))
    return pattern


def _parsed(pattern: str) -> Any:
    # The parser of `re` itself: another one would see other repeats. It has no public name.
    from re import _parser  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType]

    return _parser.parse(pattern)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def _ways(parts: Any, where: str, characters: set[str], *, is_inside: bool) -> int:
    """In how many ways repeats that follow each other can share a text. Raises WrongSettings for what may take for ever."""
    ways = 1
    for operation, argument in parts:
        name = str(operation)
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            least, most, inner = argument
            if int(most) > MOST_REPEATS:
                raise _wrong(f"{where}: a repeat without a bound up to {MOST_REPEATS}: write {{1,40}} for +, {{0,40}} for *")
            is_variable = int(most) != int(least) and int(most) > 1
            if is_inside and is_variable:
                raise _wrong(f"{where}: a repeat inside a repeat can take for ever: write it without")
            ways *= _ways(inner, where, characters, is_inside=is_inside or int(most) > 1) * (int(most) - int(least) + 1)
        elif name == "GROUPREF":
            raise _wrong(f"{where}: references to groups are not taken")
        elif name == "BRANCH":
            ways *= sum(_ways(branch, where, characters, is_inside=is_inside) for branch in argument[1])
        elif name == "SUBPATTERN":
            ways *= _ways(argument[-1], where, characters, is_inside=is_inside)
        elif name in ("ASSERT", "ASSERT_NOT"):
            ways *= _ways(argument[1], where, characters, is_inside=is_inside)
        elif name == "ATOMIC_GROUP":
            ways *= _ways(argument, where, characters, is_inside=is_inside)
        else:
            characters |= _examples(name, argument)
    return ways


def _examples(name: str, argument: Any) -> set[str]:
    """A character or two that a part of a pattern fits."""
    match name:
        case "LITERAL":
            return {chr(argument)}
        case "IN":
            return {example for inner, given in argument for example in _examples(str(inner), given)}
        case "RANGE":
            return {chr(argument[0])}
        case _:
            return {"a", "0", " "}


def _try(pattern: re.Pattern[str], where: str, characters: Sequence[str]) -> None:
    """Run it over texts of its own characters."""
    texts = [character * TRIAL_CHARACTERS for character in characters[:40]]
    together = "".join(characters)
    if together:
        texts.append((together * (TRIAL_CHARACTERS // len(together) + 1))[:TRIAL_CHARACTERS])
    for text in texts:
        began_s = time.thread_time()
        pattern.sub("", text + "\0")
        if time.thread_time() - began_s > TRIAL_S:
            raise _wrong(f"{where}: the pattern is slow on long texts: give its repeats smaller bounds, or begin it with a word")
