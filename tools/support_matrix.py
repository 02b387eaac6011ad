#!/usr/bin/env python3
"""docs/support-matrix.md from the tests that passed: op x dtype x device x forward, backward.

    tools/support_matrix.py build/ops_tests            writes it
    tools/support_matrix.py --check build/ops_tests    exit status 1 where it differs

Runs the program's comparisons with the reference. A test notes the dtypes it is about as properties
(covers() in tests/support/compare.h): those of the results it compares, and of quantised operands.
One whose name has "Gradient" speaks for backward, the others for forward. Only tests that passed
count. Devices that this machine lacks keep the section they have in the file.
"""

import argparse
import difflib
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

FILE = pathlib.Path(__file__).resolve().parent.parent / "docs" / "support-matrix.md"
DTYPES = "f32 f16 bf16 i32 u8 q8_0 q4_0 q4_1 q5_0 q5_1 q4_k q5_k q6_k".split()
HEAD = """# What runs where

Made by `tools/support_matrix.py` from the tests that passed; a test in `./check` compares. F: forward matches the reference, B: the
gradients do too. A column of a plain dtype is that of the op's result, one of a block-quantised dtype (`q…`) that of an operand.
What is empty is not tested, or not there: asking for it is then an error that says so.
"""


def snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def run_tests(program):
    """The program's XML report on its comparisons; failed tests are in it as failed."""
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report.xml"
        filters = "--gtest_filter=*_*Match*.*:*_*Gradient*.*:-Onnx*"
        subprocess.run(
            [program, filters, f"--gtest_output=xml:{report}", "--gtest_brief=1"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return xml.parse(report).getroot()


def passed(case):
    return case.get("result") == "completed" and case.find("failure") is None


def matrix(root):
    """{device: {op: {dtype: set of "F" and "B"}}}"""
    table = {}
    for case in root.iter("testcase"):
        if "_" not in case.get("classname") or not case.get("value_param") or not passed(case):
            continue
        op, test = case.get("classname").split("/")[-1].rsplit("_", 1)
        device = case.get("value_param").strip('"')
        ops = table.setdefault(device, {}).setdefault(snake(op), {})
        for p in case.iter("property"):
            if p.get("name").startswith("dtype_"):
                dtype = p.get("name").removeprefix("dtype_")
                ops.setdefault(dtype, set()).add("B" if "Gradient" in test else "F")
    return table


def section(device, ops):
    cell = lambda marks: " ".join(m for m in "FB" if m in marks)
    lines = [f"## {device}", "", f"| op | {' | '.join(DTYPES)} |", "|---" * (1 + len(DTYPES)) + "|"]
    for op in sorted(ops):
        cells = [cell(ops[op].get(dtype, ())) for dtype in DTYPES]
        lines.append(f"| {op} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def sections(text):
    return {part.split("\n", 1)[0]: "## " + part for part in text.split("\n## ")[1:]}


def rendered(table, before):
    parts = {device: text.rstrip("\n") + "\n" for device, text in sections(before).items()}
    parts |= {device: section(device, ops) for device, ops in table.items()}
    return "\n".join([HEAD] + [parts[device] for device in sorted(parts)])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("program")
    args = parser.parse_args()
    before = FILE.read_text() if FILE.exists() else ""
    table = matrix(run_tests(args.program))
    if not table:
        sys.exit(f"support_matrix: no test of {args.program} passed")
    after = rendered(table, before)
    if args.check:
        lines = difflib.unified_diff(
            before.splitlines(), after.splitlines(), str(FILE), "the tests", lineterm=""
        )
        difference = "\n".join(lines)
        sys.exit(f"{difference}\nrun tools/support_matrix.py {args.program}" if difference else 0)
    FILE.write_text(after)


if __name__ == "__main__":
    main()
