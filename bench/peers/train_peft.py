#!/usr/bin/env python3
"""PyTorch + PEFT on SmolLM2-135M: the opponent in LoRA training, and a check of the home task.

    train_peft.py speed [--threads N]     LoRA training on 1 x 512 tokens, f32; one JSON line
    train_peft.py task  [--lr ...]        train on data/home, exact match on held-out; one JSON line

Both start from the GGUF that pewter reads, dequantised by transformers, so that the numbers
compare.
"""

import argparse
import json
import math
import os
import pathlib
import re
import resource
import statistics
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "pewter"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("work", choices=("speed", "task"), nargs="?", default="speed")
    parser.add_argument(
        "-m",
        "--gguf",
        dest="model",
        default=str(CACHE / "SmolLM2-135M-Instruct.Q4_1.gguf"),
        help="GGUF file or Hugging Face folder",
    )
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--alpha", type=float, default=32)
    parser.add_argument("--seed", type=int, default=0)
    speed = parser.add_argument_group("speed")
    speed.add_argument("--seq-len", type=int, default=512)
    speed.add_argument("--repeats", type=int, default=5)
    task = parser.add_argument_group("task")
    task.add_argument("--data", default=str(ROOT / "data/home/train.jsonl"))
    task.add_argument("--eval-data", default=str(ROOT / "data/home/heldout.jsonl"))
    task.add_argument(
        "--system", help="system message; without it the template's own default stands"
    )
    task.add_argument("--epochs", type=int, default=1)
    task.add_argument("--batch", type=int, default=8)
    task.add_argument("--lr", type=float, default=2e-3)
    task.add_argument("--warmup", type=int, default=10)
    task.add_argument(
        "--final-lr", type=float, default=0.0, help="cosine ends at this fraction of lr"
    )
    task.add_argument("--clip", type=float, default=1.0)
    task.add_argument("--weight-decay", type=float, default=0.0)
    task.add_argument("--limit", type=int, help="use this many training examples")
    task.add_argument("--base-score", action="store_true", help="score the untuned model too")
    task.add_argument("--device", default="cpu")
    return parser.parse_args()


def load(path):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    where = {"pretrained_model_name_or_path": path}
    if path.endswith(".gguf"):
        folder, file = os.path.split(path)
        where = {"pretrained_model_name_or_path": folder, "gguf_file": file}
    model = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32)
    return model, AutoTokenizer.from_pretrained(**where)


