#!/usr/bin/env python3
"""llama.cpp (PyPI llama-cpp-python) on a GGUF file: the opponent in prompt and greedy decode.

    llama_cpp.py [-m FILE] [--threads N] [--prompt 256] [--decode 64] [--repeats 7]

One JSON line: tokens/s of a prompt of 256 tokens from an empty cache, and of greedy decode that
starts after 256 tokens. Best settings as found by --tune: flash attention and the batch size;
memory-mapped, f16 cache, no logits but the last.
"""

import argparse
import ctypes
import json
import os
import pathlib
import statistics
import sys
import time

if __name__ == "__main__":
    sys.path.pop(0)  # this folder, where this file would be taken for the package of the same name
import llama_cpp

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "pewter"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    gguf = str(CACHE / "SmolLM2-135M-Instruct.Q4_1.gguf")
    parser.add_argument("-m", "--gguf", dest="model", default=gguf)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--prompt", type=int, default=256)
    parser.add_argument("--decode", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--flash-attention", choices=("on", "off"), default="on")
    parser.add_argument("--ubatch", type=int, default=512)
    parser.add_argument("--tune", action="store_true", help="one line for each setting tried")
    return parser.parse_args()


class Session:
    """The C API without the Python sampling loop, which would cost llama.cpp its speed."""

    def __init__(self, args, flash, ubatch):
        silent = llama_cpp.llama_log_callback(lambda level, text, data: None)
        self.keep = silent
        llama_cpp.llama_log_set(silent, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()
        self.model = llama_cpp.llama_model_load_from_file(
            args.model.encode(), llama_cpp.llama_model_default_params()
        )
        if not self.model:
            raise SystemExit(f"{args.model}: llama.cpp cannot load it")
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = args.prompt + args.decode + 32
        params.n_batch = max(args.prompt, ubatch)
        params.n_ubatch = ubatch
        params.n_threads = params.n_threads_batch = args.threads
        if hasattr(params, "flash_attn_type"):
            params.flash_attn_type = 1 if flash else 0
        else:
            params.flash_attn = flash
        self.context = llama_cpp.llama_init_from_model(self.model, params)
        self.vocabulary = llama_cpp.llama_vocab_n_tokens(
            llama_cpp.llama_model_get_vocab(self.model)
        )
        self.sampler = llama_cpp.llama_sampler_init_greedy()

    def run(self, ids):
        array = (llama_cpp.llama_token * len(ids))(*ids)
        if llama_cpp.llama_decode(self.context, llama_cpp.llama_batch_get_one(array, len(ids))):
            raise SystemExit("llama_decode failed")

    def clear(self):
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self.context), True)

    def prompt_seconds(self, ids):
        self.clear()
        start = time.perf_counter()
        self.run(ids)
        llama_cpp.llama_get_logits(self.context)  # waits
        return time.perf_counter() - start

    def decode_seconds(self, count):
        token = llama_cpp.llama_sampler_sample(self.sampler, self.context, -1)
        start = time.perf_counter()
        for _ in range(count):
            self.run([token])
            token = llama_cpp.llama_sampler_sample(self.sampler, self.context, -1)
        return time.perf_counter() - start

    def close(self):
        llama_cpp.llama_free(self.context)
        llama_cpp.llama_model_free(self.model)


def measure(args, flash, ubatch):
    session = Session(args, flash, ubatch)
    ids = [(7919 * (i + 1)) % (session.vocabulary - 100) + 50 for i in range(args.prompt)]
    session.prompt_seconds(ids)  # warms up: maps the file, wakes the threads
    prompt, decode = [], []
    for _ in range(args.repeats):
        prompt.append(args.prompt / session.prompt_seconds(ids))
        decode.append(args.decode / session.decode_seconds(args.decode))
    session.close()
    result = {
        "opponent": "llama.cpp",
        "version": llama_cpp.__version__,
        "file": os.path.basename(args.model),
        "threads": args.threads,
        "flash_attention": flash,
        "ubatch": ubatch,
        "prompt_tokens": args.prompt,
        "decode_tokens": args.decode,
        "repeats": args.repeats,
        "isa": llama_cpp.llama_print_system_info().decode().strip(),
    }
    for name, rates in (("prompt", prompt), ("decode", decode)):
        middle = statistics.median(rates)
        result[f"{name}_tokens_per_second"] = round(middle, 2)
        result[f"{name}_spread"] = round((max(rates) - min(rates)) / middle, 4)
    return result


def main():
    args = arguments()
    if args.tune:
        for flash in (True, False):
            for ubatch in (128, 256, 512):
                print(json.dumps(measure(args, flash, ubatch)), flush=True)
        return
    print(json.dumps(measure(args, args.flash_attention == "on", args.ubatch)))


if __name__ == "__main__":
    main()
