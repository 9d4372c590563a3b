"""The report of a run folder: whole, the same bytes again, safe to open, and readable by the programs that want it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from harness import report
from harness.errors import RunFolderError
from harness.record import Mark, Verdict, Word
from tests.builders import history, ok, run_folder
from tests.synthetic_shop import BAD_DAY, LINKS, SERVICES, synthetic_shop

HOSTILE = 'Is <script>alert("1")</script> & "that" safe?'
VERDICTS = (
    Verdict(
        "Latency",
        Word.PASS,
        "p99 of 602 requests was 255 ms; below 1500 ms wanted.",
        {"limit_ms": 1500.0, "percentile": 99.0},
    ),
    Verdict("Availability", Word.FAIL, "0 % of 360 requests were ok & <nobody> sold; 99 % wanted.", {}),
    Verdict("Recovery", Word.UNKNOWN, "The run was too short | to tell.", {}),
)
STACK = {
    "services": list(SERVICES),
    "links": {name: {"client": client, "service": service} for name, (client, service) in LINKS.items()},
}
WRITTEN = ("report.html", "findings.json", "junit.xml", "summary.md")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A bad day with a pass, a fail and an unknown, and a hypothesis that is no friend of HTML."""
    made = run_folder(tmp_path_factory.mktemp("runs") / "run", synthetic_shop(1), VERDICTS, hypothesis=HOSTILE, **STACK)
    report.build(made)
    return made


def _written(folder):
    files = [folder.path / name for name in WRITTEN] + sorted(folder.charts.iterdir())
    return {file.name: file.read_bytes() for file in files}


def test_the_same_run_gives_the_same_bytes_again(folder):
    """No date, no random id, no order of a set finds its way into a report."""
    before = _written(folder)
    assert {"requests.png", "heatmap.png", "endpoints.png", "usage.png"} < set(before)
    report.build(folder)
    assert _written(folder) == before


class _Page(HTMLParser):
    """Collects what a browser would fetch or run, and which tags are open."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.fetched: list[str] = []
        self.figures_without_text = 0

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append(tag)
        self.ids += [given["id"]] if "id" in given else []
        for name in ("src", "href", "xlink:href"):
            target = given.get(name) or "#"
            if not target.startswith(("#", "data:")):
                self.fetched.append(target)
        if tag == "figure" and not given.get("aria-label"):
            self.figures_without_text += 1


@pytest.fixture(scope="module")
def page(folder):
    text = folder.report.read_text(encoding="utf-8")
    parsed = _Page()
    parsed.feed(text)
    return text, parsed


def test_the_page_needs_nothing_but_itself(page):
    """It opens from a mail on a train: nothing is fetched, nothing runs."""
    text, parsed = page
    assert parsed.fetched == []
    assert "script" not in parsed.tags
    assert "@import" not in text
    assert len(text.encode()) < 2_000_000


def test_what_came_from_outside_is_escaped(page):
    """A hypothesis or a verdict cannot add markup to the page."""
    text, _ = page
    assert "<script>" not in text
    assert "&lt;script&gt;alert(&#34;1&#34;)&lt;/script&gt; &amp;" in text
    assert "ok &amp; &lt;nobody&gt; sold" in text


def test_ids_are_unique_and_every_chart_has_its_text(page):
    """The four drawings share one page without taking each other's parts, and say in words what they show."""
    _, parsed = page
    assert len(parsed.ids) == len(set(parsed.ids))
    assert parsed.tags.count("figure") == 4
    assert parsed.figures_without_text == 0


def test_every_reference_in_a_drawing_is_there(page):
    """A clip path or a marker that a drawing uses is defined in the page."""
    text, parsed = page
    used = set(re.findall(r"url\(#([^)]+)\)|href=\"#([^\"]+)\"", text))
    assert {one or other for one, other in used} <= set(parsed.ids)


def test_verdicts_come_before_charts_and_charts_before_figures(page):
    """The reader who stops early has read what matters."""
    text, _ = page
    order = [text.index(f'id="{name}"') for name in ("verdicts", "felt", "bottlenecks", "tables", "did", "again")]
    assert order == sorted(order)


def test_the_page_serves_light_and_dark(page):
    """Colours of drawings are the page's own variables, each of which has a light and a dark value."""
    text, _ = page
    used = set(re.findall(r"var\((--[a-z0-9]+)\)", text))
    dark = text[text.index("prefers-color-scheme: dark") :]
    for variable in used:
        assert f"{variable}:" in text
        assert f"{variable}:" in dark
    assert "#0072b2" not in text[text.index("<body>") :]


def test_junit_holds_a_case_a_verdict(folder):
    """A fail is a failure, an unknown an error, and their sentences are kept whole."""
    suite = ElementTree.parse(folder.junit).getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "1")
    cases = suite.findall("testcase")
    assert [[child.tag for child in case if child.tag != "system-out"] for case in cases] == [
        [],
        ["failure"],
        ["error"],
    ]
    failure = cases[1].find("failure")
    assert failure is not None
    assert failure.get("message") == VERDICTS[1].sentence


