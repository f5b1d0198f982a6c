"""
Are the demo's spans understood elsewhere? Arize Phoenix, in an environment of its own, is sent them and asked what it has.

    python -m tests.interop.check_phoenix [--venv FOLDER]

`make interop` runs it. It is no part of `make test`: Phoenix is some 900 MB, installed from the package index each time unless
`--venv` names a folder to keep it in. It listens on loopback, without its gRPC port (see phoenix_server), and is ended by its id.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.fakes.environment import clean_environment
from tests.fakes.ports import free_port

PHOENIX = "arize-phoenix==20.26.1"
INSTALL_LIMIT_S, START_LIMIT_S, RUN_LIMIT_S, ARRIVAL_LIMIT_S = 1200, 120, 120, 30
HERE = Path(__file__).parent
HOOKLINE = Path(sys.executable).with_name("hookline")

Span = Mapping[str, Any]


def main() -> int:
    """0 if the demo's trace is there with parent, model, tokens, tool and messages."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--venv", type=Path, help="where Phoenix is or shall be installed, to be kept")
    kept: Path | None = options.parse_args().venv
    with tempfile.TemporaryDirectory(prefix="hookline-interop-") as folder:
        python = install(kept or Path(folder) / "venv")
        with phoenix(python, Path(folder)) as url:
            calls = run_demo(url)
            problems = [problem for check in CHECKS for problem in check(url, calls)]
    for problem in problems:
        print(f"✗ {problem}", file=sys.stderr)
    print(f"{'failed' if problems else 'ok'}: {len(calls)} calls of the demo, seen in {PHOENIX}")
    return 1 if problems else 0


def install(venv: Path) -> Path:
    """The Python of an environment that has Phoenix."""
    python = venv / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True, timeout=120)
    if not (venv / "bin" / "phoenix").exists():
        print(f"installing {PHOENIX} into {venv} (some minutes)", flush=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PHOENIX]
        subprocess.run(command, check=True, timeout=INSTALL_LIMIT_S)
    return python


@contextmanager
def phoenix(python: Path, folder: Path) -> Generator[str]:
    """Phoenix while it runs; its URL."""
    port = free_port()
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(folder),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(port),
        "PHOENIX_WORKING_DIR": str(folder / "phoenix"),
        "PHOENIX_TELEMETRY_ENABLED": "false",
        "PHOENIX_ALLOW_EXTERNAL_RESOURCES": "false",
    }
    (folder / "phoenix").mkdir()
    log = folder / "phoenix.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [str(python), str(HERE / "phoenix_server.py")], env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_up(server, url, log)
        print(f"Phoenix is up on {url}", flush=True)
        yield url
    finally:
        server.terminate()
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(15)


def _wait_until_up(server: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    ends_s = time.monotonic() + START_LIMIT_S
    while time.monotonic() < ends_s and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=2):
                return
        except OSError:
            time.sleep(0.5)
    raise SystemExit(f"Phoenix did not start:\n{log.read_text(errors='replace')[-3000:]}")


def run_demo(url: str) -> list[dict[str, Any]]:
    """The demo's calls, once their spans are sent."""
    environment = clean_environment()
    environment |= {
        "OTEL_EXPORTER_OTLP_ENDPOINT": url,
        "OTEL_METRICS_EXPORTER": "none",  # Phoenix takes traces only.
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY",
    }
    command = [str(HOOKLINE), "demo", "--once", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=RUN_LIMIT_S, check=False)
    if done.returncode != 0:
        raise SystemExit(f"the demo failed:\n{done.stderr}")
    return json.loads(done.stdout)["calls"]


def spans_of(url: str, trace_id: str, *, at_least: int) -> list[Span]:
    """A trace's spans, once Phoenix has stored them."""
    ends_s = time.monotonic() + ARRIVAL_LIMIT_S
    while True:
        with urllib.request.urlopen(f"{url}/v1/projects/default/spans?trace_id={trace_id}&limit=1000", timeout=10) as answer:
            found: list[Span] = json.load(answer)["data"]
        if len(found) >= at_least or time.monotonic() > ends_s:
            return found
        time.sleep(0.5)


