#!/usr/bin/env python3
"""Make the text that the small model in data/small learned from; the same bytes for the same seed.

    tools/make_small_corpus.py --out build/small/corpus.jsonl [--examples 120000]

The small model stands in for SmolLM2 where that cannot be fetched, so it should know about as much of
the home task as SmolLM2 does: the words, how times and numbers are said, what JSON looks like, how a
chat goes; and, like SmolLM2, not the task. No line answers a request in the task's form: times are
written 17h45 or 17.45 here, other keys are used, and no held-out or training prompt occurs.
"""

import argparse
import json
import pathlib

import make_home_data as home

PEOPLE = (
    "anna",
    "ben",
    "carla",
    "david",
    "emma",
    "felix",
    "grace",
    "henry",
    "iris",
    "jack",
    "kate",
    "leo",
    "mia",
    "noah",
    "olga",
    "paul",
    "rosa",
    "sam",
    "tina",
    "victor",
)
THINGS = (
    "apple",
    "book",
    "bottle",
    "box",
    "chair",
    "cup",
    "key",
    "map",
    "pen",
    "plate",
    "shoe",
    "spoon",
    "table",
    "ticket",
    "coat",
    "bag",
    "ball",
    "candle",
    "clock",
    "mirror",
)
COLOURS = ("red", "blue", "green", "white", "black", "yellow", "brown", "grey")
KEYS = ("name", "item", "place", "colour", "count", "owner", "time", "level", "state", "size")
STATES = {
    "on": ("turned on {x}", "switched on {x}", "switched {x} on", "started {x}", "turned {x} on"),
    "off": ("turned off {x}", "switched off {x}", "stopped {x}", "turned {x} off", "shut off {x}"),
    "open": ("opened {x}", "opened up {x}"),
    "closed": ("closed {x}", "shut {x}"),
    "locked": ("locked {x}", "locked up {x}"),
    "unlocked": ("unlocked {x}",),
    "value": ("set {x} to {v}", "put {x} at {v}", "changed {x} to {v}", "brought {x} to {v}"),
}
ASK = {
    "on": (
        "turn on {x}",
        "switch on {x}",
        "switch {x} on",
        "start {x}",
        "turn {x} on",
        "power up {x}",
    ),
    "off": ("turn off {x}", "switch off {x}", "stop {x}", "turn {x} off", "shut off {x}"),
    "open": ("open {x}", "open up {x}"),
    "closed": ("close {x}", "shut {x}"),
    "locked": ("lock {x}", "lock up {x}"),
    "unlocked": ("unlock {x}",),
    "value": ("set {x} to {v}", "put {x} at {v}", "change {x} to {v}", "bring {x} to {v}"),
}
UNITS = {"%": " of 100", "C": " deg c", "F": " deg f"}
SPANS = {"m": " min", "h": " hr", "s": " sec"}


class Source:
    """Draws with a name for each kind of thing that is said."""

    def __init__(self, seed):
        self.random = home.Random(seed)

    def pick(self, cards):
        return cards[self.random.below(len(cards))]

    def deal(self, name, cards):
        """The form in which make_home_data asks; here every draw stands alone."""
        return self.pick(tuple(cards))

    def clock(self):
        """A time as (what is said, HH, MM)."""
        said, digits = home.clock_time(self.deal)
        return said, digits[:2], digits[3:]

    def span(self):
        said, written = home.span(self.deal)
        return said, written[:-1] + SPANS[written[-1]]

    def event(self, verbs):
        """Something done to a device: what is said, and its fields in an order of their own."""
        device = self.pick(tuple(home.DEVICES))
        kind = self.pick(home.DEVICES[device])
        states = {"s": ("on", "off"), "o": ("open", "closed"), "k": ("locked", "unlocked")}
        room = self.pick(home.ROOMS) if self.random.below(4) else ""
        thing = f"the {device}"
        if room:
            thing = self.pick(
                (f"the {room} {device}", f"the {room} {device}", f"the {device} in the {room}")
            )
        if kind in states:
            state = self.pick(states[kind])
            said = self.pick(verbs[state]).format(x=thing)
        else:
            value, written = home.value(self.deal, kind, device)
            state = written[:-1] + UNITS[written[-1]]
            said = self.pick(verbs["value"]).format(x=thing, v=value)
        fields = {"what": device, "where": room, "how": state}
        if self.random.below(5) == 0:
            length, fields["long"] = self.span()
            said += f" for {length}"
        if self.random.below(4):
            when, hour, minute = self.clock()
            fields["when"] = (hour, minute)
            said = f"{when} {said}" if self.random.below(4) == 0 else f"{said} {when}"
        elif self.random.below(3) == 0:
            wait, fields["wait"] = self.span()
            said = f"{said} in {wait}"
        return said, fields


