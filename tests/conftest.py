# SPDX-License-Identifier: Apache-2.0
"""What holds for every test: a home of its own, no window on the screen, and nothing left behind."""

from __future__ import annotations

import gc
import itertools
import os
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

# pytest-qt loads Qt right after this file, and Qt reads these when it is loaded.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# The workers and the networks they measure share the processors. Threads of one network would wait for each other, in
# busy loops, whenever one of them is not running.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
_session_home = tempfile.TemporaryDirectory(prefix="monitor-app-tests-")

import hypothesis  # noqa: E402
import psutil  # noqa: E402
import pytest  # noqa: E402
from pytestqt.qtbot import QtBot  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

# How long an example takes is the machine's affair, and says nothing about whether it is right. New examples are
# sought where somebody is there to look at them; CI runs the same ones each time.
hypothesis.settings.register_profile("untimed", deadline=None, derandomize="CI" in os.environ, max_examples=50)
hypothesis.settings.load_profile("untimed")

# A test waits for an event and not for a time; on a busy machine the 5 s of pytest-qt are too few.
QtBot.waitUntil.__kwdefaults__["timeout"] = 60_000
QtBot.waitSignal.__kwdefaults__["timeout"] = 60_000

TRIES = 3
_WAITING = (
    "tests/bench/", "tests/cli/", "tests/fleet/", "tests/remote/test_", "test_every_source", "test_discovery",
    "tests/sources/jtop/", "_process.py",
)  # fmt: skip
_LONG = ("test_fleet", "test_board_elsewhere", "test_memory", "test_link", "test_child.py", "test_many_instruments")
_GRACE_S = 10.0
_HOMES = {
    "HOME": "",
    "XDG_CACHE_HOME": "cache",
    "XDG_CONFIG_HOME": "config",
    "XDG_DATA_HOME": "data",
    "XDG_STATE_HOME": "state",
    "XDG_RUNTIME_DIR": "runtime",
    "TORCH_HOME": "cache/torch",
}


def _homes(home: Path) -> dict[str, str]:
    paths = {variable: home / folder for variable, folder in _HOMES.items()}
    for path in paths.values():
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {variable: str(path) for variable, path in paths.items()}


os.environ.update(_homes(Path(_session_home.name)))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Makes the tests without looking for garbage among them, neither now nor in the collections that tests cause.

    They and the modules that they import are several hundred thousand objects, which stay to the end. To go through
    them again and again takes some seconds of each worker.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_unconfigure() -> None:
    _session_home.cleanup()


T = TypeVar("T")
S = TypeVar("S")


