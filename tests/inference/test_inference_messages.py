# SPDX-License-Identifier: Apache-2.0
"""Messages survive the wire, and nothing else passes for one."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_app.core.errors import InferenceError
from monitor_app.core.runs import Batch, MemoryKind, MemoryUse, NetworkFacts, Phase
from monitor_app.inference.messages import (
    Batches,
    Evaluate,
    Failed,
    FailureKind,
    Load,
    Loaded,
    MeasureMemory,
    MemoryReport,
    PhaseDone,
    Played,
    Pulses,
    Quit,
    Ready,
    Stop,
    Time,
    WarmUp,
    decode,
    encode,
)

text = st.text()
positive = st.integers(1, 2**53)
count = st.integers(0, 2**53)
seconds = st.floats(0, 1e9)
time_ns = st.integers(0, 2**63 - 1)
names = st.dictionaries(text, text, max_size=4)
right = st.none() | count
rows = st.lists(st.tuples(time_ns, time_ns, count, right, right, right), max_size=5).map(tuple)
memory_rows = st.lists(st.tuples(st.sampled_from([kind.value for kind in MemoryKind]), count, count), max_size=4).map(
    tuple
)

messages = st.one_of(
    st.builds(Load, text, text, text, positive, text, count, st.booleans(), st.booleans()),
    st.builds(WarmUp, positive, seconds, count),
    st.builds(Time, positive, seconds, count),
    st.builds(Evaluate, positive, text),
    st.builds(Pulses, text, positive, positive, seconds, seconds, count),
    st.builds(MeasureMemory),
    st.builds(MemoryReport, memory_rows),
    st.builds(Stop),
    st.builds(Quit),
    st.builds(Ready, positive, names, names, positive),
    st.builds(Loaded, text, text, count, count, count, count, st.none() | text, st.none() | text, seconds),
    st.builds(Batches, st.sampled_from(Phase), rows),
    st.builds(Played, st.lists(time_ns, max_size=6).map(tuple)),
    st.builds(
        PhaseDone,
        st.sampled_from(Phase),
        count,
        count,
        st.booleans(),
        st.none() | text,
        st.none() | text,
        st.none() | text,
    ),
    st.builds(Failed, st.sampled_from(FailureKind), text),
)


@given(messages)
def test_a_message_is_one_line_and_comes_back_the_same(message):
    line = encode(message)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode(line) == message


def test_the_words_of_the_contract():
    assert json.loads(encode(Load("resnet18", threads=2))) == {
        "type": "load",
        "network": "resnet18",
        "precision": "fp32",
        "device": "cpu",
        "threads": 2,
        "weights": "auto",
        "seed": 0,
        "channels_last": False,
        "compiled": False,
        "cudnn_benchmark": False,
    }
    assert json.loads(encode(Time(4, 1.5, 10))) == {"type": "time", "batch_size": 4, "min_s": 1.5, "min_batches": 10}
    assert json.loads(encode(Batches(Phase.TIMED, ((1, 2, 3, None, None, 4),)))) == {
        "type": "batches",
        "phase": "timed",
        "rows": [[1, 2, 3, None, None, 4]],
    }
    assert encode(Stop()) == b'{"type":"stop"}\n'


def test_rows_and_facts_are_the_values_that_everyone_speaks():
    message = decode(b'{"type":"batches","phase":"accuracy","rows":[[10,20,8,5,7,null],[30,40,4,1,4,9]]}')
    assert isinstance(message, Batches)
    assert message.batches == (Batch(Phase.ACCURACY, 10, 20, 8, 5, 7), Batch(Phase.ACCURACY, 30, 40, 4, 1, 4, 9))
    memory = decode(b'{"type":"memory_report","rows":[["pss",300,100]]}')
    assert isinstance(memory, MemoryReport)
    assert memory.uses == (MemoryUse(MemoryKind.PSS, 300, 100),)
    assert memory.uses[0].net_bytes == 200
    facts = NetworkFacts("a", "A", 1, 2, 3, 224, None, None)
    assert Loaded("a", "A", 1, 2, 3, 224, None, None, 0.5).facts == facts


@given(st.binary(max_size=200))
def test_bytes_that_are_no_message_are_refused_in_one_sentence(line):
    with pytest.raises(InferenceError, match="is not a message") as caught:
        decode(line)
    assert "\n" not in str(caught.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(messages, st.data())
def test_a_field_of_another_kind_never_gets_through_as_something_else(message, data):
    content = json.loads(encode(message))
    key = data.draw(st.sampled_from(sorted(content)))
    content[key] = data.draw(json_values)
    line = json.dumps(content).encode()
    try:
        decoded = decode(line)
    except InferenceError:
        return
    # What is let through says exactly what came in
    assert json.loads(encode(decoded)) == content


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b'{"type":"fly"}',
        b'{"type":[]}',
        b'{"type":"stop","now":true}',
        b'{"type":"played","edges_ns":[1,2.5]}',
        b'{"type":"played","edges_ns":7}',
        b'{"type":"pulses","device":"cpu","threads":1,"pulses":0,"shortest_s":1,"longest_s":1,"seed":0}',
        b'{"type":"time","batch_size":1,"min_s":1}',
        b'{"type":"time","batch_size":0,"min_s":1,"min_batches":1}',
        b'{"type":"time","batch_size":true,"min_s":1,"min_batches":1}',
        b'{"type":"time","batch_size":1.0,"min_s":1,"min_batches":1}',
        b'{"type":"time","batch_size":1,"min_s":NaN,"min_batches":1}',
        b'{"type":"time","batch_size":1,"min_s":1e999,"min_batches":1}',
        b'{"type":"time","batch_size":1,"min_s":-1,"min_batches":1}',
        b'{"type":"batches","phase":"lunch","rows":[]}',
        b'{"type":"batches","phase":"timed","rows":[[1,2,3,4]]}',
        b'{"type":"batches","phase":"timed","rows":[[1,2,null,4,5]]}',
        b'{"type":"failed","kind":"mood","message":""}',
        b'{"type":"evaluate","batch_size":1,"images":"\xff"}',
        b"[" * 100_000,
        b'{"type":"time","batch_size":' + b"9" * 5000 + b',"min_s":1,"min_batches":1}',
    ],
)
def test_malformed_messages_are_refused(line):
    with pytest.raises(InferenceError, match="is not a message"):
        decode(line)


def test_the_bench_side_needs_no_torch():
    script = (
        "import sys, monitor_app.inference.process, monitor_app.inference.networks.registry;"
        "sys.exit('torch' in sys.modules or 'torchvision' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=60).returncode == 0
