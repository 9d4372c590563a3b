"""The report of a sweep: whole, the same bytes again, safe to open, and read by the programs that want it."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from importlib.resources import files
from xml.etree import ElementTree

import pytest
from matplotlib.colors import to_rgb

from harness.errors import RunFolderError
from harness.record import Mark
from harness.report import sweep as report
from harness.report.charts import look
from harness.report.charts import matrix as chart
from harness.report.sweep_page import _row
from harness.sweep.cells import Harm
from harness.sweep.record import LeftOut, PlannedCell
from harness.sweep.sentences import sentences
from harness.sweep.words import headline, word
from tests.sweep.planted import link, many_rows, planted, refused, service, slower, some, sweep_folder, waits

HOSTILE = "GET /<script>alert(1)</script>|x"
ENDPOINTS = {"GET /catalogue": 0.6, HOSTILE: 0.4}
PLANTS = [
    link("web-db", "latency", {"*": slower(104)}, delay_ms=100),
    link("web-db", "outage", {"*": refused()}),
    link("web-reviews", "outage", {HOSTILE: refused()}),
    link("web-search", "outage"),
    link("web-search", "blackhole", {"*": waits()}),
    link("web-mail", "outage", crossed=False),
    service("search", "freeze", {"GET /catalogue": some(0.38, refused())}),
    service("web", "kill", {"*": refused()}),
    service("db", "kill", {"*": refused()}, dark_s=10.0, not_back=True),
]
LEFT = (LeftOut(PlannedCell("x", "link", "web-search", "reset", 8.0, "web", "search"), "the budget & <b> was spent"),)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A sweep with every harm, an endpoint that is no friend of HTML, and a cell that was left out."""
    path = tmp_path_factory.mktemp("reports") / "reports" / "sweep" / "20260101T000000Z"
    sweep_folder(path, planted(PLANTS, endpoints=ENDPOINTS), dropped=LEFT)
    report.build(path)
    return path


@pytest.fixture(scope="module")
def shown(folder):
    return report.build(folder)


def _written(folder):
    names = ("matrix.json", "report.html", "summary.md", "junit.xml")
    found = [folder / name for name in names] + [*(folder / "charts").iterdir(), *(folder / "scenarios").iterdir()]
    return {file.name: file.read_bytes() for file in found}


def test_the_same_sweep_gives_the_same_bytes_again(folder):
    """No date, no random id, no order of a set."""
    before = _written(folder)
    assert {"matrix.png", "matrix.svg", "sweep-web-db-outage.py", "sweep-db-kill.py"} < set(before)
    report.build(folder)
    assert _written(folder) == before


