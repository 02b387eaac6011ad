#!/usr/bin/env python3
"""data/golden: every set has a script and a line in the README, and all of them stay small."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "data" / "golden"
MOST = 20 << 20


def rows():
    """{folder: (script, where the versions are)} of the README's table."""
    pattern = r"^\| `(\w+)` \| `([\w.]+)` \| [^|]+ \| ([^|]+) \|$"
    text = (GOLDEN / "README.md").read_text()
    return {m[1]: (m[2], m[3]) for m in re.finditer(pattern, text, re.MULTILINE)}


class Golden(unittest.TestCase):
    def test_every_set_is_listed(self):
        folders = {p.name for p in GOLDEN.iterdir() if p.is_dir()}
        self.assertEqual(folders, set(rows()))
        loose = {p.name for p in GOLDEN.iterdir() if not p.is_dir()}
        self.assertEqual(loose, {"README.md"})

    def test_scripts_say_what_they_make_and_need(self):
        for folder, (script, _) in rows().items():
            text = (ROOT / "tools" / "golden" / script).read_text()
            for part in (folder, "pip "):
                self.assertTrue(part in text, f"{script} lacks {part}")

    def test_versions_stand_in_the_files(self):
        version = re.compile(rb'"[\w-]+\\?": ?\\?"\d+\.\d+')
        for folder, (_, where) in rows().items():
            named = re.findall(r"`([\w.]+)`", where) or ["*.safetensors"]
            found = [p for name in named for p in (GOLDEN / folder).rglob(name)]
            self.assertTrue(found, folder)
            for path in found:
                has = version.search(path.read_bytes()[: 1 << 20])
                self.assertTrue(has or "metadata" in where, f"{path} names no versions")
            self.assertTrue(any(version.search(p.read_bytes()) for p in found), folder)

    def test_size(self):
        total = sum(p.stat().st_size for p in GOLDEN.rglob("*") if p.is_file())
        self.assertLessEqual(total, MOST)


if __name__ == "__main__":
    unittest.main()
