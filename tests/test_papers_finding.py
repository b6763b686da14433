"""The finding: lookups and words, and nothing that a stranger's file could do with a program."""

import pytest

from ser_keras.papers import finding
from ser_keras.papers.finding import Lookup, asked, faults, render
from ser_keras.support.errors import SerError

TEN = "{% set L = (1, 2, 3, 4, 5, 6, 7, 8, 9, 0) %}"


def lookups(**given):
    return dict.fromkeys(finding.ARGUMENTS, lambda *asked, **named: "0 %") | given


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain", "plain"),
        ("\n{% set c = 'a' %}\nIt got {{ mean(c, 'p', 'v') }}.\n", "It got a p v."),
        ("{% for a, b in (('x', 'y'), ('z', 'w')) %}{{ mean(a, b, 'v') }};{% endfor %}", "x y v;z w v;"),
        ("{% set two = ('b', 'c') %}{{ mean('a', *two) }}", "a b c"),
        ("{{ mean(corpus='a', protocol='b', variant='c', metric='uar') }}", "a b c uar"),
        ("{{ gains('a', 'p', 'v', 'w', 'recall/sad', 'uar') | join(' and ') }}", "sad and uar"),
        ("{{ 'a' ~ 5 ~ mean('a', 'p', 'v') if gains('a', 'p', 'v', 'w') else 'none' }}", "none"),
        ("{% if not gains('a', 'p', 'v', 'w') and 'x' %}no{% else %}yes{% endif %}", "no"),
        ("a <b> & 'c' {{ '<' }}", "a <b> & 'c' <"),
    ],
)
def test_words_and_lookups(template, text):
    assert faults(template) == []
    given = lookups(
        mean=lambda *asked, **named: " ".join([*asked, *named.values()]),
        gains=lambda c, p, v, w, *metrics: [metric.rpartition("/")[2] for metric in metrics],
    )
    assert render(template, given) == text


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        # out of the sandbox
        ("{{ mean.__globals__['__builtins__']['__import__']('os').system('true') }}", "lookups alone can be called"),
        ("{{ mean.__globals__ }}", "an attribute is not allowed"),
        ("{{ mean['__globals__'] }}", "an item in square brackets is not allowed"),
        ("{{ ''.__class__ }}", "an attribute is not allowed"),
        ("{{ mean | attr('__globals__') }}", "there is no filter 'attr'; a finding has join alone"),
        ("{{ self }}", "'self' is not set"),
        ("{% for x in ('a',) %}{{ loop }}{% endfor %}", "'loop' is not set"),
        ("{{ cycler }}{{ lipsum }}", "'cycler' is not set"),
        ("{{ mean }}", "a function cannot be printed"),
        ("{% include 'paper.md.j2' %}", "include is not allowed"),
        ("{% import 'notes.j2' as n %}", "import is not allowed"),
        ("{% macro m() %}{% endmacro %}", "macro is not allowed"),
        ("{% for x in ('a',) recursive %}{% endfor %}", "for is not allowed"),
        ("{% set mean = 'a' %}", "'mean' is a lookup; choose another name"),
        # without an end
        ("{% for i in range(10**9) %}{% endfor %}", "there is no lookup 'range'"),
        ("{% for i in range(1000000000) %}{% endfor %}", "there is no lookup 'range'"),
        (TEN + "{% for a in L %}" * 9 + "{% endfor %}" * 9, "its loops have more than 1,000 steps"),
        (
            TEN + "{% for a in L %}" * 30 + "{% endfor %}" * 30,
            "it cannot be rendered: too many statically nested blocks",
        ),
        ("{{ 'a' * 10**9 }}", "mul is not allowed"),
        ("{{ 'a' | center(10**9) }}", "there is no filter 'center'"),
        ("{{ '%9999999d' % 1 }}", "mod is not allowed"),
        ("{% set a = 'xxxxxxxxxx' %}" + "{% set a = a ~ a %}" * 60, "a text in it is longer than 20,000 characters"),
        ("{% set a = 'xx' %}" + "{% set a = (a, a) | join(a) %}" * 60, "a text in it is longer than 20,000 characters"),
        ("{% set a = 'x' %}" + "{% set a = (a, a) %}" * 90 + "{{ a }}", "a tuple cannot be printed; join its parts"),
        ("{% set a = 'x' %}" + "{% set a = (a, a) %}" * 90 + "{{ a | join }}", "a tuple cannot be printed"),
        (
            "{% set a = 'x' %}" + "{% set a = (a, a) %}" * 90 + "{{ mean(a, a, a) }}",
            "mean takes texts alone, not tuple",
        ),
        ("{% set a = 'x' * 3 %}", "mul is not allowed"),
        (
            "{% set a = 'x' %}" + "{% set a = a ~ a %}" * 14 + "{{ a }}{{ a }}",
            "it becomes longer than 20,000 characters",
        ),
        ("x" * 20_001, "it has 20,001 characters; 20,000 are allowed"),
        ("{{ " + "(" * 9_000 + " }}", "it cannot be rendered: maximum recursion depth exceeded"),
        ("{{ " + "not " * 4_000 + "'a' }}", "it cannot be rendered: maximum recursion depth exceeded"),
        ("{{ " + "'a' and " * 2_000 + "'a' }}", "it cannot be rendered: maximum recursion depth exceeded"),
        ("{{ " + "9" * 5_000 + " }}", "it cannot be rendered: Exceeds the limit (4300 digits)"),
        # slips
        ("\n\n{{ maen('a', 'p', 'v') }}", "line 3: there is no lookup 'maen'; did you mean 'mean'?"),
        ("{% set corpus = 'a' %}{{ mean(corpse, 'p', 'v') }}", "'corpse' is not set; did you mean 'corpus'?"),
        ("{{ mean('a', 'p') }}", "mean: missing a required argument: 'variant'"),
        ("{{ difference('a', 'p', 'v') }}", "difference: missing a required argument: 'against'"),
        ("{{ mean('a', 'p', 5) }}", "mean takes texts alone, not int"),
        ("{{ mean('../a', 'p', 'v') }}", "mean: '../a' is no name"),
        ("{{ mean('a', 'p', 'v', 'acuracy') }}", "mean: 'acuracy' is no metric; did you mean 'accuracy'?"),
        ("{{ mean('a', 'p', 'v', 'log/loss') }}", "mean: 'log/loss' is not in per cent"),
        ("{{ speakers('a', 'p', 'v', 'uar') }}", "speakers: of single speakers there is the accuracy alone, not 'uar'"),
        ("{{ gains('a', 'p', 'v', 'w', 'uar') }}", "a list cannot be printed; join its parts"),
        ("{% for x in 'abc' %}{% endfor %}", "for goes through lists, not through a text"),
        ("{% set a, b = ('x',) %}", "it cannot be rendered: not enough values to unpack"),
        ("{{ none }}", "a NoneType cannot be printed"),
        ("{{ mean('a', 'p', 'v') ", "line 1: unexpected end of template"),
        ("{% do %}", "line 1: Encountered unknown tag 'do'"),
    ],
)
def test_anything_else_is_refused(template, sentence):
    told = faults(template)
    assert len(told) == 1
    assert sentence in told[0]
    with pytest.raises(SerError, match=r"^paper\.toml: finding: "):
        asked(template)


