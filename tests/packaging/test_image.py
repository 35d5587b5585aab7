"""The Dockerfile's steps work, its result serves, and compose.yaml gives nothing more than it needs."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from services.image import Image, build_image, path_without_compiler, read_dockerfile
from services.requirement import missing

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES = list(COMPOSE["services"])


def instructions(*, final: bool = False) -> list[tuple[str, str]]:
    """Return keyword and rest of each instruction, of the last stage alone if asked."""
    read = [(one.keyword, one.rest) for one in read_dockerfile(DOCKERFILE)]
    last = max(index for index, (keyword, _) in enumerate(read) if keyword == "FROM")
    return read[last:] if final else read


def test_the_final_stage_installs_nothing_but_the_tools_of_a_backup() -> None:
    database = COMPOSE["services"]["db"]["image"]
    release = re.fullmatch(r"postgres:(\d+)-trixie", database)
    assert release is not None
    installed = re.findall(
        r"apt-get install --yes --no-install-recommends (.*?) *\\?(?:&&|$)",
        " ".join(rest for keyword, rest in instructions(final=True) if keyword == "RUN"),
    )
    assert [one.split() for one in installed] == [[f"postgresql-client-{release[1]}"]]


def test_what_listens_for_all_says_as_whom_it_is_called() -> None:
    (listening,) = (rest for keyword, rest in instructions(final=True) if "BLINDLINK_HOST" in rest)
    assert "BLINDLINK_HOST=0.0.0.0" in listening
    for name in ("broker", "worker"):
        given = COMPOSE["services"][name]["environment"]["BLINDLINK_PUBLIC_URL"]
        assert given.startswith("${BLINDLINK_PUBLIC_URL:?")
    assert "BLINDLINK_PUBLIC_URL=https://" in (ROOT / "docs" / "install.md").read_text()


def test_the_image_runs_as_a_numbered_user_who_is_not_root() -> None:
    users = [rest for keyword, rest in instructions(final=True) if keyword == "USER"]
    assert users[-1:] == ["10001"]


def test_the_context_holds_what_is_copied_and_nothing_else() -> None:
    let_in = re.findall(r"^!([^/\n]+)/?$", (ROOT / ".dockerignore").read_text(), flags=re.MULTILINE)
    copied = {
        source.split("/")[0]
        for keyword, rest in instructions()
        if keyword == "COPY" and not rest.startswith("--from=")
        for source in rest.split()[:-1]
    }
    assert set(let_in) == copied


def test_a_service_has_no_capability_and_a_read_only_root() -> None:
    for name, service in COMPOSE["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert "cap_add" not in service, name
        assert service["read_only"] is True, name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_a_secret_reaches_a_service_as_a_file() -> None:
    for name, service in COMPOSE["services"].items():
        settings: dict[str, str] = service["environment"]
        for key, value in settings.items():
            if re.search("PASSWORD|KEY|TOKEN", key):
                assert value.startswith("/run/secrets/"), (name, key)
            if value.startswith("/run/secrets/"):
                assert Path(value).name in service["secrets"], (name, key)
    assert all(list(source) == ["file"] for source in COMPOSE["secrets"].values())


def test_only_the_broker_can_be_reached_from_outside() -> None:
    assert [name for name in SERVICES if "ports" in COMPOSE["services"][name]] == ["broker"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert COMPOSE["services"]["db"]["networks"] == ["inside"]
    assert COMPOSE["services"]["worker"]["networks"] == ["inside"]


def test_every_setting_of_compose_is_one_that_the_broker_knows() -> None:
    from app.settings import Settings

    given = COMPOSE["services"]["broker"]["environment"]
    assert {key.removeprefix("BLINDLINK_").lower() for key in given} <= set(Settings.model_fields)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """The image, built here: its last stage on a machine that has every program but the compilers."""
    folder = tmp_path_factory.mktemp("image")
    # The base image calls it `python`. Not the one of this environment, which has packages already.
    (folder / "base").mkdir()
    (folder / "base" / "python").symlink_to(Path(sys.base_exec_prefix) / "bin" / "python3")
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_"))}
    paths = (os.environ["PATH"], path_without_compiler(folder / "programs"))
    stages = [
        kept | {"HOME": str(folder), "PATH": f"{folder / 'base'}{os.pathsep}{path}"}
        for path in paths
    ]
    (folder / "root").mkdir()
    return build_image(DOCKERFILE, ROOT, folder / "root", stages)


@pytest.mark.index
def test_the_image_has_the_three_commands_and_neither_pip_nor_source(image: Image) -> None:
    for command in ("blindlink", "blindlink-broker", "blindlink-audit"):
        assert image.run([command, "--help"]).returncode == 0
    assert image.run(["python", "-c", "import pip"]).returncode != 0
    where = image.run(["python", "-c", "import app; print(app.__file__)"]).stdout
    assert where.startswith(f"{image.root}/opt/blindlink/lib/")


@pytest.mark.index
def test_the_build_stage_has_compiled_the_kernel(image: Image) -> None:
    if shutil.which("gcc") is None:
        missing("gcc is not installed")
    kernel = image.run(
        ["python", "-c", "from app.extras.exhaustive import kernel_name; print(kernel_name())"]
    )
    assert kernel.stdout.strip() not in {"", "numpy"}


@pytest.fixture
def served(image: Image, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The image's command, running on a state folder of its own; yields the settings it runs with."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "BLINDLINK_STATE_DIR": str(tmp_path / "state"),
        "BLINDLINK_HOST": "127.0.0.1",
        "BLINDLINK_PORT": str(port),
    }
    initialised = image.run(["blindlink-broker", "init", "--self-signed"], **settings)
    assert initialised.returncode == 0, initialised.stderr
    with subprocess.Popen(image.command, env=image.environment | settings, cwd=tmp_path) as broker:
        yield settings
        broker.terminate()
        # uvicorn stops in order, then raises the signal again; as a container's first process it ends with 0.
        assert broker.wait(30) in {0, -signal.SIGTERM}


@pytest.mark.index
def test_the_health_check_fails_without_and_passes_with_a_broker(
    image: Image, served: dict[str, str]
) -> None:
    deadline = time.monotonic() + 240
    while image.run(image.healthcheck, **served).returncode != 0:
        assert time.monotonic() < deadline, "the broker did not become healthy in 30 s"
    assert image.run(image.healthcheck, **served | {"BLINDLINK_PORT": "9"}).returncode != 0
