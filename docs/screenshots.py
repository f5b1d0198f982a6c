"""
Take the pictures of the page that the README shows: `python -m docs.screenshots`. Needs Chromium.

Flow: a collector on a temporary database <- the demo's scenario and the traffic of a made-up shop -> Chromium -> docs/images/*.png.
"""

import random
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page, sync_playwright

from collector.demo.scenario import run_scenario
from tests.fakes.running import Running, running_collector

IMAGES = Path(__file__).parent / "images"
MOST_BYTES = 300_000
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--hide-scrollbars"]
MINUTES = 9

Event = dict[str, Any]

ASKED = (
    ("support-chat", "gpt-4o", "A customer wants a refund after 45 days. What does our policy allow?"),
    ("support-chat", "gpt-4o", "Summarise this conversation for the next shift in three sentences."),
    ("support-chat", "gpt-4o-mini", "Classify the message: billing, delivery, product or other?"),
    ("catalogue", "gpt-4o-mini", "Write a title of at most 60 characters for: waterproof pannier, 24 l, pair"),
    ("catalogue", "gpt-5", "Compare these two e-bikes for a commuter who rides 30 km a day in the hills."),
    ("search", "o4-mini", "Rewrite the query for the index: red byke for kids 6 yrs"),
    ("planner", "gpt-5", "Plan the stock for week 48: look at last year's sales and the weather forecast."),
    ("support-chat", "gpt-4o", "Translate the answer into French and keep the order number as it is."),
)
ANSWER = "The policy allows a refund within thirty days of delivery and store credit up to ninety days after it"
WORDS = ANSWER.split()


def chunks_of(rng: random.Random, wait_ms: float, length_ms: float, *, stalls: int) -> list[Event]:
    """Pieces of an answer as providers send them: in little bursts, with a stall here and there."""
    moments, at_ms = [], wait_ms
    breaks = {rng.uniform(wait_ms, length_ms): rng.uniform(0.08, 0.2) * length_ms for _ in range(stalls)}
    while at_ms < length_ms:
        moments.append(at_ms)
        step = rng.choice((6, 9, 14, 24, 60)) * length_ms / 2400
        due = next((moment for moment in breaks if moment <= at_ms), None)
        at_ms += step + (breaks.pop(due) if due is not None else 0)
    return [{"offsetMs": round(moment - moments[0], 1), "delta": WORDS[n % len(WORDS)] + " "} for n, moment in enumerate(moments)]


