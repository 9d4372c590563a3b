"""Verdicts as JUnit XML, for whatever shows the results of a build: a fail is a failure, an unknown an error."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from harness.analysis.figures import Figures
from harness.record import Word

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(figures: Figures) -> str:
    """One test case a verdict, named for its check. Times are left out: a verdict takes none."""
    words = [verdict.word for verdict in figures.verdicts]
    suite = ElementTree.Element(
        "testsuite",
        name=xml_text(figures.scenario),
        tests=str(len(words)),
        failures=str(words.count(Word.FAIL)),
        errors=str(words.count(Word.UNKNOWN)),
    )
    for number, verdict in enumerate(figures.verdicts, 1):
        name = f"{number}. {verdict.check}"
        case = ElementTree.SubElement(suite, "testcase", classname=xml_text(figures.scenario), name=xml_text(name))
        if verdict.word is not Word.PASS:
            kind = "failure" if verdict.word is Word.FAIL else "error"
            ElementTree.SubElement(case, kind, message=xml_text(verdict.sentence), type=verdict.word.value)
        ElementTree.SubElement(case, "system-out").text = xml_text(verdict.sentence)
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"


def xml_text(value: str) -> str:
    """Without the characters that XML cannot hold."""
    return _NOT_XML.sub("\ufffd", value)
