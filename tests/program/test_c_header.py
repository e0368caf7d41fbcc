# SPDX-License-Identifier: Apache-2.0
"""The header for C and C++: it compiles without a warning, and sends what the description says."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.program.listening import FOLDER, Socket
from tests.program.test_monitor_marks import END, MOMENT, SPAN, lost

if TYPE_CHECKING:
    from pathlib import Path

WARNINGS = ("-Wall", "-Wextra", "-Wshadow", "-Werror", "-O2", "-pthread")
C = """
#include "monitor_marks.h"
#include <pthread.h>
#include <sys/wait.h>

static void *work(void *unused) {
    int k;
    for (k = 0; k < 1000; k++) MONITOR_SPAN("thread", 1) { __asm__ volatile(""); }
    return unused;
}

int main(void) {
    pthread_t threads[4];
    int k, pair[2], status;
    char byte;
    int64_t start = monitor_begin();
    MONITOR_SPAN("inner", 8) monitor_mark("within");
    monitor_end("outer", start, 0);
    for (k = 0; k < 4; k++) pthread_create(&threads[k], NULL, work, NULL);
    for (k = 0; k < 4; k++) pthread_join(threads[k], NULL);
    if (fork() == 0) {
        for (k = 3; k < 70000; k++) close(k);
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair)) return 2;
        monitor_mark("child");
        return read(pair[1], &byte, 1) > 0;
    }
    wait(&status);
    monitor_mark("a name that is longer than what can be sent, which is a hundred and twenty bytes, and so it is cut "
                 "off somewhere in the middle of its \\xc3\\xa9nd");
    return status != 0 || monitor_listening() != (getenv("MONITOR_APP_MARKS") != NULL);
}
"""
CPP = """
#include "monitor_marks.h"
int main() {
    for (int k = 0; k < 3; k++) monitor::Span span("inference", 8);
    MONITOR_SPAN("second", 0) { monitor_mark("moment"); }
}
"""


def compiled(folder: Path, text: str, compiler: str, standard: str, ending: str) -> str:
    path = shutil.which(compiler)
    if path is None:
        pytest.skip(f"there is no {compiler}")
    (folder / f"program.{ending}").write_text(text)
    command = [path, f"-std={standard}", *WARNINGS, "-I", str(FOLDER), f"program.{ending}", "-o", "program"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return str(folder / "program")


@pytest.mark.parametrize(("compiler", "standard"), [("cc", "c99"), ("gcc", "gnu17"), ("clang", "c11")])
def test_a_c_program_marks(tmp_path: Path, compiler: str, standard: str) -> None:
    program = compiled(tmp_path, C, compiler, standard, "c")
    with Socket(tmp_path) as listening:
        received = listening.run([program])
    marks = [each for each in received if each.kind != END]
    by_name = {each.name: each for each in marks}
    inner, outer = by_name["inner"], by_name["outer"]
    assert (inner.images, inner.kind, outer.images, by_name["within"].kind) == (8, SPAN, 0, MOMENT)
    assert outer.start_ns <= inner.start_ns <= by_name["within"].start_ns <= inner.end_ns <= outer.end_ns
    assert by_name["child"].sender != inner.sender
    longest = next(each for each in marks if each.name.startswith("a name"))
    assert len(longest.name.encode()) in (119, 120)
    threads = [each for each in marks if each.name == "thread"]
    assert len({(each.sender, each.number) for each in marks}) == len(marks)
    assert len(threads) + lost(received) == 4000
    assert {each.kind for each in received if each.sender == inner.sender} == {MOMENT, SPAN, END}


def test_a_c_program_without_a_bench_does_nothing(tmp_path: Path) -> None:
    program = compiled(tmp_path, C, "cc", "c99", "c")
    subprocess.run([program], env={}, check=True, timeout=60)


def test_a_cpp_program_marks(tmp_path: Path) -> None:
    program = compiled(tmp_path, CPP, "g++", "c++11", "cpp")
    with Socket(tmp_path) as listening:
        received = listening.run([program])
    assert [(each.name, each.images) for each in received if each.kind == SPAN] == [("inference", 8)] * 3 + [
        ("second", 0)
    ]
    assert lost(received) == 0
