"""The matrix as JUnit XML: a test case a cell; a bad one is a failure, one that is unknown is skipped."""

from __future__ import annotations

from xml.etree import ElementTree

from harness.report.junit import xml_text
from harness.sweep.cells import Harm, Matrix
from harness.sweep.words import in_numbers


def junit(matrix: Matrix) -> str:
    """Links first. A cell that was left out before the sweep began is no test case: nobody looked."""
    cells = matrix.cells
    suite = ElementTree.Element(
        "testsuite",
        name=xml_text(matrix.sweep.name),
        tests=str(len(cells)),
        failures=str(sum(cell.bad for cell in cells)),
        skipped=str(matrix.count(Harm.UNKNOWN)),
        errors="0",
    )
    for cell in cells:
        said = xml_text(in_numbers(cell))
        name = f"{cell.planned.column} of {cell.planned.subject}"
        case = ElementTree.SubElement(suite, "testcase", classname=xml_text(matrix.sweep.name), name=xml_text(name))
        if cell.bad:
            ElementTree.SubElement(case, "failure", message=said, type=cell.harm.value)
        elif cell.harm is Harm.UNKNOWN:
            ElementTree.SubElement(case, "skipped", message=xml_text(cell.reason))
        ElementTree.SubElement(case, "system-out").text = said
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"
