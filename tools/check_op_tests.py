#!/usr/bin/env python3
"""Refuses an op without its tests: every folder of src/ops has tests/ops/<op>_test.cpp, and that
answers the names every op answers. What an op cannot answer stands here with the reason."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
NAMES = (
    "MatchesReference OddSizes ExtremeValues Strided Repeatable "
    "GradientMatchesFiniteDifference RejectsBadArguments"
).split()
HELPERS = {"simd"}  # no op
GRADIENT = "GradientMatchesFiniteDifference"
EXCUSED = {
    "adamw": {GRADIENT: "works in place"},
    "create": {GRADIENT: "has no operand", "Strided": "has no operand"},
    "random": {name: "has no operand" for name in (GRADIENT, "Strided", "ExtremeValues")},
    "write_rows": {GRADIENT: "works in place"},
}


def problems(op):
    path = ROOT / "tests" / "ops" / f"{op}_test.cpp"
    if not path.exists():
        return [f"{op} has no {path.relative_to(ROOT)}"]
    suite = "".join(part.capitalize() for part in op.split("_"))
    found = set(re.findall(rf"^DEVICE_TEST\({suite}, (\w+)\)", path.read_text(), re.MULTILINE))
    excused = EXCUSED.get(op, {})
    lacks = [f"{suite} has no test {n}" for n in NAMES if n not in found and n not in excused]
    return lacks + [f"{suite}.{n} is excused and there" for n in excused if n in found]


def main():
    ops = [p.name for p in (ROOT / "src" / "ops").iterdir() if p.is_dir()]
    all_problems = [line for op in sorted(set(ops) - HELPERS) for line in problems(op)]
    for line in all_problems:
        print(f"check_op_tests: {line}", file=sys.stderr)
    sys.exit(1 if all_problems else 0)


if __name__ == "__main__":
    main()
