"""A client for tests that starts fast and retries twice; ``--hang``: without a timeout, ``--child``: leaves a child.

``--detached``: the child has a process group of its own."""

import http.client
import json
import os
import subprocess
import sys
import time

host, _, prefix = os.environ["OPENAI_BASE_URL"].removeprefix("http://").partition("/")
body = json.dumps({"model": "gpt-4o", "stream": "--stream" in sys.argv, "messages": [{"role": "user", "content": "Hello"}]})
if "--child" in sys.argv:
    child = subprocess.Popen(["sleep", "600"], start_new_session="--detached" in sys.argv)
    with open(os.environ["CHILD_FILE"], "a") as file:
        file.write(f"{child.pid}\n")


def ask():
    connection = http.client.HTTPConnection(host, timeout=None if "--hang" in sys.argv else 0.5)
    connection.request("POST", f"/{prefix}/chat/completions", body, {"content-type": "application/json"})
    answer = connection.getresponse()
    text = answer.read().decode()
    if answer.status == 401:
        raise SystemExit("wrong key")
    if answer.status != 200 or ("--stream" in sys.argv and "[DONE]" not in text):
        raise OSError(answer.status)
    return text if "--stream" in sys.argv else json.loads(text)["choices"][0]["message"]["content"]


for attempt in range(3):
    try:
        print(ask())
        break
    except (OSError, ValueError, http.client.HTTPException) as error:
        if attempt == 2:
            raise SystemExit(f"gave up: {error!r}") from None
        time.sleep(0.15 * 2**attempt)
