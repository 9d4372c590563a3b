"""Names of links, the lines that adopt prints, and the text of a file."""

from __future__ import annotations

import pytest
import yaml

from harness.adopt.edges import Edge, Found
from harness.adopt.left_out import LeftOut
from harness.adopt.link_names import link_names
from harness.adopt.words import lines
from harness.adopt.yaml_text import Tagged, dump

ONE = Edge("web", "api", 8000, ("environment API_URL", "depends_on"))


@pytest.mark.parametrize(
    ("edges", "names"),
    [
        ([("web", "api", 80)], ["web-api"]),
        ([("web", "api", 80), ("web", "api", 81)], ["web-api-80", "web-api-81"]),
        ([("web", "api", 80), ("worker", "api", 80)], ["web-api", "worker-api"]),
        ([("a", "b-c", 80), ("a-b", "c", 80)], ["a--b-c", "a-b--c"]),
        ([("a", "b", 80), ("a", "b", 81), ("a", "b-80", 1)], ["a-b-80", "a-b-81", "a-b-80-1"]),
    ],
)
def test_a_link_is_named_after_its_ends(edges, names):
    """With the port where there are several; never two links by one name."""
    made = [Edge(*one) for one in edges]
    assert list(link_names(made)) == names


def test_adopt_says_each_link_with_how_it_knows():
    """And what was left out and why."""
    found = Found((ONE, Edge("api", "db", 5432, ("14 connections seen",))), (LeftOut("web -> dns 53/udp", "TCP only"),))
    assert lines(found) == (
        "2 links found, 1 left out",
        "  api-db   api -> db:5432   14 connections seen",
        "  web-api  web -> api:8000  environment API_URL, depends_on",
        "",
        "left out, and why",
        "  web -> dns 53/udp: TCP only",
    )


def test_what_has_one_reason_is_said_in_one_line():
    """And where the user has to say something, how."""
    why = "no TCP port of db is known; if it is dialled, say it in x-harness"
    found = Found((), tuple(LeftOut(f"{client} -> db", why) for client in "abcdef"))
    assert lines(found) == (
        "0 links found, 6 left out",
        "",
        "left out, and why",
        f"  a -> db, b -> db, c -> db, d -> db and 2 more: {why}",
        "",
        "to say a link, in your own Compose file:",
        "  x-harness: {links: {web-db: {client: web, service: db, port: 5432}}}",
    )


def test_adopt_says_when_there_is_nothing():
    """One line."""
    assert lines(Found((), ())) == ("0 links found",)
    assert lines(Found((ONE,), ()))[0] == "1 link found"


def test_a_dollar_is_two_for_compose():
    """In every value, also under a tag; keys are not interpolated and stay."""
    text = dump({"a$": "x$y", "b": Tagged({"c$": ["$d"]}), "e": "one\n$two\n"})
    assert text == "a$: x$$y\nb: !override\n  c$:\n  - $$d\ne: |\n  one\n  $$two\n"


def test_the_text_is_yaml_in_the_order_that_was_given():
    """After its comment; what looks like a number or a truth stays text."""
    document = {"b": {"y": "true", "n": "0123", "none": None}, "a": [1, "1"], "empty": {}}
    text = dump(document, ("a line", ""))
    assert text.startswith("# a line\n#\n\nb:\n")
    assert yaml.safe_load(text) == document