def clock_pair(s):
    said, hour, minute = s.clock()
    said = said[3:]
    question = s.pick(
        ("what is {} on a 24-hour clock?", "{} in digits", "write {} short", "{} is when?")
    )
    return question.format(said), s.pick(("{}h{}",)).format(hour, minute)


def number_pair(s):
    n = s.random.below(12)
    if s.random.below(2):
        said, written = s.span()
        return f"how long is {said}?", written
    return f"write {home.WORDS[n]} as a number", home.DIGITS[n]


def line_of(fields):
    """The log dialect: what @ where = how, then whatever else there is."""
    text = (
        fields["what"]
        + (f" @ {fields['where']}" if fields["where"] else "")
        + f" = {fields['how']}"
    )
    if "when" in fields:
        text += " | {}h{}".format(*fields["when"])
    if "wait" in fields:
        text += f" | after {fields['wait']}"
    if "long" in fields:
        text += f" | during {fields['long']}"
    return text


def fields_of(fields, dotted):
    flat = {k: v for k, v in fields.items() if v and k != "when"}
    if "when" in fields:
        flat["when"] = ("{}.{}" if dotted else "{}h{}").format(*fields["when"])
    return flat


def event_pair(s):
    style = s.pick(("log", "log", "json", "lines", "which", "which"))
    told = s.random.below(2)
    said, fields = s.event(STATES if told else ASK)
    who = s.pick(PEOPLE)
    if told:
        said = f"{who} {said}"
        fields = {"who": who} | fields
    else:
        said = s.pick(
            ("{}", "please {}", "tell {w} to {}", "could {w} {}?", "we should {}", "{} now")
        ).format(said, w=who)
    if style == "log":
        return f"log: {said}", line_of(fields)
    flat = fields_of(fields, style == "json")
    if style == "json":
        return f"as json: {said}", json.dumps(flat, separators=(",", ":"))
    if style == "lines":
        return f"list: {said}", "\n".join(f"{k}: {v}" for k, v in flat.items())
    key = s.pick(tuple(flat))
    question = {"long": "how long", "wait": "after how long"}.get(key, key)
    return f"{question}? {said}", flat[key]


def json_pair(s):
    values = {
        "name": PEOPLE,
        "item": THINGS,
        "place": home.ROOMS,
        "colour": COLOURS,
        "owner": PEOPLE,
        "state": ("on", "off", "open", "closed", "locked", "full", "empty"),
        "size": ("small", "large"),
        "count": [str(n) for n in range(100)],
        "level": [f"{n}%" for n in range(0, 101, 5)],
        "time": [f"{n:02}.{m}" for n in range(24) for m in ("00", "15", "30", "45")],
    }
    chosen = [k for k in KEYS if s.random.below(3) == 0] or ["name"]
    facts = {k: s.pick(values[k]) for k in chosen}
    said = ", ".join(f"{k} {v}" for k, v in facts.items())
    return f"as json: {said}", json.dumps(facts, separators=(",", ":"))


def copy_pair(s):
    words = " ".join(
        s.pick(s.pick((PEOPLE, THINGS, home.ROOMS, tuple(home.DEVICES), home.DIGITS, COLOURS)))
        for _ in range(2 + s.random.below(5))
    )
    return f"repeat: {words}", words


def story(s):
    """A few sentences, and what follows from them."""
    sentences = []
    for _ in range(2 + s.random.below(3)):
        who, kind = s.pick(PEOPLE), s.random.below(4)
        if kind == 0:
            said, hour, minute = s.clock()
            sentences.append(f"{said} {who} came home. the clock showed {hour}h{minute}.")
        elif kind == 1:
            sentences.append(
                f"{who} had a {s.pick(COLOURS)} {s.pick(THINGS)} in the {s.pick(home.ROOMS)}."
            )
        else:
            said, fields = s.event(STATES)
            sentences.append(f"{who} {said}.")
            if kind == 2:
                state = fields["how"]
                sentences.append(
                    f"so the {fields['what']} was {'at ' if state[0].isdigit() else ''}{state}."
                )
    return " ".join(sentences)


PAIRS = ((event_pair, 8), (clock_pair, 4), (json_pair, 2), (number_pair, 1), (copy_pair, 1))


def examples(seed, count):
    kinds = [make for make, weight in PAIRS for _ in range(weight)]
    s = Source(seed)
    taken = {
        json.loads(line)["prompt"] for text in home.make().values() for line in text.splitlines()
    }
    while count:
        if s.random.below(6) == 0:
            example = {"text": story(s)}
        else:
            prompt, completion = s.pick(kinds)(s)
            if prompt in taken:
                continue
            example = {"prompt": prompt, "completion": completion}
        yield json.dumps(example) + "\n"
        count -= 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--examples", type=int, default=120000)
    parser.add_argument("--seed", type=int, default=135)
    args = parser.parse_args()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with open(args.out, "w", encoding="ascii", newline="\n") as out:
        out.writelines(examples(args.seed, args.examples))
    print(f"{args.out}: {args.examples} examples, {args.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
