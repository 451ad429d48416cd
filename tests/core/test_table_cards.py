"""The cells of a table carry the heading above them, which a phone shows."""

from __future__ import annotations

from hms.core.web.table_cards import label_cells

COLUMNS = ["Patient", ("Total", "num"), "Reason", ("Actions", "actions")]


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
