# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import os
import threading
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from monitor_app.remote.agent.lines import Lines, Outbox, encode


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[before:after] for before, after in pairwise(edges)]


@given(st.binary(max_size=300) | st.text("ab\n", max_size=300).map(str.encode), st.lists(st.integers(0, 300)))
def test_lines_are_the_same_however_the_bytes_come(data: bytes, places: list[int]) -> None:
    lines = Lines()
    found = [line for block in cut(data, places) for line in lines.feed(block)]
    assert [*found, lines.rest()] == data.split(b"\n")


@given(st.text("ab\n", max_size=100).map(str.encode), st.lists(st.integers(0, 100)), st.integers(0, 6))
def test_a_line_that_is_too_long_is_told_and_the_next_is_whole(data: bytes, places: list[int], limit: int) -> None:
    lines = Lines(limit)
    found = [line for block in cut(data, places) for line in lines.feed(block)]
    assert found == [line if len(line) <= limit else None for line in data.split(b"\n")[:-1]]


@given(st.binary(max_size=50))
def test_any_bytes_pass_as_text(data: bytes) -> None:
    line = encode({"text": data.decode("utf-8", "surrogateescape")})
    assert line.isascii()
    assert line.count(b"\n") == 1
    assert json.loads(line)["text"].encode("utf-8", "surrogateescape") == data


def read_all(descriptor: int) -> bytes:
    with open(descriptor, "rb") as file:
        return file.read()


def test_messages_of_many_threads_never_mix() -> None:
    readable, writable = os.pipe()
    outbox = Outbox(writable)
    sizes = (10, 5000, 300_000, 100)

    def send(name: int) -> None:
        for size in sizes:
            outbox.send({"name": name, "size": size, "text": "x" * size})

    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append(read_all(readable)))
    senders = [threading.Thread(target=send, args=(name,)) for name in range(4)]
    for thread in (reader, *senders):
        thread.start()
    for sender in senders:
        sender.join()
    outbox.close(60.0)
    os.close(writable)
    reader.join()
    messages = [json.loads(line) for line in found[0].splitlines()]
    for name in range(4):
        assert [each["size"] for each in messages if each["name"] == name] == list(sizes)
    assert all(len(each["text"]) == each["size"] for each in messages)


def test_nobody_who_sends_waits_and_the_clock_comes_first() -> None:
    readable, writable = os.pipe()
    outbox = Outbox(writable)
    for number in range(40):
        outbox.send({"number": number, "text": "x" * 50_000})
    assert outbox.full
    outbox.send_stamped({"type": "clock"})
    seen = []
    with open(readable, "rb", buffering=0) as raw, os.fdopen(os.dup(raw.fileno()), "rb") as file:
        while len(seen) < 41:
            seen.append(json.loads(file.readline()))
    outbox.close(60.0)
    os.close(writable)
    place = next(index for index, each in enumerate(seen) if "sent_ns" in each)
    assert place < 4
    assert [each["number"] for each in seen if "number" in each] == list(range(40))
