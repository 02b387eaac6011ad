#!/usr/bin/env python3
"""The home task's files are what the generator makes, and a fair test: strict, disjoint, varied."""

import json
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
HOME = ROOT / "data" / "home"


def read(name):
    return [json.loads(line) for line in (HOME / name).read_text(encoding="utf-8").splitlines()]


class HomeData(unittest.TestCase):
    def test_files_are_the_generators_bytes(self):
        made = subprocess.run([sys.executable, ROOT / "tools" / "make_home_data.py", "--check"])
        self.assertEqual(made.returncode, 0)

    def test_another_seed_gives_another_task(self):
        sys.path.insert(0, str(ROOT / "tools"))
        import make_home_data

        first = make_home_data.make(1, 50, 20)
        self.assertEqual(first, make_home_data.make(1, 50, 20))
        self.assertNotEqual(first, make_home_data.make(2, 50, 20))

    def test_no_heldout_prompt_occurs_in_training(self):
        train = {example["prompt"] for example in read("train.jsonl")}
        heldout = [example["prompt"] for example in read("heldout.jsonl")]
        self.assertGreaterEqual(len(heldout), 200)
        self.assertEqual(len(set(heldout)), len(heldout))
        self.assertFalse(train & set(heldout))

    def test_answers_are_strict_json_and_varied(self):
        answers = [e["completion"] for n in ("train.jsonl", "heldout.jsonl") for e in read(n)]
        for answer in answers:
            value = json.loads(answer)
            self.assertIsInstance(value, dict)
            self.assertEqual(json.dumps(value, separators=(",", ":")), answer)
        self.assertGreater(len(set(answers)), len(answers) // 2)


if __name__ == "__main__":
    unittest.main()