def test_the_summary_is_a_table_with_as_many_cells_in_every_row(folder):
    """What is posted to a pull request is drawn as a table there, and each verdict is in it."""
    text = folder.summary.read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.replace(r"\|", "").count("|") for line in rows}) == 1
    assert len(rows) >= 2 + len(BAD_DAY) + 2
    assert all(verdict.sentence.split(" |")[0].split(" &")[0] in text for verdict in VERDICTS)


def test_findings_are_kept_for_programs(folder):
    """findings.json holds what the page shows, ranked."""
    kept = json.loads(folder.findings.read_text(encoding="utf-8"))
    assert [one["kind"] for one in kept] == ["slow link", "slow link", "hard dependency"]


def test_what_is_built_can_be_printed_as_json(folder):
    """`harness report RUN --json` prints the object that the page shows."""
    printed = json.loads(json.dumps(report.build(folder).to_json()))
    assert printed["word"] == "fail"
    assert {row["phase"] for row in printed["rows"]} == {"run", "baseline", "recovery", *(w.name for w in BAD_DAY)}


def test_a_killed_run_is_still_reported(tmp_path):
    """Without verdicts, and with its last batch cut short, a run's page says what was seen until then."""
    made = run_folder(tmp_path / "run", synthetic_shop(1, windows=BAD_DAY[:1], end_s=20.0), None, **STACK)
    whole = made.samples.read_bytes()
    made.samples.write_bytes(whole[: len(whole) - 300])
    shown = report.build(made)
    assert shown.word is None
    assert shown.rows[0].count > 0
    assert "ended before it was judged" in made.report.read_text(encoding="utf-8")


def test_a_run_without_a_request_is_still_reported(tmp_path):
    """A run that ended before its first request has a page, and no chart."""
    made = run_folder(tmp_path / "run", history([], end_s=0), None)
    assert report.build(made).findings == ()
    assert "There was no load" in made.report.read_text(encoding="utf-8")


def test_a_bad_baseline_is_no_failure_under_faults(tmp_path):
    """Page and summary say that nothing was injected, before any verdict."""
    marks = [
        Mark("baseline_judged", 9.0, {"good": False, "sentence": "Slow."}),
        Mark("end", 9.0, {"reason": "baseline"}),
    ]
    built = history([ok(at_s / 10) for at_s in range(90)], end_s=9, marks=marks)
    made = run_folder(tmp_path / "run", built, VERDICTS[1:2])
    assert report.build(made).headline == "bad baseline"
    assert "## built-by-hand: bad baseline" in made.summary.read_text(encoding="utf-8")
    for text in (made.summary.read_text(encoding="utf-8"), made.report.read_text(encoding="utf-8")):
        assert text.index("baseline was already bad, so nothing was injected") < text.index("0 % of 360 requests")


def test_what_requests_met_is_told(folder):
    """On the page, in the summary, as JSON and in one line: what, how often, of which endpoint, in which phase."""
    shown = report.build(folder)
    first = shown.troubles[0]
    assert (first.what, list(first.phases)) == ("HTTP 503", ["database gone"])
    met = f"HTTP 503 ({first.count:,}, {first.endpoint})"
    assert shown.not_ok_in_words().endswith(f"most frequent: {met}")
    assert f"- {met}: database gone {first.count:,}" in folder.summary.read_text(encoding="utf-8")
    assert f"<td>{first.endpoint}</td>" in folder.report.read_text(encoding="utf-8")
    assert json.loads(json.dumps(shown.to_json()))["troubles"][0]["what"] == "HTTP 503"


def test_a_locustfile_that_raises_is_named(tmp_path):
    """Where no request was made, the last exception of the load's log says why."""
    made = run_folder(tmp_path / "run", history([], end_s=5), None)
    made.logs.mkdir()
    trace = 'Traceback (most recent call last):\n  File "shop.py", line 9\nZeroDivisionError: division by zero\n\n'
    (made.logs / "load.log").write_text(trace, encoding="utf-8")
    said = report.build(made).not_ok_in_words()
    assert said == "the load made no request; its log ends with: ZeroDivisionError: division by zero"
    assert "ZeroDivisionError: division by zero" in made.report.read_text(encoding="utf-8")


def test_a_run_without_readings_is_still_reported(tmp_path):
    """Where resources were not read, the chart of them is left out."""
    made = run_folder(tmp_path / "run", history([ok(at_s / 10) for at_s in range(100)], end_s=10, heard=False), None)
    report.build(made)
    assert sorted(one.stem for one in made.charts.iterdir()) == ["endpoints", "heatmap", "requests"]


def test_a_folder_that_is_no_run_says_so(tmp_path):
    """The error names the file that is missing."""
    with pytest.raises(RunFolderError, match=r"manifest\.json is missing"):
        report.build(report.RunFolder(tmp_path))
