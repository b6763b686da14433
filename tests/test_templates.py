"""The package's own templates stand in a sandbox, too."""

import jinja2
import pytest
from jinja2.exceptions import SecurityError

from ser_keras.reports.report import templates


@pytest.mark.parametrize("template", ["{{ x.__class__.__mro__ }}", "{{ f.__globals__ }}", "{{ x.append(1) }}"])
def test_a_value_does_not_lead_to_the_program(template):
    with pytest.raises(SecurityError):
        templates().from_string(template).render(x=[], f=lambda: None)


def test_no_loop_is_endless():
    with pytest.raises(OverflowError, match="Range too big"):
        templates().from_string("{% for i in range(10**9) %}{% endfor %}").render()


def test_what_is_not_given_is_an_error():
    with pytest.raises(jinja2.UndefinedError):
        templates().from_string("{{ x }}").render()


def test_text_for_markdown_begins_no_tag_of_html():
    plain = templates().filters["plain"]
    assert plain("<b>a</b> <!-- c -->") == "&lt;b>a&lt;/b> &lt;!-- c -->"
    assert plain("1 < 2, a <- b, <1 %") == "1 < 2, a <- b, <1 %"
