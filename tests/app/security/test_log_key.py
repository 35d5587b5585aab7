"""The file of the key that signs the log's checkpoints: what is written is read, and nothing else is."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from rigs.refused_calls import refuses

from app.errors import ConfigurationError
from app.security.log_key import make_log_key, read_log_key


def test_the_key_that_is_written_is_the_one_that_is_read(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "log.key"
    made = make_log_key(file, "broker.example/log")
    read = read_log_key(file)
    assert (read.name, read.kind) == (made.name, made.kind)
    assert read.private_key.private_bytes_raw() == made.private_key.private_bytes_raw()
    secret = base64.b64encode(made.private_key.private_bytes_raw()).decode()
    assert file.read_text("utf-8") == f"blindlink/log-key/1\nbroker.example/log\n{secret}\n"
    with pytest.raises(FileExistsError):
        make_log_key(file, "broker.example/log")


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "log.key"
    make_log_key(file, "broker.example/log")
    text = file.read_text("utf-8")
    for old, new in (
        ("log-key/1", "log-key/2"),
        ("broker.example/log", "broker example"),
        ("log\n", "log\n!"),
        ("=\n", "=\nmore\n"),
        ("=\n", "\n"),
    ):
        assert old in text
        file.write_text(text.replace(old, new, 1), "utf-8")
        with refuses(ConfigurationError, (old, new), match="log"):
            read_log_key(file)
