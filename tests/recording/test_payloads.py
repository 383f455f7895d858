from __future__ import annotations

import base64
from pathlib import Path

from openaimock.recording.payloads import move_payloads

PNG = b"\x89PNG" + bytes(3000)


def test_large_payloads_go_to_files_beside_the_rules(tmp_path: Path) -> None:
    packed = base64.b64encode(PNG).decode()
    rules = [
        {"id": "a cat", "when": {}, "reply": {"image": {"b64": packed}}},
        {"id": "small", "when": {}, "replies": [{"image": {"b64": "AAAA"}}, {"speech": {"b64": packed, "format": "mp3"}}]},
    ]
    assert move_payloads(rules, tmp_path / "mock.yaml") == 2
    assert rules[0]["reply"] == {"image": {"file": "mock-files/a-cat-1.png"}}
    assert rules[1]["replies"] == [{"image": {"b64": "AAAA"}}, {"speech": {"file": "mock-files/small-2.mp3", "format": "mp3"}}]
    assert (tmp_path / "mock-files" / "a-cat-1.png").read_bytes() == PNG