class Tries(Generic[T]):
    """Up to `TRIES` measurements in real time, each made when it is first asked for.

    A fixture that measures returns one of these, made of a function that takes the number of the try. The test sees a
    measurement in its place: the first, or in a test marked `realtime` the next one after a failed assertion, since
    other work on the machine makes a measurement worse but never better.
    """

    def __init__(self, measure: Callable[[int], T]) -> None:
        self._measure = measure
        self._made: list[T | Exception] = []

    def __getitem__(self, number: int) -> T:
        while len(self._made) <= number:
            try:
                self._made.append(self._measure(len(self._made)))
            except Exception as error:  # noqa: BLE001  # each test that asks for it fails by it
                self._made.append(error)
        found = self._made[number]
        if isinstance(found, Exception):
            raise found
        return found

    def then(self, derive: Callable[[T], S]) -> Tries[S]:
        """What is derived from each measurement."""
        return Tries(lambda number: derive(self[number]))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files in turn that wait for other processes and that compute, so that the workers seldom all wait or all compute.

    The former begin, so that none of them is alone at the end, and so do those that take a minute or more.
    """
    places: dict[Path, tuple[int, int]] = {}
    counts = [0, 0]
    paths = dict.fromkeys(item.path for item in items)
    for path in sorted(paths, key=lambda path: not any(name in path.as_posix() for name in _LONG)):
        computes = int(not any(name in path.as_posix() for name in _WAITING))
        places[path] = counts[computes], computes
        counts[computes] += 1
    items.sort(key=lambda item: places[item.path])
    for item in items:
        if item.get_closest_marker("realtime"):
            item.add_marker(pytest.mark.timeout(TRIES * 200))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool:
    """Calls a test; one that is marked `realtime` again after a failed assertion, with the next measurement."""
    tries = TRIES if pyfuncitem.get_closest_marker("realtime") else 1
    for number in range(tries):
        names = pyfuncitem._fixtureinfo.argnames
        arguments = {name: _of_try(number, name, pyfuncitem.funcargs[name]) for name in names}
        try:
            pyfuncitem.obj(**arguments)
        except AssertionError:
            if number == tries - 1:
                raise
        else:
            break
    return True


def _of_try(number: int, name: str, argument: Any) -> Any:
    if isinstance(argument, Tries):
        return argument[number]
    if name == "tmp_path" and number > 0:
        argument = argument / f"try-{number + 1}"
        argument.mkdir()
    return argument


@pytest.fixture(autouse=True)
def leaves_nothing_behind() -> Iterator[None]:
    """Fails a test that leaves a thread, a child process or an open window."""
    threads, processes, windows = set(_threads()), _descendants(), set(_windows())
    yield
    left = [
        *_left_threads(threads),
        *_left_processes(processes),
        *_left_windows(windows),
    ]
    if left:
        pytest.fail("the test left behind: " + "; ".join(left), pytrace=False)


_home_number = itertools.count()


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, dict[str, str]]]:
    """The home folder of the tests until one writes into it, with its variables; a list of one."""
    return [_new_home(tmp_path_factory)]


def _new_home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    # In a folder of their own: each tmp_path looks through its base folder for a free number.
    home = tmp_path_factory.getbasetemp() / "homes" / str(next(_home_number))
    return home, _homes(home)


@pytest.fixture(autouse=True)
def own_home(
    homes: list[tuple[Path, dict[str, str]]],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Path]:
    """An empty home folder, so that no test sees the settings of the user or of another test."""
    home, variables = homes[0]
    for variable, path in variables.items():
        monkeypatch.setenv(variable, path)
    yield home
    # Five thousand folders of seven take seconds to make, and again to delete.
    if sum(len(folders) + len(files) for _, folders, files in os.walk(home)) != len(_HOMES) - 1:
        homes[0] = _new_home(tmp_path_factory)


def _threads() -> list[threading.Thread]:
    # A thread that Python did not start, such as a QThread, stays listed after its end before 3.13.
    return [thread for thread in threading.enumerate() if Path(f"/proc/self/task/{thread.native_id}").exists()]


def _descendants() -> set[int]:
    """Process numbers of our children and theirs, straight from the kernel: psutil reads every process there is."""
    found: set[int] = set()
    todo = [os.getpid()]
    while todo:
        for children in Path(f"/proc/{todo.pop()}/task").glob("*/children"):
            # A process or a thread may end between its listing and its reading.
            with suppress(OSError):
                todo += (new := {int(pid) for pid in children.read_text().split()} - found)
                found |= new
    return found


def _processes(pids: set[int]) -> list[psutil.Process]:
    processes = []
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            processes.append(psutil.Process(pid))
    # Python's own resource tracker lives as long as the process that first needed it.
    return [process for process in processes if "multiprocessing.resource_tracker" not in _command(process)]


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline()) or process.name()
    except psutil.Error:
        return "ended"


def _windows() -> list[Any]:
    widgets = sys.modules.get("PySide6.QtWidgets")
    if widgets is None or widgets.QApplication.instance() is None:
        return []
    shiboken = sys.modules["shiboken6"]  # a widget that Qt has deleted may be listed for a moment
    return [each for each in widgets.QApplication.topLevelWidgets() if shiboken.isValid(each) and each.isVisible()]


def _left_threads(before: set[threading.Thread]) -> list[str]:
    # Not joined, which a thread that Python did not start cannot be; and its end takes the system a moment.
    deadline = time.monotonic() + _GRACE_S
    while (left := set(_threads()) - before) and time.monotonic() < deadline:
        time.sleep(0.01)
    return [f"thread {thread.name}" for thread in left]


def _left_processes(before: set[int]) -> list[str]:
    _, alive = psutil.wait_procs(_processes(_descendants() - before), timeout=_GRACE_S)
    left = [f"process {process.pid} ({_command(process)})" for process in alive]
    for process in alive:
        process.kill()
    psutil.wait_procs(alive, timeout=_GRACE_S)
    return left


def _left_windows(before: set[Any]) -> list[str]:
    windows = set(_windows()) - before
    names = [f"window {window.windowTitle() or type(window).__name__}" for window in windows]
    for window in windows:
        window.close()
        window.deleteLater()
    return names
