"""
`instrument()` before the host imports its SDKs: in processes of their own, for a package is imported once.
"""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from collector.demo.provider import Provider
from tests.fakes.environment import clean_environment

ROOT = Path(__file__).parents[3]

BEGIN = """
import importlib, importlib.util, os, sys
from sdk_hooks import instrument, uninstrument
from sdk_hooks.arriving import ARRIVALS, Arrivals
"""

LATER = """
from tests.sdk_hooks.hooks.capture import Capture
from sdk_hooks.runtime import use
capture = Capture()
use(capture.runtime)
instrument()
assert not {"openai", "anthropic", "agents", "openrouter", "litellm", "google.genai", "importlib.metadata"} & set(sys.modules)

import openai
from importlib.machinery import SourceFileLoader
assert type(openai.__loader__) is type(openai.__spec__.loader) is SourceFileLoader
assert not {f"sdk_hooks.hooks.{other}" for other in ("agents", "anthropic", "google_genai", "openrouter")} & set(sys.modules)

def ask():
    client = openai.OpenAI(base_url=os.environ["PROVIDER"], api_key="k")
    client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hello"}])

ask()
assert ["openai"] == [event["provider"] for event in capture.terminals()]
from anthropic.types import Message
from anthropic import Anthropic
uninstrument()
assert ARRIVALS not in sys.meta_path
ask()
import google.genai
assert "sdk_hooks.hooks.google_genai" not in sys.modules
assert 1 == len(capture.terminals())
"""

ODD = """
arrivals, seen = Arrivals(), []
for name in ("failing", "zipped", "looked_at", "inside", "built.part", "never"):
    arrivals.wait(name, lambda name=name: seen.append(name))

# An import that fails has not arrived; the next one may.
os.environ["FAIL"] = "1"
try:
    import failing
except RuntimeError:
    pass
assert [] == seen
del os.environ["FAIL"]
import failing
assert ["failing"] == seen
importlib.reload(failing)
assert ["failing"] == seen

# A loader of many modules: what is imported meanwhile through it is not what was waited for.
sys.path.insert(0, sys.argv[1])
assert importlib.util.find_spec("zipped").name == "zipped"
import other_zipped, zipped
assert ["failing", "zipped"] == seen and zipped.other is other_zipped

# Looking imports nothing; who is waited for inside a package arrives when it is there.
assert importlib.util.find_spec("looked_at") and "looked_at" not in sys.modules
import built.part
assert ["failing", "zipped", "built.part"] == seen
assert built.part.whole

# Another's finder in front, which asks the import system itself.
class Another:
    busy = False
    def find_spec(self, name, path=None, target=None):
        if name != "inside" or self.busy:
            return None
        self.busy = True
        try:
            return importlib.util.find_spec(name)
        finally:
            self.busy = False
sys.meta_path.insert(0, Another())
import inside
assert 1 == seen.count("inside")

# Two threads at once: one import, one arrival.
import threading
threads = [threading.Thread(target=importlib.import_module, args=("looked_at",)) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert 1 == seen.count("looked_at")

# What is done on arrival may fail: the import does not.
arrivals.wait("last", lambda: 1 / 0)
import last
assert arrivals in sys.meta_path
arrivals.forget()
assert arrivals not in sys.meta_path
try:
    import never
except ModuleNotFoundError as error:
    assert error.name == "never"
"""

MODULES = {
    "failing.py": "import os\nif os.environ.get('FAIL'): raise RuntimeError('not yet')\n",
    "looked_at.py": "import time\ntime.sleep(0.05)\n",
    "inside.py": "",
    "last.py": "",
    "built/__init__.py": "from built import part\n",
    "built/part.py": "whole = True\n",
}


def run(code: str, *arguments: str, **environment: str) -> None:
    clean = clean_environment("PYTEST_")
    path = os.pathsep.join([str(ROOT), *filter(None, [environment.pop("FOLDER", "")])])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", BEGIN + code, *arguments],
        cwd=ROOT,
        env=clean | {"PYTHONPATH": path} | environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stdout), done.stderr


@pytest.mark.timeout(240)
def test_an_sdk_is_hooked_when_the_host_imports_it(provider: Provider) -> None:
    """
    `instrument()` imports no SDK. What is imported later is recorded, what is not never costs anything, and nothing shows.
    """
    run(LATER, PROVIDER=provider.base_url)


def test_every_way_to_be_imported(tmp_path: Path) -> None:
    """
    After a failure, from a zip file, as part of a package, behind another's finder, by several threads: each arrives once.
    """
    for name, text in MODULES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    archive = tmp_path / "modules.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("zipped.py", "import other_zipped as other\n")
        packed.writestr("other_zipped.py", "")
    run(ODD, str(archive), FOLDER=str(tmp_path))
