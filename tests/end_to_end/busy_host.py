"""
A host application that keeps calling while its collector may come and go. Run as a script by the tests.

Makes the number of calls given, a few milliseconds apart, then waits until all its events are delivered.
Prints one line of JSON: how long the slowest call took, whether everything was delivered, and the losses.
"""

import json
import sys
import time

from openai import OpenAI

from collector.demo.provider import start_provider
from sdk_hooks import flush, instrument, losses


def main(calls: int) -> None:
    slowest_s = 0.0
    with start_provider() as provider:
        client = instrument(OpenAI(base_url=provider.base_url, api_key="not-a-key"))
        for _ in range(calls):
            began = time.perf_counter()
            client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Hello"}])
            slowest_s = max(slowest_s, time.perf_counter() - began)
            time.sleep(0.02)
        delivered = flush(timeout=100)
    print(json.dumps({"slowest_s": slowest_s, "delivered": delivered, "losses": losses()}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
