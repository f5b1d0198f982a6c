"""
The JavaScript package: its own tests, and an unmodified TanStack AI application in front of a real collector.
"""

import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from collector.demo.provider import Provider
from collector.validation.schema_check import SchemaCheck
from sdk_hooks.events import EVENT_TYPES
from tests.fakes.js_package import environment, node
from tests.fakes.receiver import Receiver
from tests.fakes.running import eventually, running_collector

IDLE_S = 2
# The first test also waits for what it needs to be installed and built.
pytestmark = pytest.mark.timeout(400)


OLDER_OPENAI = "node_modules/@tanstack/ai-openai/node_modules/openai/index.mjs"
"""The version that TanStack's adapter brings."""


@pytest.mark.parametrize(
    ("part", "more"),
    [
        pytest.param("core", {}, id="core"),
        pytest.param("slices", {}, id="slices", marks=pytest.mark.long),
        pytest.param("ending", {}, id="ending", marks=pytest.mark.long),
        pytest.param("openai", {}, id="openai"),
        pytest.param("repeats", {}, id="repeats"),
        pytest.param("odd", {}, id="odd", marks=pytest.mark.long),
        pytest.param("unasked", {}, id="unasked", marks=pytest.mark.long),
        pytest.param("openrouter", {}, id="openrouter", marks=pytest.mark.long),
        pytest.param("aisbreaker", {}, id="aisbreaker"),
        pytest.param("agents", {}, id="agents", marks=pytest.mark.long),
        pytest.param("openai", {"HOOKLINE_TEST_OPENAI": OLDER_OPENAI}, id="older openai", marks=pytest.mark.long),
    ],
)
def test_own_tests_are_green(package: Path, provider: Provider, tmp_path: Path, part: str, more: dict[str, str]) -> None:
    """
    What `npm test` runs: delivery, and every call pattern of each SDK, of openai's client in two versions. The collector finds
    nothing to note in any event that they made, but for names that nobody knows.
    """
    written = tmp_path / "events.jsonl"
    more = {name: str(package / path) for name, path in more.items()} | {"HOOKLINE_TEST_EVENTS": str(written)}
    running = f"{provider.base_url} {provider.openrouter_url}"
    done = subprocess.run(
        ["node", "--expose-gc", "--test", f"test/{part}.test.mjs"],
        cwd=package,
        env=environment(HOOKLINE_TEST_PROVIDER=running, **more),
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "# fail 0" in done.stdout
    assert "# pass 0" not in done.stdout
    events = [json.loads(line) for line in written.read_text().splitlines()] if written.exists() else []
    own = [event for event in events if "pluginId" not in event]
    assert MADE.get(part, set()) <= {event["type"] for event in own}
    assert set() == {found for event in own for found in schema_issues(event)} - UNKNOWN.get(part, set())


def schema_issues(event: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What the collector would note beside the event."""
    issues: dict[str, str] = {}
    CHECK.add_issues(event["type"], event, issues)
    return [(event["type"], name, issue) for name, issue in issues.items()]


def requests(*activities: str) -> set[str]:
    return {f"{activity}:request:{what}" for activity in activities for what in ("started", "completed")}


CHECK = SchemaCheck(EVENT_TYPES)
TEXT = requests("text") | {"text:request:error", "text:request:aborted", "text:chunk:content"}
TOOLS = {"text:chunk:tool-call", "tools:call:started", "tools:call:completed"}
MEDIA = ("image", "embedding", "speech", "transcription", "video")
MADE = {
    "openai": TEXT | requests("moderation", *MEDIA) | {"text:chunk:tool-call", "video:request:error", "speech:request:aborted"},
    "openrouter": TEXT | TOOLS | requests("rerank", *MEDIA),
    "aisbreaker": TEXT | requests("image"),
    "agents": TEXT | TOOLS | requests("agent") | {"agent:request:error", "agent:request:aborted", "agent:handoff"},
}
"""Types of which each part must have made at least one event."""
_POLLED = {(f"video:request:{what}", "model", "missing") for what in ("started", "completed")}
_OWN_MODELS = {(f"text:request:{what}", name, "missing") for what in ("started", "completed") for name in ("provider", "model")}
UNKNOWN = {"openai": _POLLED, "openrouter": _POLLED, "agents": _OWN_MODELS, "odd": _OWN_MODELS}
"""Who asks for a video's job does not say its model, and a host's own class of models need not say who it is."""


def test_an_event_that_differs_from_the_schema_does_not_compile(package: Path) -> None:
    """
    A hook that forgets a field or gives it another type is refused by `tsc`; every refusal is named in the file, and needed.
    """
    assert "" == node(package, "node_modules/typescript/bin/tsc", "-p", "test/typing")


PRELOAD = ["--import", "hookline/register"]


def run_tanstack(package: Path, *program: str, collector_url: str, provider_url: str) -> dict[str, Any]:
    """Run the application; what it answered and what its event client sent."""
    done = subprocess.run(
        ["node", *program, provider_url],
        cwd=package,
        env=environment(HOOKLINE_URL=collector_url, OTEL_SERVICE_NAME="tanstack-shop"),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_tanstack_application_is_recorded_without_a_change(package: Path, provider: Provider, sqlite_url: str) -> None:
    """
    Every event that it sent is a row, in order, none twice; its chats, tool, image, error and abort are calls that took as
    long as TanStack says.
    """
    with running_collector(sqlite_url, settle_ms=100, idle_timeout_s=IDLE_S) as collector:
        program = [*PRELOAD, "test/apps/tanstack.mjs"]
        told = run_tanstack(package, *program, collector_url=collector.url, provider_url=provider.base_url)
        sent: list[dict[str, Any]] = told["sent"]
        rows: list[dict[str, Any]] = collector.get("/v1/events?limit=1000").json["items"][::-1]
        calls = eventually(lambda: settled_calls(collector.get("/v1/calls?limit=100").json["items"]))

    by_arrival = sorted(rows, key=lambda row: row["arrival"])
    assert [message["type"].partition(":")[2] for message in sent] == [row["type"] for row in by_arrival]
    assert [message["payload"]["timestamp"] for message in sent] == [row["timestamp"] for row in by_arrival]
    assert list(range(1, len(sent) + 1)) == [row["sequence"] for row in by_arrival]
    assert {1} == set(Counter(row["event_id"] for row in rows).values())
    assert {"tanstack-shop"} == {row["service"] for row in rows}

    by_thread = {call["thread_id"]: call for call in calls}
    assert {"t-plain": "ok", "t-tool": "ok", "t-error": "error", "t-abort": "incomplete", None: "ok"} == {
        thread: call["status"] for thread, call in by_thread.items()
    }
    assert by_thread[None]["operation"] == "image_generation"
    assert by_thread[None]["image_count"] == 1
    assert by_thread["t-tool"]["tool_count"] == 1
    assert told["answers"]["plain"].startswith(by_thread["t-plain"]["answer_preview"][:60])
    for thread in ("t-plain", "t-tool", None):
        assert duration_told(sent, by_thread[thread]["request_id"]) == pytest.approx(by_thread[thread]["duration_ms"])  # pyright: ignore[reportUnknownMemberType]
    for thread in ("t-error", "t-abort"):
        # TanStack tells no duration of these: they last from their first event to their last.
        assert time_between(sent, by_thread[thread]["request_id"]) == pytest.approx(by_thread[thread]["duration_ms"])  # pyright: ignore[reportUnknownMemberType]


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(["test/apps/tanstack-import.mjs"], id="a line", marks=pytest.mark.long),
        pytest.param([*PRELOAD, "test/apps/tanstack-import.mjs"], id="a line and the preload"),
        pytest.param([*PRELOAD, "test/apps/tanstack-bus.mjs"], id="a listener on a bus and the preload", marks=pytest.mark.long),
    ],
)
def test_tanstack_is_recorded_once_by_one_line_too(package: Path, provider: Provider, program: list[str]) -> None:
    """
    What the application's event client sent arrives in order and none twice, whichever lines and preload it has together.
    """
    with Receiver() as receiver:
        told = run_tanstack(package, *program, collector_url=receiver.url, provider_url=provider.base_url)
        arrived = receiver.accepted
    assert [message["type"] for message in told["sent"]] == [message["type"] for message in arrived]
    assert len(arrived) > 50


def settled_calls(calls: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    """The calls, once none of the five is running."""
    return calls if len(calls) == 5 and all(call["status"] != "running" for call in calls) else None


def duration_told(sent: list[dict[str, Any]], request_id: str) -> float:
    """What TanStack itself says a call took."""
    (end,) = [
        message["payload"]
        for message in sent
        if message["type"].endswith(":request:completed") and message["payload"]["requestId"] == request_id
    ]
    return float(end["duration"])


def time_between(sent: list[dict[str, Any]], request_id: str) -> float:
    """From a call's first event to its last."""
    times = [message["payload"]["timestamp"] for message in sent if message["payload"].get("requestId") == request_id]
    return float(max(times) - min(times))


@pytest.mark.long
def test_tarball_works_in_an_empty_project(package: Path, provider: Provider, tmp_path: Path) -> None:
    """
    What `npm pack` makes holds only what is needed, installs without the network, and works by import and require, with types; a
    call of openai's client from either is recorded.
    """
    packed = subprocess.run(
        ["npm", "pack", "--ignore-scripts", "--json", "--pack-destination", tmp_path],
        cwd=package,
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    answer: Any = json.loads(packed.stdout)
    (found,) = answer if isinstance(answer, list) else answer.values()
    names = {entry["path"] for entry in found["files"]}
    assert {"package.json", "README.md"} <= names
    assert {"dist"} == {name.split("/")[0] for name in names} - {"package.json", "README.md"}

    project = tmp_path / "project"
    project.mkdir()
    (project / "package.json").write_text('{"private": true, "type": "module"}')
    (project / "main.ts").write_text(EXAMPLE)
    (project / "common.cts").write_text(COMMON_EXAMPLE)
    typed = ["node", str(package / "node_modules/typescript/bin/tsc"), "--strict", "--skipLibCheck", "false", "--types", ""]
    (project / "main.cjs").write_text('require("hookline/register"); console.log(typeof require("hookline").instrument);')
    steps = [
        ["npm", "install", "--offline", "--no-audit", "--no-fund", str(tmp_path / found["filename"])],
        [*typed, "--module", "nodenext", "--target", "es2022", "main.ts"],
        # No `require` of an ES module there, not even for its types.
        [*typed, "--module", "node16", "--target", "es2022", "common.cts"],
        ["node", "main.js"],
        ["node", "main.cjs"],
        ["node", "common.cjs"],
    ]
    said = [
        subprocess.run(
            step, cwd=project, env=environment(HOOKLINE_DISABLED="1"), capture_output=True, text=True, timeout=100, check=False
        )
        for step in steps
    ]
    assert [0] * len(steps) == [done.returncode for done in said], [done.stdout + done.stderr for done in said]
    assert ["true\n", "function\n", "5 false\n"] == [done.stdout for done in said[3:]]
    assert_calls_are_recorded(project, package, provider)


def assert_calls_are_recorded(project: Path, package: Path, provider: Provider) -> None:
    """One call by import and one by require, of the openai that the package's own tests have, beside the installed tarball."""
    (project / "node_modules/openai").symlink_to(package / "node_modules/openai")
    (project / "call.mjs").write_text(f'import OpenAI from "openai"; import * as hookline from "hookline"; {CALL}')
    (project / "call.cjs").write_text(f'const OpenAI = require("openai"), hookline = require("hookline"); {CALL}')
    for program in ("call.mjs", "call.cjs"):
        with Receiver() as receiver:
            assert "answered true\n" == node(project, program, provider.base_url, HOOKLINE_URL=receiver.url)
            events = receiver.accepted
        assert ["text:request:started", "text:request:completed"] == [event["type"] for event in events], program
        assert {("openai", "gpt-4o-mini", program)} == {tuple(event[name] for name in TOLD) for event in events}
        assert 1 == len({event["requestId"] for event in events})


def run_benchmark(package: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """
    As short as it can be: what it finds of times says nothing.
    """
    return subprocess.run(
        ["node", "bench/main.mjs", "--sets", "1", "--rounds", "1", "--warm", "1", *more],
        cwd=package,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )


@pytest.mark.long
def test_benchmark_fails_with_a_hook_that_records_nothing(package: Path) -> None:
    """
    It is faster than ours, and none of its calls arrived.
    """
    done = run_benchmark(package, "--sdk", "openai", "--act", "chat", "--hook", "silent")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "arrived whole: 0" in done.stderr


@pytest.mark.long
@pytest.mark.parametrize("way", ["together", "apart"])
def test_benchmark_measures_calls_that_arrived_whole(package: Path, way: str) -> None:
    """
    Clients in one process and in processes of their own, also where the SDK insists on every field of a stream's events.
    """
    done = run_benchmark(package, "--sdk", "openrouter", "--act", "callModel", "--act", "short stream", "--way", way)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"callModel, {way}, caller: bare" in done.stdout


TOLD = ("provider", "model", "clientId")
CALL = """
const client = new OpenAI({ baseURL: process.argv[2], apiKey: "none", maxRetries: 0 });
hookline.instrument(client, { clientId: process.argv[1].split("/").pop() });
const asked = { model: "gpt-4o-mini", messages: [{ role: "user", content: "Hello" }] };
client.chat.completions.create(asked).then(async (answer) => {
  console.log("answered", await hookline.flush({ timeoutMs: 20_000 }) && answer.choices[0].message.content.length > 0);
});
"""

EXAMPLE = """
import "hookline/register";
import { configure, flush, instrument, losses, session, shutdown, uninstrument } from "hookline";
import type { EventOf } from "hookline/events";

configure({ url: "http://127.0.0.1:4319", captureContent: false, redact: (event) => event });
class Client { answer(): number { return 42; } }
const client: Client = instrument(new Client(), { clientId: "checkout", tags: { tier: "gold" } });
const found: number = session({ threadId: "t1" }, () => uninstrument(client).answer());
const ended: Pick<EventOf<"text:request:completed">, "type" | "duration"> = { type: "text:request:completed", duration: 5 };
const lost: number | undefined = losses()["buffer_full"];
await flush({ timeoutMs: 10 });
await shutdown();
console.log(found === 42 && ended.duration === 5 && lost === 0);
"""

COMMON_EXAMPLE = """
import hookline = require("hookline");
import type { EventOf, TokenUsage } from "hookline/events";
import type { HooklineEvent, Options } from "hookline";

const usage: TokenUsage = { promptTokens: 5 };
const ended: Pick<EventOf<"text:request:completed">, "type" | "usage"> = { type: "text:request:completed", usage };
// @ts-expect-error the types are those of the schema, and not just anything
const wrong: EventOf<"text:request:completed"> = ended;
const options: Options = { captureContent: false, redact: (event: HooklineEvent) => event };
hookline.configure(options);
console.log(ended.usage?.promptTokens, wrong !== ended);
"""