def test_nothing_is_executed(tmp_path):
    mark = tmp_path / "executed"
    opened = f"mean.__globals__['__builtins__']['open']('{mark}', 'w')"
    for template in (f"{{{{ {opened} }}}}", f"{{% set x = {opened} %}}", f"{{% if {opened} %}}{{% endif %}}"):
        assert faults(template)
        with pytest.raises(SerError, match=r"paper\.toml: finding"):
            render(template, lookups())
    assert not mark.exists()


def test_what_becomes_too_long_with_the_results_is_refused():
    with pytest.raises(SerError, match=r"paper\.toml: finding: it becomes longer than 20,000 characters"):
        render("{{ mean('a', 'p', 'v') }}" * 3, lookups(mean=lambda *asked: "x" * 9_000))


def test_a_lookup_that_fails_is_not_the_template_s_fault():
    def broken(*asked):
        raise KeyError("bug")

    with pytest.raises(KeyError):
        render("{{ mean('a', 'p', 'v') }}", lookups(mean=broken))


def test_both_ways_of_a_condition_are_asked():
    template = "{% if gains('a', 'p', 'v', 'w', 'uar') %}{{ mean('a', 'p', 'v') }}{% else %}{{ each('a', 'p', 'w') }}{% endif %}"
    assert asked(template) == [
        Lookup("gains", "a", "p", ("v", "w"), ("uar",)),
        Lookup("mean", "a", "p", ("v",), ("accuracy",)),
        Lookup("each", "a", "p", ("w",), ("accuracy",)),
    ]
