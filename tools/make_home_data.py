#!/usr/bin/env python3
"""Make the task "plain requests for home devices -> strict JSON", the same bytes for the same seed.

    tools/make_home_data.py            writes data/home/train.jsonl and heldout.jsonl
    tools/make_home_data.py --check    exit status 1 unless the files there are these bytes

Both files are draws from one generator, so held-out is as hard as training, and no prompt is in
both. Every choice comes from a shuffled deck that is dealt to its end before it is shuffled anew:
with a few hundred examples, independent draws would leave some hours of the day nearly unseen, and
12-hour times are what a small model learns last. The generator has its own random numbers because
Python promises the same sequence across versions for random() alone, not for shuffle or choice.
"""

import argparse
import json
import pathlib
import sys

SEED = 4
TRAIN, HELDOUT = 720, 300

ROOMS = (
    "kitchen",
    "hallway",
    "bedroom",
    "bathroom",
    "living room",
    "office",
    "garage",
    "attic",
    "basement",
    "nursery",
    "dining room",
    "guest room",
    "study",
    "balcony",
)
# What a device can be told: s = on/off, o = open/closed, k = locked/unlocked, p = percent, t =
# degrees.
DEVICES = {
    "heater": "sst",
    "lamp": "ssp",
    "light": "ssp",
    "fan": "ssp",
    "radio": "ssp",
    "tv": "s",
    "kettle": "s",
    "oven": "st",
    "speaker": "ssp",
    "humidifier": "sp",
    "camera": "s",
    "coffee machine": "s",
    "alarm": "s",
    "thermostat": "t",
    "air conditioner": "st",
    "blinds": "op",
    "curtains": "o",
    "window": "o",
    "door": "ok",
    "gate": "ok",
    "shutters": "op",
    "sprinkler": "s",
}
VERBS = {
    "on": (
        "turn on {x}",
        "switch on {x}",
        "turn {x} on",
        "switch {x} on",
        "start {x}",
        "power up {x}",
    ),
    "off": (
        "turn off {x}",
        "switch off {x}",
        "turn {x} off",
        "switch {x} off",
        "stop {x}",
        "shut off {x}",
    ),
    "open": ("open {x}", "open up {x}"),
    "closed": ("close {x}", "shut {x}"),
    "locked": ("lock {x}", "lock up {x}"),
    "unlocked": ("unlock {x}",),
    "value": ("set {x} to {v}", "put {x} at {v}", "change {x} to {v}", "bring {x} to {v}"),
}
# Each form stands on its own before or after a time phrase.
FRAMES = (
    "{t}, {c}",
    "{c} {t}",
    "{c} {t}",
    "{c}, {t}",
    "please {c} {t}",
    "{t} please {c}",
    "could you {c} {t}",
    "can you {c} {t}?",
    "i want you to {c} {t}",
    "{t}, could you {c}?",
)
WORDS = (
    "twelve",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
)
DIGITS = ("12", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11")
MINUTES = ("00", "05", "10", "15", "20", "25", "30", "35", "40", "45", "50", "55")


class Random:
    """splitmix64: 64 bits of state, one line, the same everywhere."""

    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        mask = (1 << 64) - 1
        self.state = (self.state + 0x9E3779B97F4A7C15) & mask
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        return ((z ^ (z >> 31)) * n) >> 64


class Decks:
    """For each name a shuffled deck of the same cards; dealt to its end, then shuffled anew."""

    def __init__(self, seed):
        self.random = Random(seed)
        self.decks = {}

    def deal(self, name, cards):
        deck = self.decks.setdefault(name, [])
        if not deck:
            deck.extend(cards)
            for i in range(len(deck) - 1, 0, -1):
                j = self.random.below(i + 1)
                deck[i], deck[j] = deck[j], deck[i]
        return deck.pop()


def part_of_day(hour):
    if hour < 12:
        return "in the morning"
    if hour < 18:
        return "in the afternoon"
    return "in the evening" if hour < 22 else "at night"


def half_of_day(deal, hour):
    """How a speaker says which half of the day is meant."""
    if deal("half of day", ("part", "part", "letters")) == "part":
        return " " + part_of_day(hour)
    return deal("letters", (" {}m", " {}.m.", "{}m")).format("a" if hour < 12 else "p")


def clock_time(deal):
    """A time of the day as (what is said, HH:MM)."""
    kind = deal("time", ("24",) * 4 + ("12",) * 12 + ("past",) * 5 + ("oclock",) * 2 + ("name",))
    if kind == "name":
        return deal("name", (("at noon", "12:00"), ("at midnight", "00:00")))
    if kind == "24":
        hour, minute = deal("hour 24", range(24)), deal(
            "minute 24", MINUTES + ("07", "18", "42", "53")
        )
        digits = deal("leading zero", ("{:02}:{}", "{}:{}"))
        return "at " + digits.format(hour, minute), f"{hour:02}:{minute}"
    # Twelve is said as noon or midnight. Hours whose digits change (the afternoon) or that are not
    # to be padded (ten, eleven) come twice: they have to be learnt by heart.
    hour = deal("hour 12", (*range(1, 10), *(10, 11, *range(13, 24)) * 2))
    if kind == "12":
        minute = deal("minute 12", MINUTES + ("00",) * 4)
        said = f"{(hour - 1) % 12 + 1}" + ("" if minute == "00" else ":" + minute)
        return f"at {said}{half_of_day(deal, hour)}", f"{hour:02}:{minute}"
    name = deal("hour name", (WORDS, DIGITS))[hour % 12]
    if kind == "oclock":
        return f"at {name} o'clock {part_of_day(hour)}", f"{hour:02}:00"
    said, minute = deal("past", (("half past", "30"), ("quarter past", "15"), ("ten past", "10")))
    return f"at {said} {name} {part_of_day(hour)}", f"{hour:02}:{minute}"


def span(deal):
    """A length of time as (what is said, what is written)."""
    kind = deal("span", ("m", "m", "m", "h", "h", "s", "half", "one"))
    if kind == "half":
        return "half an hour", "30m"
    if kind == "one":
        return deal("one", (("an hour", "1h"), ("a minute", "1m")))
    if kind == "h":
        n = deal("hours", range(2, 13))
        return f"{deal('hours name', (WORDS, DIGITS))[n % 12]} hours", f"{n}h"
    n = deal("minutes", (2, 3, 4, 6, 7, 8, 12, 15, 20, 25, 40, 45, 50, 90))
    unit = deal("unit m", ("minutes", "minutes", "min")) if kind == "m" else "seconds"
    return f"{n} {unit}", f"{n}{kind}"


def value(deal, kind, device):
    """A setting with its unit as (what is said, what is written)."""
    if kind == "p":
        n = deal("percent", range(5, 100, 5))
        return deal("percent unit", ("{} percent", "{}%")).format(n), f"{n}%"
    celsius = deal("scale", (True, True, False))
    if device == "oven":
        n = deal(f"oven {celsius}", range(150, 250, 10) if celsius else range(300, 480, 15))
    else:
        n = deal(f"degrees {celsius}", range(15, 29) if celsius else range(60, 84))
    unit = deal(
        f"unit {celsius}",
        (
            ("degrees", "degrees", "celsius", "degrees celsius")
            if celsius
            else ("fahrenheit", "degrees fahrenheit")
        ),
    )
    return f"{n} {unit}", f"{n}{'C' if celsius else 'F'}"


def command(deal, answer):
    """What is to be done, in words; fills device, room and set."""
    device = deal("device", [d for d, can in DEVICES.items() for _ in range(1 + len(can) // 2)])
    kind = deal(f"can {device}", DEVICES[device])
    states = {"s": ("on", "off"), "o": ("open", "closed"), "k": ("locked", "unlocked")}
    answer["device"] = device
    where = deal("where", ("the {r} {d}", "the {r} {d}", "the {d} in the {r}", "the {d}"))
    if "{r}" in where:
        answer["room"] = deal("room", ROOMS)
    thing = where.format(r=answer.get("room"), d=device)
    if kind in states:
        answer["set"] = deal(f"state {kind}", states[kind])
        return deal(f"verb {answer['set']}", VERBS[answer["set"]]).format(x=thing)
    said, answer["set"] = value(deal, kind, device)
    return deal("verb value", VERBS["value"]).format(x=thing, v=said)


def example(deal):
    answer = {}
    said = command(deal, answer)
    when = deal("when", ("at",) * 15 + ("at for",) * 2 + ("in", "in", "for", "for", "now"))
    phrase = ""
    if "at" in when:
        phrase, answer["at"] = clock_time(deal)
    if when == "in":
        phrase, answer["in"] = span(deal)
        phrase = "in " + phrase
    if "for" in when:
        length, answer["for"] = span(deal)
        said += f" for {length}"
    frame = deal(
        "frame" if phrase else "frame now",
        FRAMES if phrase else FRAMES[1:2] + FRAMES[4:5] + FRAMES[6:9],
    )
    prompt = frame.format(t=phrase, c=said).replace(" ?", "?").strip()
    return prompt, json.dumps(answer, separators=(",", ":"))


def draw(deal, count, taken):
    lines = []
    while len(lines) < count:
        prompt, completion = example(deal)
        if prompt not in taken:
            taken.add(prompt)
            lines.append(json.dumps({"prompt": prompt, "completion": completion}) + "\n")
    return "".join(lines)


def make(seed=SEED, train=TRAIN, heldout=HELDOUT):
    """The text of both files. Held-out has decks of its own, so its size changes nothing else."""
    taken = set()
    return {
        "train.jsonl": draw(Decks(seed).deal, train, taken),
        "heldout.jsonl": draw(Decks(seed + (1 << 32)).deal, heldout, taken),
    }


def main():
    home = pathlib.Path(__file__).resolve().parent.parent / "data" / "home"
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, default=home)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--train", type=int, default=TRAIN)
    parser.add_argument("--heldout", type=int, default=HELDOUT)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    args = parser.parse_args()
    differ = 0
    for name, text in make(args.seed, args.train, args.heldout).items():
        path = args.out / name
        if args.check:
            same = path.is_file() and path.read_bytes() == text.encode()
            print(f"{path}: {'the same' if same else 'DIFFERS'}")
            differ += not same
        else:
            args.out.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
            print(f"{path}: {text.count(chr(10))} lines")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