def call(rng: random.Random, number: int, at_ms: float) -> list[Event]:
    """One call of the shop that began at `at_ms`."""
    service, model, prompt = rng.choice(ASKED)
    length_ms = rng.choice((620, 1400, 2300, 3800, 7200)) * rng.uniform(0.7, 1.4)
    wait_ms = length_ms * rng.uniform(0.08, 0.35)
    base = {
        "requestId": f"req-{number:04}",
        "provider": "openai",
        "model": model,
        "sessionId": f"s-{number % 23 + 400}",
        "clientId": service,
    }
    started = {**base, "type": "text:request:started", "timestamp": at_ms, "messages": [{"role": "user", "content": prompt}]}
    pieces = chunks_of(rng, wait_ms, length_ms, stalls=rng.choice((0, 0, 1, 2)))
    chunk = {**base, "type": "text:chunk:content", "timestamp": at_ms + wait_ms, "messageId": "m", "chunks": pieces}
    end = {**base, "timestamp": at_ms + length_ms, "duration": length_ms}
    fate = rng.random()
    if fate < 0.05:
        error = {"name": "RateLimitError", "message": "Rate limit reached for gpt-4o: 30,000 tokens a minute"}
        return [started, {**end, "type": "text:request:error", "error": error, "duration": 180, "timestamp": at_ms + 180}]
    if fate < 0.09:
        return [started, chunk, {**end, "type": "text:request:aborted"}]
    asked = rng.choice((180, 640, 2100, 8400))
    cached = {"promptTokensDetails": {"cachedTokens": asked // 2}} if rng.random() < 0.4 else {}
    usage = {"promptTokens": asked, "completionTokens": len(pieces), "totalTokens": asked + len(pieces), **cached}
    done = {**end, "type": "text:request:completed", "finishReason": "stop", "usage": usage}
    return [started, chunk, done]


def traffic(now_ms: float) -> Iterator[list[Event]]:
    """The finished calls of some minutes."""
    rng, at_ms, number = random.Random(48), now_ms - MINUTES * 60_000, 0  # noqa: S311 - the same picture each time
    while at_ms < now_ms - 16_000:
        yield call(rng, number, at_ms)
        at_ms += rng.uniform(900, 5200)
        number += 1


class Streaming:
    """Calls that go on while the pictures are taken: their chunks are posted when it is their time."""

    def __init__(self, collector: Running) -> None:
        self._collector = collector
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join(10)

    def _run(self) -> None:
        rng = random.Random(7)  # noqa: S311
        open_calls: list[list[Event]] = []
        number, next_ms = 0, 0.0
        while not self._stop.wait(0.15):
            now_ms = time.time() * 1000
            if now_ms > next_ms:
                number, next_ms = number + 1, now_ms + 1100
                open_calls.append(self._begin(rng, number, now_ms))
            for waiting in open_calls:
                due = [event for event in waiting if event["timestamp"] <= now_ms]
                if due:
                    del waiting[: len(due)]
                    post(self._collector, due)

    @staticmethod
    def _begin(rng: random.Random, number: int, now_ms: float) -> list[Event]:
        """A call's events, its chunks one by one, in the order of their times."""
        found: list[Event] = []
        for event in call(rng, 2000 + number, now_ms):
            for piece in event.get("chunks", [None]):
                moment = {} if piece is None else {"timestamp": event["timestamp"] + piece["offsetMs"]}
                found.append({**event, **moment, **({} if piece is None else {"chunks": [{**piece, "offsetMs": 0}]})})
        return found


def fill(collector: Running) -> None:
    """The shop's calls and, newest, the demo's."""
    for events in traffic(time.time() * 1000):
        post(collector, events)
    collector.wait_for_calls("req-0000")
    run_scenario(collector_url=collector.url, api_key=None, on_step=lambda step: None)
    time.sleep(1.5)


def post(collector: Running, events: list[Event]) -> None:
    resource = {"service.name": events[0]["clientId"], "telemetry.sdk.name": "hookline-py"}
    collector.ask("POST", "/v1/events", body={"resource": resource, "events": events})


def take(browser: Browser, url: str, name: str, *, width: int, scheme: str, height: int = 900) -> None:
    """One picture."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)  # pyright: ignore[reportArgumentType]
    page: Page = context.new_page()
    page.goto(url)
    page.wait_for_timeout(1500)
    path = IMAGES / f"{name}.png"
    page.screenshot(path=path)
    context.close()
    size = path.stat().st_size
    print(f"{path.name}: {size // 1024} KB")
    if size > MOST_BYTES:
        raise SystemExit(f"{path.name} is over {MOST_BYTES} bytes")


def main(only: str = "") -> None:
    """All pictures, or those whose name has `only` in it."""
    IMAGES.mkdir(exist_ok=True)
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        raise SystemExit("no Chromium: apt-get install chromium")
    with (
        tempfile.TemporaryDirectory() as folder,
        running_collector(f"sqlite:///{folder}/shop.db") as collector,
        sync_playwright() as playwright,
    ):
        fill(collector)
        agents = collector.get("/v1/calls?operation=invoke_agent&limit=5").json["items"]
        chosen = next(row["request_id"] for row in agents if "weather" in str(row["prompt_preview"]))
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        with Streaming(collector):
            time.sleep(9)
            for name, path, width in pictures(chosen):
                for scheme in ("light", "dark"):
                    if only in f"{name}-{scheme}":
                        take(browser, collector.url + path, f"{name}-{scheme}", width=width, scheme=scheme)
        browser.close()


def pictures(chosen: str) -> Sequence[tuple[str, str, int]]:
    """Name, address and width of each."""
    statement = """SELECT floor(start_ms / 60000) * 60000 AS minute_ms, count(*) AS calls, round(avg(duration_ms)) AS mean_duration_ms,
       sum(output_tokens) AS output_tokens, round(sum(cost_usd), 4) AS cost_usd
FROM calls
WHERE start_ms IS NOT NULL AND status <> 'running'
GROUP BY 1
ORDER BY 1;"""
    return (
        ("list", "/", 1440),
        ("list-390", "/", 390),
        ("call", f"/?call={chosen}", 1440),
        ("call-390", f"/calls/{chosen}", 390),
        ("sql", f"/sql?{urlencode({'sql': statement})}", 1440),
    )


if __name__ == "__main__":
    main(*sys.argv[1:2])
