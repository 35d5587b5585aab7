"""Rows of agencies joined by link ID: who is in several, with the columns of all."""

from __future__ import annotations

from encoding.sharing.joined_rows import LinkedTable, join_rows


def test_who_is_in_several_files_is_there_with_the_columns_of_all() -> None:
    courts = LinkedTable(("county",), [("b", "Kern")])
    schools = LinkedTable(("grade", "county"), [("a", "7", "Inyo"), ("b", "8", ""), ("b", "9", "")])
    welfare = LinkedTable(("kin",), [("c", "yes"), ("a", "no")])
    found = join_rows({"courts": courts, "schools": schools, "welfare": welfare})
    assert found.columns == ("courts.county", "grade", "schools.county", "kin")
    assert found.rows == [
        ("a", "", "7", "Inyo", "no"),
        ("b", "Kern", "8", "", ""),
        ("b", "Kern", "9", "", ""),
    ]


def test_nobody_in_common_is_no_row() -> None:
    schools, welfare = (
        LinkedTable(("grade",), [("a", "7")]),
        LinkedTable(("link_id",), [("b", "x")]),
    )
    assert join_rows({"schools": schools, "welfare": welfare}) == (("grade", "welfare.link_id"), [])