def span_of(url: str, call: Mapping[str, Any]) -> Span:
    """A call's own span, nothing where Phoenix has none in time."""
    ends_s = time.monotonic() + ARRIVAL_LIMIT_S
    while True:
        found = {span["context"]["span_id"]: span for span in spans_of(url, call["trace_id"], at_least=1)}
        if call["span_id"] in found or time.monotonic() > ends_s:
            return found.get(call["span_id"], {})
        time.sleep(0.5)


def check_agent(url: str, calls: list[dict[str, Any]]) -> Generator[str]:
    """The assistant: host's span -> agent -> two model calls and a tool."""
    call = next(call for call in calls if call["operation"] == "invoke_agent" and call["tool_count"])
    spans = spans_of(url, call["trace_id"], at_least=5)
    _show(spans)
    by_name: dict[str, list[Span]] = {}
    for span in spans:
        by_name.setdefault(span["name"], []).append(span)
    if missing := {"POST /assistant", "invoke_agent weather assistant", "execute_tool get_weather", "chat gpt-4o"} - set(by_name):
        yield f"the assistant's trace lacks {', '.join(sorted(missing))}"
        return
    host, agent = by_name["POST /assistant"][0], by_name["invoke_agent weather assistant"][0]
    tool, chats = by_name["execute_tool get_weather"][0], by_name["chat gpt-4o"]
    if agent["parent_id"] != host["context"]["span_id"]:
        yield "the agent is not the child of the application's span"
    if {span["parent_id"] for span in (tool, *chats)} != {agent["context"]["span_id"]}:
        yield "model calls and tool are not children of the agent"
    kinds = {span["name"]: span["span_kind"] for span in (agent, tool, *chats)}
    if sorted(kinds.values()) != ["AGENT", "LLM", "TOOL"]:
        yield f"Phoenix takes them for {kinds}"
    if tool["attributes"].get("tool.name") != "get_weather" or tool["attributes"].get("tool.parameters.city") != "Paris":
        yield "the tool's name or arguments are not understood"


def check_usage(url: str, calls: list[dict[str, Any]]) -> Generator[str]:
    """Every chat with usage: model and tokens as hookline has them."""
    for call in calls:
        if call["operation"] != "chat" or call["input_tokens"] is None:
            continue
        told = span_of(url, call).get("attributes", {})
        seen = (told.get("llm.model_name"), told.get("llm.token_count.prompt"), told.get("llm.token_count.completion"))
        if seen not in {
            (model, call["input_tokens"], call["output_tokens"]) for model in (call["model"], call["response_model"])
        }:
            wanted = (call["model"], call["input_tokens"], call["output_tokens"])
            yield f"{call['request_id']}: Phoenix shows {seen}, hookline has {wanted}"
        if not told.get("llm.input_messages.0.message.content") and not told.get("llm.output_messages.0.message.role"):
            yield f"{call['request_id']}: no messages are understood"


def check_errors(url: str, calls: list[dict[str, Any]]) -> Generator[str]:
    """The call that failed is an error there too."""
    call = next(call for call in calls if call["status"] == "error")
    if span_of(url, call).get("status_code") != "ERROR":
        yield "the failed call is no error in Phoenix"


CHECKS = (check_agent, check_usage, check_errors)


def _show(spans: list[Span]) -> None:
    for span in sorted(spans, key=lambda span: span["start_time"]):
        told = span["attributes"]
        facts = (
            told.get("llm.model_name"),
            told.get("llm.token_count.prompt"),
            told.get("llm.token_count.completion"),
            told.get("tool.name"),
        )
        print(f"  {span['span_kind']:8} {span['name']:32} {span['context']['span_id']} < {span['parent_id']}  {facts}")


if __name__ == "__main__":
    sys.exit(main())