def add_lora(model, args):
    import peft

    config = peft.LoraConfig(
        r=args.rank,
        lora_alpha=args.alpha,
        lora_dropout=0.0,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    return peft.get_peft_model(model, config)


def trained(model):
    return [p for p in model.parameters() if p.requires_grad]


def speed(args):
    import torch

    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    model, _ = load(args.model)
    model.config.use_cache = False
    model = add_lora(model, args)
    model.train()
    optimizer = torch.optim.AdamW(trained(model), lr=1e-4)
    ids = torch.randint(0, model.config.vocab_size, (1, args.seq_len))
    seconds = []
    for step in range(args.repeats + 1):  # the first step warms up
        start = time.perf_counter()
        loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        loss.item()
        if step:
            seconds.append(time.perf_counter() - start)
    rates = [args.seq_len / s for s in seconds]
    return {
        "opponent": "pytorch+peft",
        "threads": args.threads,
        "train_tokens_per_second": round(statistics.median(rates), 2),
        "unit": "tokens/s",
        "spread": round((max(rates) - min(rates)) / statistics.median(rates), 4),
        "peak_resident_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "seq_len": args.seq_len,
        "rank": args.rank,
        "dtype": "f32",
        "versions": versions(),
    }


def versions():
    import peft
    import torch
    import transformers

    return {m.__name__: m.__version__ for m in (torch, transformers, peft)}


def read(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def prompt_ids(tokenizer, args, prompt):
    messages = [{"role": "user", "content": prompt}]
    if args.system is not None:
        messages.insert(0, {"role": "system", "content": args.system})
    text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def batch_of(rows, pad, left=False, device="cpu"):
    import torch

    width = max(map(len, rows))
    fill = [[pad] * (width - len(r)) for r in rows]
    return torch.tensor([f + r if left else r + f for r, f in zip(rows, fill)], device=device)


def score(model, tokenizer, args, examples):
    """Greedy exact match, and the misses."""
    import torch

    model.eval()
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    order = sorted(range(len(examples)), key=lambda i: len(examples[i]["prompt"]))
    misses = []
    for at in range(0, len(order), 60):
        chunk = [examples[i] for i in order[at : at + 60]]
        rows = [prompt_ids(tokenizer, args, e["prompt"]) for e in chunk]
        ids = batch_of(rows, end, left=True, device=args.device)
        mask = batch_of([[1] * len(r) for r in rows], 0, left=True, device=args.device)
        with torch.no_grad():
            out = model.generate(
                input_ids=ids,
                attention_mask=mask,
                max_new_tokens=48,
                do_sample=False,
                eos_token_id=end,
                pad_token_id=end,
            )
        for e, o in zip(chunk, out[:, ids.shape[1] :].tolist()):
            answer = tokenizer.decode(o[: o.index(end)] if end in o else o)
            if answer != e["completion"]:
                misses.append({"prompt": e["prompt"], "want": e["completion"], "got": answer})
    return 1 - len(misses) / len(examples), misses


def task(args):
    import torch

    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    model, tokenizer = load(args.model)
    model.to(args.device)
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    heldout = read(args.eval_data)
    result = {"work": "task/home", "settings": {k: v for k, v in vars(args).items() if k != "work"}}
    if args.base_score:
        result["base_score"], _ = score(model, tokenizer, args, heldout)
        print(json.dumps(result), flush=True)
    rows = []
    for e in read(args.data)[: args.limit]:
        prompt = prompt_ids(tokenizer, args, e["prompt"])
        answer = tokenizer(e["completion"], add_special_tokens=False)["input_ids"] + [end]
        rows.append((prompt + answer, [-100] * len(prompt) + answer))
    model = add_lora(model, args)
    model.train()
    optimizer = torch.optim.AdamW(trained(model), lr=args.lr, weight_decay=args.weight_decay)
    per_epoch = math.ceil(len(rows) / args.batch)
    steps = per_epoch * args.epochs
    tokens, losses, start = 0, [], time.perf_counter()
    for step in range(steps):
        if step % per_epoch == 0:
            order = torch.randperm(len(rows)).tolist()
        chosen = [rows[i] for i in order[step % per_epoch * args.batch :][: args.batch]]
        ids = batch_of([r[0] for r in chosen], end, device=args.device)
        labels = batch_of([r[1] for r in chosen], -100, device=args.device)
        mask = batch_of([[1] * len(r[0]) for r in chosen], 0, device=args.device)
        progress = max(0, step - args.warmup) / max(1, steps - args.warmup)
        cosine = args.final_lr + (1 - args.final_lr) * (1 + math.cos(math.pi * progress)) / 2
        optimizer.param_groups[0]["lr"] = (
            args.lr * min(1, (step + 1) / max(1, args.warmup)) * cosine
        )
        loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained(model), args.clip)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        tokens += sum(len(r[0]) for r in chosen)
        if (step + 1) % 20 == 0:
            print(
                f"step {step + 1}/{steps} loss {statistics.mean(losses[-20:]):.4f} "
                f"{tokens / (time.perf_counter() - start):.0f} tokens/s",
                flush=True,
            )
    result.update(
        train_seconds=round(time.perf_counter() - start, 1),
        tokens=tokens,
        loss=round(statistics.mean(losses[-20:]), 5),
    )
    result["tuned_score"], misses = score(model, tokenizer, args, heldout)
    for miss in misses:
        print(f"{miss['prompt']!r}\n    want {miss['want']}\n    got  {miss['got']}")
    timed = [m for m in misses if re.search(r'"at"', m["want"])]
    result.update(misses=len(misses), misses_with_time=len(timed))
    return result


if __name__ == "__main__":
    arguments_ = arguments()
    print(json.dumps({"speed": speed, "task": task}[arguments_.work](arguments_)))
