"""What docs/api.md shows of signing in, run as it stands there: plain Python, curl and openssl."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rigs.office import Office, office
from services.requirement import missing

__all__ = ["office"]

API = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")
ADDRESS = "https://broker.example.org:8443"
TIMEOUT_S = 400


def blocks(section: str, language: str) -> list[str]:
    text = API.split(f"\n## {section}\n")[1].split("\n## ")[0]
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def run(office: Office, program: list[str], source: str, typed: str | None = None) -> str:
    """Run a block of the guide in the person's folder, at this broker's address."""
    (office.folder / "broker.crt").write_bytes(office.ca_file.read_bytes())
    script = office.folder / "script"
    script.write_text(source.replace(ADDRESS, office.address))
    done = subprocess.run(
        [*program, str(script)],
        cwd=office.folder,
        # Standard input may not be the terminal's: there is a question to answer.
        input=typed or "",
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
        env={"PATH": os.environ["PATH"], "SYSTEMROOT": os.environ.get("SYSTEMROOT", "")},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def python(office: Office, source: str, typed: str | None = None) -> str:
    assert not re.search(r"^(import|from) (schemas|encoding|app)\b", source, re.MULTILINE)
    return run(office, [sys.executable, "-W", "error"], source, typed)


@pytest.fixture
def confirmed(office: Office) -> str:
    """Enrol with the guide's first program, confirmed by what it prints; returns the person's id."""
    making, *_ = blocks("Signing in", "python")
    printed = python(office, making, office.invite("analyst") + "\n")
    fingerprint = printed.strip().partition("read this to the operator: ")[2]
    person = (office.folder / "person.txt").read_text()
    done = office.type_as_operator("person", "confirm", person, "--fingerprint", fingerprint)
    assert done.exit_code == 0, done.stderr
    return person


def test_plain_python_enrols_signs_in_and_proves_each_request(
    office: Office, confirmed: str
) -> None:
    _, signing_in, _ = blocks("Signing in", "python")
    whoami, projects = python(office, signing_in).splitlines()
    assert f"'person': '{confirmed}'" in whoami
    assert "'duties': ['analyst']" in whoami
    assert projects == "{'projects': []}"


ASKING = """
import urllib.error

path = "/v1/projects/no-project/rounds/1"
with open("signing.pem", "rb") as file:
    key = serialization.load_pem_private_key(file.read(), password=None)
for signed_request in ({}, {"Blindlink-Request": request_header(key, "POST", path)}):
    shown = {"Authorization": f"DPoP {token}", "DPoP": proof("POST", BROKER + path, token)}
    try:
        send("POST", BROKER + path, None, shown | signed_request)
    except urllib.error.HTTPError as error:
        print(json.load(error)["type"])
"""


def test_plain_python_signs_what_the_log_will_say(office: Office, confirmed: str) -> None:
    _, signing_in, signing = blocks("Signing in", "python")
    refusals = python(office, signing_in + signing + ASKING).splitlines()[-2:]
    codes = [refusal.rsplit(":", 1)[1] for refusal in refusals]
    assert codes == ["request-unsigned", "not-found"]


def test_curl_and_openssl_get_a_token_with_which_the_other_examples_work(
    office: Office, confirmed: str
) -> None:
    for name in ("sh", "curl", "openssl"):
        if shutil.which(name) is None:
            missing(f"there is no {name}")
    (signing_in,) = blocks("Signing in", "sh")
    run(office, ["sh", "-eu"], signing_in)
    token = office.folder / "county.token"
    assert token.stat().st_mode & 0o077 == 0
    (asking,) = blocks("Calling it", "sh")
    assert json.loads(run(office, ["sh", "-eu"], asking))["person"] == confirmed
    (calling,) = blocks("Calling it", "python")
    assert f"'person': '{confirmed}'" in python(office, calling)


def test_the_reference_shows_how_the_document_is_fetched(office: Office) -> None:
    if shutil.which("curl") is None:
        missing("there is no curl")
    page = (Path(__file__).parents[2] / "docs" / "api-reference.md").read_text("utf-8")
    (source,) = re.findall(r"^```sh\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert '"openapi"' in run(office, ["sh"], source)
