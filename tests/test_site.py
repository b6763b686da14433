"""The site: complete, fast to read in a real browser, and made without any deep-learning backend."""

import re
import shutil
import subprocess
import sys
from html import escape
from html.parser import HTMLParser

import pandas as pd
import pytest
from conftest import ROOT

from ser_keras.reports import simulation, site, summary
from ser_keras.support.errors import SerError

PAPERS = ROOT / "reproductions"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("site")
    site.build(PAPERS, out)
    return out


class Links(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found, self.ids = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.found += [attrs[name] for name in ("href", "src") if name in attrs]
        self.ids |= {attrs["id"]} if "id" in attrs else set()


def test_every_link_resolves_and_nothing_is_fetched(folder):
    pages = sorted(folder.rglob("*.html"))
    assert len(pages) == 2 + len(list(PAPERS.glob("*/paper.toml")))
    for page in pages:
        text = page.read_text(encoding="utf-8")
        links = Links(text)
        assert len(links.found) > 8
        for link in links.found:
            if link.startswith("#"):
                assert link[1:] in links.ids
            elif not link.startswith(("https://", "data:")):
                assert (page.parent / link).exists(), f"{page}: {link}"
        loaded = [link for link in links.found if link.endswith((".js", ".css", ".png"))]
        assert not [link for link in loaded if link.startswith("http")]


def test_every_reported_number_stands_on_its_paper_page(folder):
    for p in summary.read(PAPERS):
        text = (folder / p.paper.key / "index.html").read_text(encoding="utf-8")
        for number in p.paper.reported:
            where = escape(number.where, quote=True).replace("&#x27;", "&#39;")  # as Jinja writes an apostrophe
            assert f"<td>{where}</td>" in text or f'<td class="long">{where}</td>' in text
        for silence in p.paper.silences:
            assert f"<td>{silence.id}</td>" in text


def test_front_page_says_what_the_committed_tables_say(folder):
    table = pd.read_csv(folder / "headlines.csv").set_index(["key", "Number"])
    jin = pd.read_csv(PAPERS / "jin2022/results/tables/comparison.csv")
    row = table.loc[("jin2022", "Table 2: RAVDESS, Accuracy")]
    most = jin.loc[jin[jin.Corpus == "ravdess"].runs.idxmax()]
    assert (row.Reproduced, row.verdict) == (most.Reproduced, most.verdict)
    assert row.detectable == most.detectable
    sides = pd.read_csv(PAPERS / "jin2022/results/tables/protocols.csv").set_index(["Variant", "Protocol"])
    assert row["New speakers"] == sides.loc[(most.Variant, "speaker_independent"), "accuracy"]
    assert {key for key, _ in table.index} == {p.paper.key for p in summary.read(PAPERS)}


def test_a_papers_page_says_how_its_runs_were_made(folder):
    for p in summary.read(PAPERS):
        page = (folder / p.paper.key / "index.html").read_text(encoding="utf-8")
        assert re.search(r"<p>\d+ training runs?, [\d.]+ hours on \d+ cores .*, Keras 3\.", page), p.paper.key


def test_confusions_are_set_beside_each_other():
    p = next(p for p in summary.read(PAPERS) if p.paper.key == "boucheta2025")
    (matrix,) = site.matrices(p)
    parts = matrix["parts"]
    place = matrix["classes"].index("neutral"), matrix["classes"].index("neutral")
    assert parts["reported"][place] == 84.1
    assert parts["difference"][place] == pytest.approx(parts["reproduced"][place] - 84.1)
    assert pd.isna(parts["reported"]).sum() > 30  # of 49, the paper gives nine and the diagonal
    assert not pd.isna(parts["reproduced"]).any()


def test_class_accuracies_stand_in_the_diagonal():
    p = next(p for p in summary.read(PAPERS) if p.paper.key == "varshney2025")
    (matrix,) = site.matrices(p)
    names, reported = matrix["classes"], matrix["parts"]["reported"]
    assert reported[names.index("surprised"), names.index("surprised")] == 18
    assert reported[names.index("surprised"), names.index("fearful")] == 27


def test_the_readme_has_the_same_table_and_picture(folder):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    between = text.split(summary.BEGIN)[1].split(summary.END)[0]
    assert between.strip() == summary.markdown(summary.read(PAPERS)).strip()
    begin, end = summary.SIMULATION
    assert text.split(begin)[1].split(end)[0].strip() == summary.simulation_as_markdown().strip()
    drawn = PAPERS / "headlines.png"
    assert f"({drawn.relative_to(ROOT)})" in text
    assert drawn.with_suffix(".csv").read_bytes() == (folder / "headlines.csv").read_bytes()


def test_the_method_page_has_the_simulation(folder):
    text = (folder / "method.html").read_text(encoding="utf-8")
    for cell in simulation.table().iloc[0]:
        assert f">{cell}</td>" in text


def test_tables_of_an_older_version_are_named_with_the_remedy(tmp_path):
    shutil.copytree(PAPERS / "jin2022", tmp_path / "jin2022")
    table = tmp_path / "jin2022" / "results" / "tables" / "comparison.csv"
    pd.read_csv(table).drop(columns="detectable").to_csv(table, index=False)
    with pytest.raises(SerError, match=r"comparison\.csv is of an older version.*reports\.report"):
        summary.headlines(summary.read(tmp_path))


def test_no_backend_is_loaded(tmp_path):
    code = (
        "import sys; from pathlib import Path; from ser_keras.reports import site; "
        f"site.build(Path({str(PAPERS)!r}), Path({str(tmp_path)!r})); "
        "assert not {'tensorflow', 'keras', 'jax', 'torch'} & set(sys.modules), 'a backend'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_folder_without_papers_is_named(tmp_path):
    with pytest.raises(SerError, match="no paper"):
        site.build(tmp_path, tmp_path / "out")


@pytest.fixture(scope="module")
def browser():
    webdriver = pytest.importorskip("selenium.webdriver")
    if not shutil.which("chromedriver"):
        pytest.skip("no chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    yield driver
    driver.quit()


def texts(driver, selector):
    return driver.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map(x => x.textContent)", selector
    )


def test_tables_sort_by_mouse_and_keyboard(browser, folder):
    browser.get((folder / "index.html").as_uri())
    columns = texts(browser, "th")
    place = columns.index("Reported") + 1
    reported = f"td:nth-child({place})"
    button = browser.find_element("css selector", f"th:nth-child({place}) button")
    button.click()
    values = [float(text.rstrip(" %")) for text in texts(browser, reported)]
    assert values == sorted(values)
    assert browser.find_element("css selector", f"th:nth-child({place})").get_attribute("aria-sort") == "ascending"
    button.send_keys("\ue007")  # Enter
    assert [float(text.rstrip(" %")) for text in texts(browser, reported)] == values[::-1]


def test_the_verdict_filter_hides_the_rest(browser, folder):
    browser.get((folder / "boucheta2025" / "index.html").as_uri())
    rows = browser.find_elements("css selector", "tr[data-verdict]")
    browser.execute_script(
        "const s = document.getElementById('verdict'); s.value = 'differs'; s.dispatchEvent(new Event('change'))"
    )
    seen = [row for row in rows if row.is_displayed()]
    assert 0 < len(seen) < len(rows)
    assert all("differs" in row.text for row in seen)
    assert texts(browser, "#shown") == [f"{len(seen)} of {len(rows)}"]


@pytest.mark.parametrize("width", [390, 1280])
def test_pages_fit_the_screen_and_report_no_error(browser, folder, width):
    # A window is never as narrow as a telephone, a device is.
    device = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", device)
    for page in sorted(folder.rglob("*.html")):
        browser.get(page.as_uri())
        wide, screen = browser.execute_script(
            "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert wide <= screen <= width, f"{page}: {wide} on {screen}"
        assert screen >= width - 20  # a scroll bar
        broken = browser.execute_script(
            "return [...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)"
        )
        assert not broken
        assert not [entry for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
