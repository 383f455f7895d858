"""The files of examples/deploy: manifests, compose, nginx and WSGI hosts; and a configuration that Kubernetes mounts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
import yaml

from openaimock.cli.reload import ReloadingApp
from openaimock.config.load import load
from openaimock.wsgi import create_app

from ..cli.test_reload import said
from ..support.commands import ROOT, environment
from ..support.nginx_server import configuration, needs_nginx
from ..support.redis_server import free_port
from ..support.wire import user

DEPLOY = ROOT / "examples" / "deploy"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))


def resources(path):
    return list(yaml.safe_load_all(path.read_text()))


def the(kind):
    return next(resource for path in MANIFESTS for resource in resources(path) if resource["kind"] == kind)


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_manifests_are_valid(path):
    validator = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed (pip, extra test)")
    for resource in resources(path):
        validator.validate(resource, validator.latest_version(), strict=True)


def test_a_wrong_manifest_is_noticed():
    validator = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed (pip, extra test)")
    deployment = the("Deployment")
    deployment["spec"]["replicas"] = "three"
    with pytest.raises(validator.ValidationError):
        validator.validate(deployment, validator.latest_version(), strict=True)


def test_the_manifests_have_what_a_deployment_needs():
    kinds = {resource["kind"] for path in MANIFESTS for resource in resources(path)}
    assert {"ConfigMap", "Deployment", "Service", "HorizontalPodAutoscaler", "Secret"} <= kinds
    pod = the("Deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["livenessProbe"]["httpGet"] == {"path": "/health", "port": "http"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/ready", "port": "http"}
    assert pod["enableServiceLinks"] is False
    # A file that is mounted by subPath is never updated.
    assert all("subPath" not in mount for mount in container["volumeMounts"])
    labels = the("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert the("Service")["spec"]["selector"].items() <= labels.items()


@pytest.mark.parametrize("text", [(DEPLOY / "mock.yaml").read_text(), the("ConfigMap")["data"]["mock.yaml"]])
def test_the_configurations_load(text):
    config = load(text, environ={"OPENAIMOCK_STORE": "redis://redis:6379/0"})
    assert (config.host, config.store) == ("0.0.0.0", "redis://redis:6379/0")
    assert len(config.rules) >= 2
    assert config.warnings == ()


def test_the_secret_is_an_address_of_a_store():
    address = the("Secret")["stringData"]["store"]
    assert load({"store": address, "responses": []}).store == address


def test_compose_runs_three_replicas_with_files_that_exist():
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    assert services["mock"]["deploy"]["replicas"] == 3
    assert (DEPLOY / services["mock"]["build"] / "Dockerfile").is_file()
    for service in services.values():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert not source.startswith(".") or (DEPLOY / source).is_file()
        assert set(service.get("depends_on", {})) <= set(services)
    assert "server mock:3000" in (DEPLOY / "nginx.conf").read_text()


def test_compose_is_valid_for_docker():
    if shutil.which("docker") is None or subprocess.run(["docker", "compose", "version"], capture_output=True).returncode:
        pytest.skip("docker compose is not installed")
    command = ["docker", "compose", "-f", str(DEPLOY / "compose.yaml"), "config", "--quiet"]
    checked = subprocess.run(command, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


@needs_nginx
def test_nginx_accepts_its_configuration(tmp_path):
    path = configuration(tmp_path, free_port(), [1, 2, 3])
    checked = subprocess.run(["nginx", "-t", "-e", str(tmp_path / "log"), "-c", str(path)], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


# A mounted ConfigMap


def publish(folder: Path, version: int, text: str) -> None:
    """Replace the files as the kubelet does: a new folder, a link that is renamed over ``..data``, and the old folder goes."""
    old = (folder / "..data").resolve() if (folder / "..data").is_symlink() else None
    new = folder / f"..2026_{version}"
    new.mkdir()
    (new / "mock.yaml").write_text(text)
    (folder / "..data_tmp").symlink_to(new.name)
    os.replace(folder / "..data_tmp", folder / "..data")
    if not (folder / "mock.yaml").is_symlink():
        (folder / "mock.yaml").symlink_to("..data/mock.yaml")
    if old is not None:
        shutil.rmtree(old)


def test_a_changed_configmap_is_loaded_again(tmp_path):
    def rules(text):
        return f"responses: [{{when: {{user: a}}, reply: {text}}}]\n"

    publish(tmp_path, 1, rules("one"))
    path = tmp_path / "mock.yaml"
    messages = []
    app = ReloadingApp(create_app(path), lambda: load(path), messages.append)
    for version, text in ((2, "two"), (3, "six"), (4, "ten")):
        publish(tmp_path, version, rules(text))
        assert app.poll()
        assert said(app, "a") == text
        assert not app.poll()
    publish(tmp_path, 5, "responses: nonsense\n")
    assert not app.poll()
    assert "the previous rules stay active" in messages[-1]
    assert said(app, "a") == "ten"


# WSGI hosts

HOSTS = {
    "gunicorn": ["gunicorn", "--worker-class", "gthread", "--workers", "2", "--threads", "8", "--bind", "127.0.0.1:{port}"],
    "granian": ["granian", "--interface", "wsgi", "--workers", "2", "--host", "127.0.0.1", "--port", "{port}"],
}


@pytest.mark.parametrize("host", HOSTS)
def test_the_application_runs_in_a_wsgi_host_with_processes_that_share_a_store(host, tmp_path):
    program = Path(sys.executable).with_name(host)
    if not program.exists():
        pytest.skip(f"{host} is not installed (pip, extra test)")
    port = free_port()
    command = [str(program), *(part.format(port=port) for part in HOSTS[host][1:]), "app:app"]
    variables = {
        "PYTHONPATH": f"{ROOT}{os.pathsep}{DEPLOY}",
        "PYTHONWARNINGS": "ignore",
        "OPENAIMOCK_CONFIG": str(DEPLOY / "mock.yaml"),
        "OPENAIMOCK_STORE": f"sqlite:///{tmp_path}/state.db",
    }
    log = tmp_path / "log"
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=tmp_path, env=environment(**variables), stdout=output, stderr=output)
    try:
        url = f"http://127.0.0.1:{port}"
        with httpx.Client(trust_env=False, base_url=url, timeout=20) as http:
            wait_until_ready(http, process, log)
            texts = []
            for _ in range(6):
                # A connection each, so that both processes answer.
                answer = httpx.post(f"{url}/v1/chat/completions", json=user("a ticket"), trust_env=False, timeout=20)
                texts.append(answer.json()["choices"][0]["message"]["content"])
            assert texts == [f"Ticket {number} of 3." for number in (1, 2, 3)] * 2
            streamed = http.post("/v1/chat/completions", json=user("a story", stream=True))
            assert streamed.text.endswith("data: [DONE]\n\n")
    finally:
        process.terminate()
        process.wait(30)


def wait_until_ready(http, process, log):
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            if http.get("/ready").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(log.read_text())
