"""
Record what a client of some version sends, and what the collector of that version makes of it.

    git worktree add ../old v0.1.0
    .venv/bin/python -m tests.recorded.record ../old client-0.1.0

Writes tests/recorded/<name>/posts.ndjson (one POST a line: headers, and the body's bytes in base64) and calls.json. Both are
committed and never recorded again: `test_older_clients.py` posts them to the collector of today.
"""

import argparse
import base64
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.end_to_end.processes import CollectorProcess
from tests.fakes.environment import clean_environment
from tests.recorded.posts import COMPARED, Post, send

HERE = Path(__file__).parent
KEPT_HEADERS = ("content-type", "content-encoding", "user-agent", "idempotency-key")


class _Recorder(ThreadingHTTPServer):
    """A collector that takes everything and keeps it as it came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.posts: list[Post] = []


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Recorder  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name: self.headers[name] for name in KEPT_HEADERS if name in self.headers}
        self.server.posts.append(Post(path=self.path, headers=headers, body=body))
        answer = json.dumps({"accepted": 1, "duplicates": 0, "rejected": []}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Quiet."""


def record(checkout: Path) -> list[Post]:
    """What the checkout's client posts while the host makes its calls."""
    recorder = _Recorder()
    threading.Thread(target=recorder.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{recorder.server_port}"
    environment = _environment(checkout) | {
        "HOOKLINE_URL": url,
        # The recording machine has no business in the repository.
        "OTEL_RESOURCE_ATTRIBUTES": "host.name=recorder,deployment.environment.name=test",
        "OTEL_SERVICE_NAME": "recorded-host",
    }
    subprocess.run([sys.executable, str(HERE / "host.py"), url], env=environment, check=True, cwd=checkout)
    recorder.shutdown()
    return recorder.posts


def calls_then(checkout: Path, posts: list[Post]) -> dict[str, dict[str, Any]]:
    """What the checkout's own collector makes of the posts."""
    with TemporaryDirectory() as folder:
        collector = CollectorProcess(
            database_url=f"sqlite:///{folder}/a.db", log_path=Path(folder) / "log", env={"PYTHONPATH": str(checkout)}
        )
        with collector:
            calls = send(collector.port, posts)
    return {name: {field: call.get(field) for field in COMPARED} for name, call in calls.items()}


def _environment(checkout: Path) -> dict[str, str]:
    clean = clean_environment()
    return clean | {"PYTHONPATH": str(checkout)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("checkout", type=Path)
    parser.add_argument("name")
    asked = parser.parse_args()
    checkout, target = asked.checkout.resolve(), HERE / asked.name
    posts = record(checkout)
    calls = calls_then(checkout, posts)
    target.mkdir()
    lines = [
        json.dumps({"path": post.path, "headers": dict(post.headers), "body": base64.b64encode(post.body).decode()})
        for post in posts
    ]
    (target / "posts.ndjson").write_text("".join(f"{line}\n" for line in lines))
    (target / "calls.json").write_text(json.dumps(calls, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
    print(f"{len(posts)} posts, {len(calls)} calls in {target}")


if __name__ == "__main__":
    main()
