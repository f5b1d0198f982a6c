"""
A host application that calls its model again and again through a wrapped `openai` client, until it is told to stop or killed.

Run by the nursery. After each call it appends the call's number and time to a file, by one write: what it had done when
it was killed is known.
"""

import os
import signal
import threading
import time


def call_until_told(provider_url: str, progress_path: str, name: str, calls: str = "0") -> int:
    """Calls a few milliseconds apart; so many, or without an end. SIGTERM ends it in good order."""
    from openai import OpenAI

    from sdk_hooks import flush, instrument, shutdown

    is_over = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: is_over.set())
    progress = os.open(progress_path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    client = instrument(OpenAI(base_url=provider_url, api_key="not-a-key", max_retries=0), tags={"host": name})
    number, most = 0, int(calls)
    while not is_over.is_set() and (not most or number < most):
        number += 1
        client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": f"{name} {number}"}])
        os.write(progress, f"{name} {number} {time.time():.3f}\n".encode())
        time.sleep(0.01)
    delivered = flush(timeout=100)
    shutdown()
    return 0 if delivered else 1
