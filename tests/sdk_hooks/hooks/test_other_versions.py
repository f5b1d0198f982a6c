"""
SDKs in versions that nobody tested, and with pieces gone: in processes of their own, which import what they find.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from collector.demo.provider import Provider
from tests.fakes.environment import clean_environment

ROOT = Path(__file__).parents[3]

BEGIN = """
import os, sys
from sdk_hooks import instrument, uninstrument
from tests.sdk_hooks.hooks.capture import Capture
from sdk_hooks.runtime import use
url = os.environ["PROVIDER"]
capture = Capture()
use(capture.runtime)
def recorded():
    return [event["provider"] for event in capture.terminals()]
"""

NEWER = """
import anthropic, openai, openrouter, google.genai, agents
openai.__version__ = openrouter.__version__ = agents.__version__ = "99.1.0"
google.genai.__version__ = "0.9rc1"
# This one does not say it itself: it is looked up among the installed.
del anthropic.__version__
instrument()
instrument()
client = instrument(openai.OpenAI(base_url=url, api_key="k"))
client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hello"}])
assert ["openai"] == recorded(), recorded()
uninstrument()
"""

MOVED = """
import anthropic, openai
from anthropic._base_client import SyncAPIClient
from google.genai._api_client import BaseApiClient
from google.genai import Client
from tests.sdk_hooks.hooks import anthropic_patterns, google_genai_patterns

send = SyncAPIClient.request
SyncAPIClient.send_it = send
del SyncAPIClient.request
def post(self, path, *, cast_to, body=None, options={}, **more):
    made = anthropic._models.FinalRequestOptions.construct(method="post", url=path, json_data=body, **options)
    return self.send_it(cast_to, made)
SyncAPIClient.post = post
del BaseApiClient.async_request_streamed
del openai._ModuleClient

instrument()
instrument()
client = instrument(anthropic_patterns.make_sync(url))
print(client.messages.create(**anthropic_patterns.asking()).content[0].text)
assert [] == recorded(), recorded()
google = instrument(google_genai_patterns.make_sync(url))
print(google.models.generate_content(**google_genai_patterns.asking()).text)
openai.OpenAI(base_url=url, api_key="k").chat.completions.create(model="m", messages=[{"role": "user", "content": "Hello"}])
assert ["gcp.gemini", "openai"] == recorded(), recorded()
uninstrument()
"""


def lines_of(code: str, provider: Provider, **environment: str) -> list[str]:
    """What the process says on its error output, where the logger `hookline` writes when nobody has set it up."""
    clean = clean_environment("PYTEST_")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", BEGIN + code],
        cwd=ROOT,
        env=clean | {"PROVIDER": provider.base_url} | environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return done.stderr.splitlines()


@pytest.mark.long
@pytest.mark.timeout(240)
def test_a_version_that_was_not_tested_is_told_once_and_recorded(provider: Provider, tmp_path: Path) -> None:
    """
    One line an SDK and process, with its version and the tested ones, however often it is asked for; calls are recorded.
    """
    (tmp_path / "anthropic-98.0.dist-info").mkdir()
    (tmp_path / "anthropic-98.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: anthropic\nVersion: 98.0\n")

    lines = lines_of(NEWER, provider, PYTHONPATH=str(tmp_path))

    told = {line.split()[1]: line for line in lines}
    assert {"openai", "openrouter", "openai-agents", "anthropic", "google-genai"} == set(told)
    assert 5 == len(lines), lines
    assert told["openai"].startswith("hookline: openai 99.1.0, tested with 3.")
    assert "later below 4: recorded as far as it is alike" in told["openai"]
    assert "anthropic 98.0, tested with 2." in told["anthropic"]
    assert "google-genai 0.9rc1, tested" in told["google-genai"]


@pytest.mark.long
@pytest.mark.timeout(240)
def test_what_an_sdk_has_not_got_is_named_once(provider: Provider) -> None:
    """
    Where attributes that we hold have gone, one line an SDK names them; the rest is recorded, and the host's calls work.
    """
    lines = lines_of(MOVED, provider)

    told = {line.split()[1]: line for line in lines}
    assert {"openai", "anthropic", "google-genai"} == set(told)
    assert 3 == len(lines), lines
    assert told["anthropic"].endswith("not recorded, because not found: Anthropic.request")
    assert told["google-genai"].endswith("not found: BaseApiClient.async_request_streamed")
    assert told["openai"].endswith("not found: _ModuleClient")
