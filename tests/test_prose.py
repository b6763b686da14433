"""A finding's paragraphs, lists and tables as HTML."""

from ser_keras.reports.report import templates

TEXT = """
Two rows of 5 %, one of them <b>.

| | reported | here |
| --- | --- | --- |
| tree | 41.5 % | 57.4 ± 0.8 % |
| neighbours | 49.4 % | (not run) |

- one;
- two.
"""


def test_paragraphs_lists_and_tables_become_elements():
    html = templates().get_template("macros.html.j2").module.prose(TEXT)
    assert "<p>Two rows of 5\u00a0%, one of them &lt;b&gt;.</p>" in html  # the number and its unit stay on one line
    assert '<th scope="col"></th><th scope="col">reported</th><th scope="col">here</th>' in html
    assert html.count("<tr>") == 3
    assert '<td class="number">57.4 ± 0.8 %</td>' in html
    assert "<td>tree</td>" in html.replace("\n", "")
    assert "---" not in html
    assert "<li>one;</li><li>two.</li>" in html
