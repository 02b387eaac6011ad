#!/usr/bin/env python3
"""Adapters that pewter wrote, in PEFT: it loads them and gives pewter's logits.

    pip install torch peft transformers && tools/build pewter adapter_logits
    python tools/golden/check_adapter_in_peft.py [build]

`pewter train` makes one adapter for each way of asking for it, on data/small. PEFT's logits are
computed in float64, and in float32 to see how far a sound run strays from that: pewter may stray
eight times as far, as in tests/train/peft_test.cpp. Prints a line for each; exit status 1 where one
does not fit. The other direction is a test: data/golden/lora/adapter is PEFT's.
"""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import peft
import torch
import transformers

import common
import exact

MODEL = common.ROOT / "data" / "small"
DATA = common.ROOT / "data" / "home" / "train.jsonl"
IDS = [(i * 37 + 11) % 900 for i in range(64)]
WAYS = {
    "all-linear": [],
    "targets": ["--targets", "q_proj,v_proj,down_proj", "--rank", "3", "--alpha", "5"],
    "rslora": ["--rslora", "--rank", "16", "--alpha", "16", "--dropout", "0.1"],
    "loraplus": ["--loraplus", "4", "--rank", "4", "--alpha", "2.5"],
}


def run(*command):
    subprocess.run([str(c) for c in command], check=True, stderr=subprocess.DEVNULL)


def pewter(build, folder, options):
    """Trains an adapter into `folder`; pewter's logits with it."""
    settings = ["--steps", 12, "--batch", 4, "--lr", 0.02, "--out", folder]
    run(build / "pewter", "train", "-m", MODEL, "--data", DATA, *settings, *options)
    run(build / "adapter_logits", MODEL, folder, folder / "logits.npy", *IDS)
    return np.load(folder / "logits.npy").astype(np.float64)


def logits(model):
    return model(input_ids=torch.tensor([IDS])).logits[0].double().numpy()


def in_peft(folder):
    """Logits in float64, in float32, and of the base alone; the tensors that PEFT filled."""
    base = transformers.AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32)
    model = peft.PeftModel.from_pretrained(base, folder)
    narrow = logits(model)
    exact.exact(model)
    with model.disable_adapter():
        before = logits(model)
    return logits(model), narrow, before, set(peft.get_peft_model_state_dict(model))


def check(name, build, folder):
    ours = pewter(build, folder, WAYS[name])
    theirs, narrow, before, names = in_peft(folder)
    stored = set(peft.utils.load_peft_weights(str(folder), device="cpu"))
    bound = 8 * np.abs(narrow - theirs).max()
    worst, moved = np.abs(ours - theirs).max(), np.abs(theirs - before).max()
    right = bool(worst <= bound < moved and stored == names)
    print(
        f"{name:<11}{len(names)} tensors, logits moved by {moved:.3f}, "
        f"differ by {worst:.2e} (bound {bound:.2e}): {'right' if right else 'WRONG'}"
    )
    return right


def main():
    build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else common.ROOT / "build").resolve()
    print(common.versions("torch", "transformers", "peft"))
    with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        right = [check(name, build, pathlib.Path(folder) / name) for name in WAYS]
    sys.exit(0 if all(right) else 1)


if __name__ == "__main__":
    main()
