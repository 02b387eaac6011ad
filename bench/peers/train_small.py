#!/usr/bin/env python3
"""The recipe of the small model in data/small, in PyTorch: where its numbers were found.

    train_small.py START --corpus FILE [--steps N --lr X] [--lora-epochs N --lora-lr X] [--device D]

Trains all parameters of START (tools/make_small_tokenizer.py) on the corpus as `pewter train
--full` does (loss on completions, documents that do not see each other), then a LoRA on data/home,
and prints the exact match on held-out before and after. Needs torch, transformers, tokenizers.
"""

import argparse
import json
import math
import pathlib
import random
import time

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
START, END = "<|im_start|>", "<|im_end|>"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("start", type=pathlib.Path)
    parser.add_argument("--corpus", type=pathlib.Path, required=True)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--warmup", type=int, default=100)
    parser.add_argument("--weight-decay", type=float, default=0.0)
    parser.add_argument("--lora-epochs", type=int, default=8)
    parser.add_argument("--lora-batch", type=int, default=8)
    parser.add_argument("--lora-lr", type=float, nargs="+", default=[2e-3])
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--alpha", type=float, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--save", type=pathlib.Path, help="keep the trained model here")
    return parser.parse_args()


class LoRA(torch.nn.Module):
    def __init__(self, base, rank, alpha):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.a = torch.nn.Parameter(torch.empty(rank, base.in_features, device=base.weight.device))
        torch.nn.init.kaiming_uniform_(self.a, a=math.sqrt(5))
        self.b = torch.nn.Parameter(torch.zeros(base.out_features, rank, device=base.weight.device))
        self.scale = alpha / rank

    def forward(self, x):
        return self.base(x) + self.scale * F.linear(F.linear(x, self.a), self.b)


def add_lora(model, args):
    model.requires_grad_(False)
    for layer in model.model.layers:
        for part in (layer.self_attn, layer.mlp):
            for name, child in list(part.named_children()):
                if isinstance(child, torch.nn.Linear):
                    setattr(part, name, LoRA(child, args.rank, args.alpha))


class Texts:
    def __init__(self, folder):
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.end = self.tokenizer.token_to_id(END)

    def ids(self, text):
        return self.tokenizer.encode(text).ids

    def prompt(self, text):
        return self.ids(f"{START}user\n{text}{END}\n{START}assistant\n")

    def read(self, path, limit=None):
        rows = []
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                e = json.loads(line)
                prompt = self.prompt(e["prompt"]) if "prompt" in e else []
                answer = self.ids(e["completion"] if prompt else e["text"]) + [self.end]
                rows.append((prompt, answer))
                if len(rows) == limit:
                    break
        return rows


def loss_of(model, rows, device):
    """Padded on the right: a causal model does not see what follows."""
    width = max(len(p) + len(a) for p, a in rows)
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    labels = torch.full((len(rows), width), -100)
    for i, (prompt, answer) in enumerate(rows):
        ids[i, : len(prompt) + len(answer)] = torch.tensor(prompt + answer)
        labels[i, len(prompt) : len(prompt) + len(answer)] = torch.tensor(answer)
    ids, labels = ids.to(device), labels.to(device)
    logits = model(input_ids=ids).logits
    return F.cross_entropy(
        logits[:, :-1].flatten(0, 1).float(), labels[:, 1:].flatten(), ignore_index=-100
    ), sum(len(p) + len(a) for p, a in rows)


def train(model, rows, steps, batch, lr, warmup, decay, args, label):
    chosen = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in chosen if p.ndim > 1], "weight_decay": decay},
        {"params": [p for p in chosen if p.ndim < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=lr)
    order, at, tokens, start, mean = [], 0, 0, time.time(), []
    shuffle = random.Random(args.seed)
    for step in range(steps):
        if at + batch > len(order):
            order, at = list(range(len(rows))), 0
            shuffle.shuffle(order)
        progress = max(0, step - warmup) / max(1, steps - warmup)
        for group in optimizer.param_groups:
            group["lr"] = (
                lr * min(1, (step + 1) / max(1, warmup)) * (1 + math.cos(math.pi * progress)) / 2
            )
        loss, count = loss_of(model, [rows[i] for i in order[at : at + batch]], args.device)
        at += batch
        loss.backward()
        torch.nn.utils.clip_grad_norm_(chosen, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        tokens += count
        mean.append(loss.detach())
        if (step + 1) % max(1, steps // 5) == 0:
            value = torch.stack(mean[-50:]).mean().item()
            print(
                f"{label} {step + 1}/{steps} loss {value:.4f} "
                f"tokens {tokens} {time.time() - start:.0f} s",
                flush=True,
            )


@torch.no_grad()
def score(model, texts, examples, args, show=0):
    """Greedy exact match; rows of one length go together, so nothing is padded."""
    right, groups, misses = 0, {}, []
    for e in examples:
        groups.setdefault(len(texts.prompt(e["prompt"])), []).append(e)
    for group in groups.values():
        ids = torch.tensor([texts.prompt(e["prompt"]) for e in group], device=args.device)
        made, cache, given = [], None, ids
        for _ in range(64):
            out = model(input_ids=given, past_key_values=cache, use_cache=True)
            cache, given = out.past_key_values, out.logits[:, -1].argmax(-1, keepdim=True)
            made.append(given)
            if all((torch.cat(made, 1) == texts.end).any(1)):
                break
        for e, row in zip(group, torch.cat(made, 1).tolist()):
            row = row[: row.index(texts.end)] if texts.end in row else row
            answer = texts.tokenizer.decode(row, skip_special_tokens=False)
            right += answer == e["completion"]
            if answer != e["completion"]:
                misses.append((e["prompt"], answer))
    for miss in misses[:show]:
        print("   ", miss)
    return right / len(examples)


def main():
    args = arguments()
    torch.manual_seed(args.seed)
    texts = Texts(args.start)
    model = AutoModelForCausalLM.from_pretrained(args.start, dtype=torch.float32).to(args.device)
    corpus = texts.read(args.corpus)
    heldout = [json.loads(line) for line in open(ROOT / "data/home/heldout.jsonl")]
    home = texts.read(ROOT / "data/home/train.jsonl")
    print(
        f"{sum(p.numel() for p in model.parameters())} parameters; corpus: {len(corpus)} examples, "
        f"{sum(len(p) + len(a) for p, a in corpus)} tokens; home: {len(home)} examples, "
        f"{sum(len(p) + len(a) for p, a in home)} tokens"
    )
    if args.steps:
        train(
            model,
            corpus,
            args.steps,
            args.batch,
            args.lr,
            args.warmup,
            args.weight_decay,
            args,
            "full",
        )
    model.to(torch.bfloat16).float()  # as it will be stored
    if args.save:
        model.save_pretrained(args.save)
    print("untuned", score(model, texts, heldout, args, 3), flush=True)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    for lr in args.lora_lr:
        tuned = AutoModelForCausalLM.from_pretrained(args.start, dtype=torch.float32).to(
            args.device
        )
        tuned.load_state_dict(before)
        add_lora(tuned, args)
        steps = args.lora_epochs * (len(home) // args.lora_batch)
        train(tuned, home, steps, args.lora_batch, lr, 10, 0.0, args, f"lora {lr}")
        print(
            f"lora {lr} x {args.lora_epochs}: tuned",
            score(tuned, texts, heldout, args, 8),
            flush=True,
        )


if __name__ == "__main__":
    main()
