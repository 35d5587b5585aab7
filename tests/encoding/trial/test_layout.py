"""How a file is read, written down by its owner."""

from __future__ import annotations

from pathlib import Path

from samples.refusals import raises

from encoding.errors import ConfigError, QuotingError
from encoding.trial.layout import Layout, LayoutSection, about_file, read_layout, render_layout

LAYOUT = Layout(
    input=LayoutSection(encoding="cp1252", delimiter="\t", date_format="DD.MM.YYYY"),
    columns={"first_name": 'the "given" name', "last_name": "Fam. Name"},
)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "layout.toml"
    for id_column in (None, "Kid #"):
        how = LAYOUT.input.model_copy(update={"id_column": id_column})
        layout = LAYOUT.model_copy(update={"input": how})
        file.write_bytes(render_layout(Path("a.csv"), layout, {"sex": "Sex"}, ['odd "one"']))
        assert read_layout(file) == layout
        assert '# sex = "Sex"' in file.read_text("utf-8")


def test_a_layout_that_cannot_be_used_says_where(tmp_path: Path) -> None:
    path = tmp_path / "layout.toml"
    with raises(ConfigError, match="there is no file"):
        read_layout(path)
    for text, said in (
        ("[input", "TOML"),
        ("[input]\nid_colum = 'ID'\n", r"line 2, \[input\] id_colum is none"),
        ("[columns]\nfirst_name = 'A'\n", "input is missing"),
        ("[input]\ndelimiter = ';;'\n", r"line 2, \[input\] delimiter is not one character"),
        ("[input]\n[columns]\nfirst_name = ''\n", r"line 3, \[columns\] first_name is empty"),
    ):
        path.write_text(text, "utf-8")
        with raises(ConfigError, match=said):
            read_layout(path)
    # An error names its file once.
    for said in ("row 3 is wrong", "a.csv: row 3 is wrong"):
        with raises(QuotingError, match=r"^a\.csv: row 3 is wrong$"), about_file(Path("x/a.csv")):
            raise QuotingError(said)
