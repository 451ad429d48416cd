"""The cells of a table carry the heading above them, which a phone shows."""

from __future__ import annotations

from markupsafe import Markup

from hms.core.web import table_cards

COLUMNS = ["Patient", ("Total", "num"), "Reason", ("Actions", "actions")]


def label_cells(rows: str, columns: list) -> str:
    """The labelled cells of rows that Jinja wrote."""
    return table_cards.label_cells(Markup(rows), columns)  # noqa: S704 - the rows of these tests


def test_each_cell_has_the_heading_of_its_column():
    row = '<tr><th scope="row">A</th><td class="num">1</td><td data-label="Why">b</td><td class="actions">c</td></tr>'
    wanted = row.replace('<td class="num">', '<td data-label="Total" class="num">')
    assert label_cells(row * 2, COLUMNS) == wanted * 2


def test_a_cell_over_several_columns_has_none_and_moves_the_next():
    row = '<tr><td colspan="2">Sum</td><td>b</td></tr>'
    assert label_cells(row, COLUMNS) == row.replace("<td>", '<td data-label="Reason">')


def test_headings_are_escaped():
    assert label_cells("<tr><td>1</td></tr>", ['"<b>']) == '<tr><td data-label="&#34;&lt;b&gt;">1</td></tr>'


def test_an_empty_cell_is_marked():
    row = "<tr><th>A</th><td>\n </td></tr>"
    assert label_cells(row, COLUMNS) == '<tr><th>A</th><td data-label="Total" data-none></td></tr>'


def test_rows_that_nobody_escaped_are_escaped():
    assert table_cards.label_cells("<script>", COLUMNS) == "&lt;script&gt;"