class _Page(HTMLParser):
    """Collects what a browser would fetch, run or open."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.fetched: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append(tag)
        self.ids += [given["id"]] if "id" in given else []
        for name in ("src", "href", "xlink:href"):
            target = given.get(name) or "#"
            if not target.startswith(("#", "data:")):
                (self.links if tag == "a" else self.fetched).append(target)


@pytest.fixture(scope="module")
def page(folder):
    text = (folder / "report.html").read_text(encoding="utf-8")
    parsed = _Page()
    parsed.feed(text)
    return text, parsed


def test_the_page_needs_nothing_but_itself(page):
    """Nothing is fetched, nothing runs; what it links to are the reports of its runs."""
    text, parsed = page
    assert parsed.fetched == []
    assert "script" not in parsed.tags
    assert parsed.links == ["runs/1/report.html"]
    assert len(text.encode()) < 1_000_000
    assert len(parsed.ids) == len(set(parsed.ids))


def test_what_came_from_outside_is_escaped(page):
    """Neither an endpoint nor a reason adds markup, in the page, its picture or its scenarios."""
    text, _ = page
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "the budget &amp; &lt;b&gt; was spent" in text


def test_sentences_come_first_then_the_matrix_then_the_numbers(page, shown):
    """The reader who stops early has read what matters, and each sentence is there."""
    text, _ = page
    order = [text.index(f'id="{name}"') for name in ("found", "matrix", "keep", "numbers", "out", "runs")]
    assert order == sorted(order)
    plain = text.replace("&lt;", "<").replace("&gt;", ">")
    assert all(f">{one.text}</li>" in plain for one in sentences(shown))


def test_every_cell_is_in_the_table_with_its_word(page, shown):
    """Worded as in the picture, with the reason where it is unknown."""
    text, _ = page
    rows = re.findall(r'<tr><th scope="row" title.*?</tr>', text)
    assert len(rows) == len(shown.cells)
    for row, cell in zip(rows, shown.cells, strict=True):
        assert f">{cell.planned.subject}</th>" in row
        assert f">{word(cell)}</td>" in row
        assert cell.reason in row.replace("&lt;", "<")


def test_the_scenarios_to_keep_are_named_as_they_lie_beside_the_page(page):
    """Wherever the reports are: no command that is right in one folder only."""
    text, _ = page
    assert "<summary>scenarios/sweep-web-db-outage.py</summary>" in text
    assert "reports/" not in text


def test_a_copy_of_the_folder_gives_the_same_bytes(folder, tmp_path):
    """An artifact that was taken down from a build is reported as it was there."""
    copy = tmp_path / "artifact"
    shutil.copytree(folder, copy)
    report.build(copy)
    assert _written(copy) == _written(folder)


def test_a_return_that_was_not_seen_is_not_told():
    """Watched for nine seconds and not seen to be back is no 'by 9 s'."""
    dark = link("web-db", "outage", {"*": refused()}, dark_s=9.0)
    cell = planted([dark], between_s=9.0).only()
    assert (cell.harm, cell.back_s, cell.watched_s) == (Harm.DOWN, None, 9.0)
    assert _row(cell)["back"] == ""


def test_a_sweep_in_which_all_is_slower_is_not_said_to_have_held(tmp_path):
    """None of it is bad, and that is what is said."""
    sweep_folder(tmp_path, planted([link("web-db", "latency", {"*": slower(104)}, delay_ms=100)]))
    report.build(tmp_path)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert '<p class="word pass">none bad</p>' in text


def test_the_page_and_its_picture_serve_light_and_dark(page, folder):
    """Every colour is a variable with two values, in the page and in the SVG that stands alone."""
    text, _ = page
    alone = (folder / "charts" / "matrix.svg").read_text(encoding="utf-8")
    for one in (text, alone):
        dark = one[one.index("prefers-color-scheme: dark") :]
        for variable in set(re.findall(r"var\((--[a-z0-9]+)\)", one)):
            assert f"{variable}:" in one[: one.index("prefers-color-scheme: dark")]
            assert f"{variable}:" in dark
    assert "#0072b2" not in text[text.index("<body>") :]
    assert 'style="fill: var(--ground)"' in alone, "a viewer of its own may be white while its user prefers dark"
    assert ElementTree.fromstring(alone).tag == "{http://www.w3.org/2000/svg}svg"


def test_the_words_can_be_read_on_every_tint():
    """The page's ink on each tint over the page's ground has a contrast of 4.5 at least, light and dark."""
    css = files("harness.report").joinpath("templates/page.css").read_text(encoding="utf-8")
    for theme in css.split("@media", 2)[:2]:
        colours = dict(re.findall(r"(--[a-z0-9]+): (#[0-9a-f]{6})", theme))
        ink, ground = to_rgb(colours["--ink"]), to_rgb(colours["--ground"])
        for harm, (colour, alpha) in chart.TINTS.items():
            tint = to_rgb(colours[look._VARIABLES[colour]])
            over = [alpha * one + (1 - alpha) * under for one, under in zip(tint, ground, strict=True)]
            assert _contrast(ink, over) >= 4.5, (harm, _contrast(ink, over))


def _contrast(first, second):
    lights = []
    for colour in (first, second):
        linear = [one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in colour]
        lights.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    return (max(lights) + 0.05) / (min(lights) + 0.05)


def test_the_title_is_a_sentence_with_the_numbers_of_the_matrix(shown):
    """The worst first; the entry that was stopped is told apart."""
    assert headline(shown) == (
        "9 faults: after 1 the stack did not come back, 3 took endpoints down, 1 lost requests, 1 slowed requests, "
        "1 went unnoticed, 1 is unknown, 1 stopped the entry itself"
    )


@pytest.mark.parametrize("rows", [1, 17])
def test_the_picture_words_every_cell_and_lays_none_over_another(rows):
    """With 3 rows and with 25: each cell has its word, inside of its cell, and each row its name."""
    made = planted(many_rows(rows) if rows > 1 else PLANTS[:6], rate_per_s=30).matrix
    drawn = chart.matrix(made, headline(made))
    drawn.canvas.draw()
    (axis,) = drawn.axes
    said = [text.get_text() for text in axis.texts]
    assert sorted(said) == sorted([word(cell) for cell in made.cells] + _heads(made))
    assert {name for _, name in made.rows} <= {label.get_text() for label in axis.get_yticklabels()}
    cell_px = axis.transData.transform([(0, 0), (1, 1)])
    width, height = abs(cell_px[1] - cell_px[0])
    boxes = [text.get_window_extent() for text in axis.texts]
    assert max(box.width for box in boxes) <= width
    assert max(box.height for box in boxes) <= height


def _heads(made):
    """The columns above links, and those above services."""
    pairs = dict.fromkeys((cell.planned.kind, cell.planned.column) for cell in made.cells)
    return [column for _, column in pairs]


def test_what_was_left_out_is_a_dash_and_has_its_reason(folder, shown):
    """In the picture and in the summary; a dash is no test case."""
    drawn = chart.matrix(shown, "")
    assert [text.get_text() for text in drawn.axes[0].texts].count("–") == 1
    text = (folder / "summary.md").read_text(encoding="utf-8")
    assert "- reset of web-search: the budget & &lt;b> was spent" in text


def test_junit_holds_a_case_a_cell(folder, shown):
    """A bad cell is a failure, an unknown one is skipped, the rest pass."""
    suite = ElementTree.parse(folder / "junit.xml").getroot()
    cases = suite.findall("testcase")
    assert len(cases) == len(shown.cells)
    for case, cell in zip(cases, shown.cells, strict=True):
        tags = {child.tag for child in case} - {"system-out"}
        assert tags == ({"failure"} if cell.bad else {"skipped"} if cell.harm is Harm.UNKNOWN else set())
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("9", "5", "1")


def test_the_summary_is_tables_with_as_many_cells_in_every_row(folder):
    """What is posted to a pull request is drawn as a table there."""
    text = (folder / "summary.md").read_text(encoding="utf-8")
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({line.replace(r"\|", "").count("|") for line in table.splitlines()}) == 1
    assert "| web-db | +10" in text
    assert "<script>" not in text


def test_matrix_json_is_for_programs(folder, shown):
    """Cells with their numbers, the sentences with the windows that they speak of."""
    kept = json.loads((folder / "matrix.json").read_text(encoding="utf-8"))
    assert [cell["harm"] for cell in kept["cells"]] == [cell.harm.value for cell in shown.cells]
    assert kept["sentences"][0]["windows"] == ["outage web-db {}"]
    assert kept["left_out"][0]["reason"] == LEFT[0].reason


def test_a_sweep_that_was_killed_is_still_reported(tmp_path):
    """A run that left no manifest, and one that ended in its first window, make cells unknown and no error."""
    ended = [Mark("end", 13.0, {"reason": "interrupted"})]
    made = planted(PLANTS[1:3], marks=ended)
    sweep_folder(tmp_path, made, runs=("runs/1", "runs/2"))
    (tmp_path / "runs" / "2").mkdir()
    assert {cell.harm for cell in report.build(tmp_path).cells} == {Harm.UNKNOWN}
    (tmp_path / "runs" / "1" / "manifest.json").unlink()
    report.build(tmp_path)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "no run of it was begun" in text
    assert "No run left anything to read" in text


def test_a_sweep_in_which_nothing_was_planned_is_still_reported(tmp_path):
    """All left out: a page, and a picture of dashes."""
    made = planted(PLANTS[1:2])
    sweep_folder(tmp_path, made, cells=(), dropped=LEFT)
    assert report.build(tmp_path).cells == ()
    assert (tmp_path / "charts" / "matrix.svg").is_file()


def test_a_folder_that_is_no_sweep_says_so(tmp_path):
    """An error that names the folder."""
    with pytest.raises(RunFolderError, match="no sweep"):
        report.build(tmp_path)
