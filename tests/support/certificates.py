"""Certificates that tests make for servers of their own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest


def certificate(folder: Path, name: str = "127.0.0.1", address: str = "IP:127.0.0.1") -> tuple[Path, Path]:
    """The files of a new certificate for an address, and of its key. The test is skipped without ``openssl``."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}"]
    command += ["-addext", f"subjectAltName={address}", "-keyout", str(key), "-out", str(cert)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"openssl cannot make a certificate: {error}")
    return cert, key
