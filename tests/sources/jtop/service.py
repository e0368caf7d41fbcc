# SPDX-License-Identifier: Apache-2.0
"""The real jtop service of jetson-stats on a board made of files, and a stand-in that misbehaves on request.

The real one wants to be root, and reads /fake_sys (where it is told that it is tested), /sys and /etc/group. It gets
them in a mount namespace with a root of its own, so that nothing of the machine is touched; nothing of it is patched.
Where a machine allows no namespaces, the same code runs with these paths replaced in its source as it is loaded.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from base64 import b64encode
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from multiprocessing.connection import Listener
from multiprocessing.managers import SyncManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

STARTED = b"service ready"
"""What the real service logs once it listens."""

# $1 is an empty directory beside fake_sys, run, virtual and group; the rest is the command.
_OWN_ROOT = """
set -e
PATH=$PATH:/usr/sbin:/sbin
base=$1; shift
mount -t tmpfs none "$base/root"
for path in /*; do
    if [ -L "$path" ]; then cp -P "$path" "$base/root$path"
    elif [ -d "$path" ] && [ "$path" != /run ]; then mkdir "$base/root$path"; mount --rbind "$path" "$base/root$path"
    fi
done
mkdir -p "$base/root/run" "$base/root/fake_sys"
mount --bind "$base/run" "$base/root/run"
mount --bind "$base/fake_sys" "$base/root/fake_sys"
mount --bind "$base/virtual" "$base/root/sys/devices/virtual"
mount --bind "$base/group" "$base/root/etc/group"
if [ -d /sys/class/hwmon ]; then mount --bind "$base/empty" "$base/root/sys/class/hwmon"; fi
exec chroot "$base/root" "$@"
"""
_REWRITTEN = (
    (b"/fake_sys", b"%s/fake_sys"),
    (b'"/sys"', b'"%s/sys"'),
    (b"/sys/devices/virtual/dmi", b"%s/sys/devices/virtual/dmi"),
    (b"/run/jtop.sock", b"%s/run/jtop.sock"),
    (b"os.getuid() != 0", b"False"),
    (b"getgrnam(JTOP_USER).gr_gid", b"os.getgid()"),
    (b"os.getuid()", b"os.geteuid()"),
)


class Board:
    """The files that a Jetson shows of itself, under ``base``; change them while the service runs."""

    def __init__(self, base: Path, rails: dict[str, tuple[int, int]], temperatures: dict[str, int | None]) -> None:
        self.base = base
        self._ina = base / "fake_sys/bus/i2c/devices/1-0040/hwmon/hwmon3"
        self._rails = list(rails)
        self._zones = list(temperatures)
        _write(self._ina.parents[1] / "name", "ina3221")
        for name, (millivolts, milliamperes) in rails.items():
            _write(self._ina / f"in{self._rails.index(name) + 1}_label", name)
            self.set_rail(name, millivolts, milliamperes)
        for name, millidegrees in temperatures.items():
            _write(self._zone(name) / "type", f"{name}-thermal")
            self.set_temperature(name, millidegrees)
        for folder in ("class/power_supply", "kernel/debug/clk"):
            (base / "fake_sys" / folder).mkdir(parents=True)
        _write(base / "virtual/dmi/id/board_vendor", "Made of files")
        self._cpus()
        self._gpu()
        _write(base / "fake_sys/class/hwmon/hwmon0/name", "pwmfan")
        _write(base / "fake_sys/class/hwmon/hwmon0/pwm1", "51")
        for file, kilohertz in {"rate": 2_133_000_000, "max_rate": 3_199_000_000, "min_rate": 204_000_000}.items():
            _write(base / "fake_sys/kernel/debug/bpmp/debug/clk/emc" / file, str(kilohertz))
        _write(base / "fake_sys/kernel/actmon_avg_activity/mc_all", "213300000")

    def set_rail(self, name: str, millivolts: int, milliamperes: int) -> None:
        number = self._rails.index(name) + 1
        _write(self._ina / f"in{number}_input", str(millivolts))
        _write(self._ina / f"curr{number}_input", str(milliamperes))

    def lose_rail(self, name: str) -> None:
        """As a chip that does not answer: reading fails."""
        (self._ina / f"curr{self._rails.index(name) + 1}_input").unlink()

    def set_temperature(self, name: str, millidegrees: int | None) -> None:
        """None: the sensor is switched off and cannot be read."""
        file = self._zone(name) / "temp"
        _write(file, "off" if millidegrees is None else str(millidegrees))

    def set_gpu(self, load: float, hertz: int) -> None:
        _write(self._gpu_device / "load", str(round(load * 1000)))
        _write(self.base / "fake_sys/class/devfreq/17000000.gpu/cur_freq", str(hertz))

    def _zone(self, name: str) -> Path:
        return self.base / f"virtual/thermal/thermal_zone{self._zones.index(name)}"

    def _cpus(self) -> None:
        # The machine's own, as a load is a difference between two looks.
        (self.base / "fake_sys/stat").symlink_to("/proc/stat")
        for number in range(1 + max(int(n) for n in re.findall(r"^cpu(\d+)", Path("/proc/stat").read_text(), re.M))):
            cpu = f"cpu{number}"
            folder = self.base / "fake_sys/devices/system/cpu" / cpu
            _write(folder / "online", "1")
            for kind in ("scaling", "cpuinfo"):
                for which in ("min", "max", "cur"):
                    _write(folder / f"cpufreq/{kind}_{which}_freq", "1510400")
            _write(folder / "cpufreq/scaling_governor", "schedutil")

    def _gpu(self) -> None:
        folder = self.base / "fake_sys/class/devfreq/17000000.gpu"
        self._gpu_device = folder / "device"
        _write(self._gpu_device / "of_node/name", "gpu")
        _write(folder / "governor", "nvhost_podgov")
        for which in ("min", "max"):
            _write(folder / f"{which}_freq", "624750000")
        self.set_gpu(0.0, 306_000_000)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # At once, as the kernel's files change: the service must not read an empty one.
    new = path.with_name(f".{path.name}.new")
    new.write_text(text + ("" if text.endswith("\n") else "\n"))
    new.replace(path)


class Service:
    """A service in a process group of its own."""

    def __init__(self, command: Sequence[str], socket: Path, ready: bytes, environment: dict[str, str]) -> None:
        self.socket = str(socket)
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, **environment},
        )
        assert self._process.stderr is not None
        said = b""
        for line in self._process.stderr:
            said += line
            if ready in line:
                return
        self.close()
        raise RuntimeError(f"the service did not start:\n{said.decode(errors='replace')}")

    def tell(self, **command: Any) -> None:
        """What a stand-in is to do next; see _StandIn."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        """All of it, at once; it leaves its socket behind."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stderr is not None
        self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5.0)
        self.kill()
        self._process.stderr.close()


@contextlib.contextmanager
def stand_in(**options: Any) -> Iterator[Service]:
    """A service of the same protocol that does what it is told, and only when it is told."""
    with tempfile.TemporaryDirectory(prefix="jtop-") as folder:
        socket = Path(folder) / "jtop.sock"
        command = [sys.executable, str(Path(__file__).resolve()), "stand-in", str(socket), json.dumps(options)]
        service = Service(command, socket, b"ready", {})
        try:
            yield service
        finally:
            service.close()


def namespaces() -> tuple[str, ...] | None:
    """The command that gives a process its own mounts on this machine, or None where that is forbidden."""
    for command in (("unshare", "--mount"), ("unshare", "--map-root-user", "--mount")):
        with tempfile.TemporaryDirectory() as folder, contextlib.suppress(OSError):
            if subprocess.run([*command, "mount", "-t", "tmpfs", "none", folder], capture_output=True).returncode == 0:
                return command
    return None


@contextlib.contextmanager
def real_service(board: Board, *, own_root: bool) -> Iterator[Service]:
    """The service of jetson-stats. With own_root in a mount namespace, else with its paths rewritten."""
    base = board.base
    for folder in ("root", "run", "empty", "prefix"):
        (base / folder).mkdir(exist_ok=True)
    launcher = [sys.executable, str(Path(__file__).resolve()), "real", str(base / "prefix")]
    if own_root:
        unshare = namespaces()
        assert unshare is not None
        (base / "group").write_text(Path("/etc/group").read_text() + "jtop:x:0:\n")
        command = [*unshare, "sh", "-c", _OWN_ROOT, "sh", str(base), *launcher]
    else:
        (base / "sys/devices").mkdir(parents=True, exist_ok=True)
        if not (base / "sys/devices/virtual").exists():
            (base / "sys/devices/virtual").symlink_to(base / "virtual")
        command = [*launcher, str(base)]
    environment = {"JTOP_SERVICE": "True", "JTOP_TESTING": "True"}
    service = Service(command, base / "run/jtop.sock", STARTED, environment)
    try:
        yield service
    finally:
        service.close()
        shutil.rmtree(base / "prefix", ignore_errors=True)


class _Rewriting(SourceFileLoader):
    base = b""

    def get_code(self, fullname: str) -> Any:
        path = self.get_filename(fullname)
        source = self.get_data(path)
        for old, new in _REWRITTEN:
            source = source.replace(old, new.replace(b"%s", self.base))
        return self.source_to_code(source, path)


class _Finder(MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None, target: object = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path)
        if name.split(".", 1)[0] == "jtop" and spec is not None and spec.origin is not None:
            spec.loader = _Rewriting(name, spec.origin)
        return spec


class _StandIn:
    """The two ends that a client sees: a queue to talk, and a dictionary with an event to listen.

    Commands, one JSON object a line: publish (an update; aged by age_s, and with its stamp as before on repeat).
    """

    def __init__(self, version: str = "7.2.2", interval_s: float | None = None, first: Any = None) -> None:
        self.queue: queue.Queue[dict[str, Any]] = queue.Queue()
        self.data: dict[str, Any] = {}
        self.event = threading.Event()
        self._version = version
        self._interval_s = interval_s
        self._first = first
        self._uptime_s = 0.0

    def answer(self) -> None:
        while True:
            control = self.queue.get()
            if "init" in control:
                self.queue.put(control)
                time.sleep(0.002)
            elif "interval" in control:
                if self._first is not None:
                    # Stamps are hundredths of a second: in the one in which the client connected it would be taken
                    # for left over, and unlike the real service this one does not go on telling.
                    time.sleep(0.03)
                    self.publish(self._first)
                init = {"version": self._version, "interval": self._interval_s or control["interval"]}
                init |= {"board": {"hardware": {"Model": "Stand-in", "Serial Number": "0815", "L4T": "36.4"}}}
                self.queue.put({"init": {**init, "memory": "", "fan": {}, "jc": False}})

    def publish(self, update: dict[str, Any], age_s: float = 0.0, *, repeat: bool = False) -> None:
        if not repeat:
            before_s = self._uptime_s
            while self._uptime_s <= before_s:
                self._uptime_s = float(Path("/proc/uptime").read_text().split()[0]) - age_s
        self.data.update(update, uptime=self._uptime_s)
        self.event.set()


def _run_stand_in(socket: str, options: dict[str, Any]) -> None:
    """How: a manager with another key or none at all, one that never answers, or as it should be."""
    how = options.pop("how", "well")
    service = _StandIn(**options)

    class Manager(SyncManager):
        pass

    Manager.register("get_queue", callable=lambda: service.queue)
    Manager.register("sync_data", callable=lambda: service.data)
    Manager.register("sync_event", callable=lambda: service.event)
    # The key that jetson-stats has in its source.
    key = b"another" if how == "other key" else str(b64encode(b"Raffaello Bonghi")).encode()
    if how == "other pickle":
        listener = Listener(socket, "AF_UNIX", authkey=key)
        threading.Thread(target=_answer_from_the_future, args=(listener,), daemon=True).start()
    else:
        threading.Thread(target=Manager(socket, key).get_server().serve_forever, daemon=True).start()
    if how != "silent":
        threading.Thread(target=service.answer, daemon=True).start()
    sys.stderr.write("ready\n")
    sys.stderr.flush()
    for line in sys.stdin:
        command = json.loads(line)
        service.publish(command.pop("publish"), **command)


def _answer_from_the_future(listener: Listener) -> None:
    """In a version of pickle that no Python has yet."""
    with listener.accept() as connection:
        connection.recv_bytes()
        connection.send_bytes(b"\x80\x7fN.")
        connection.poll(None)


def _end_with_stdin() -> None:
    # Not through sys.stdin: its lock, taken here, would stop the processes that the service forks.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _run_real(prefix: str, base: str | None) -> None:
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != Path(__file__).resolve().parent]
    sys.base_prefix = prefix  # it keeps its settings in there
    if base is not None:
        _Rewriting.base = base.encode()
        sys.meta_path.insert(0, _Finder())
    from jtop.__main__ import main

    sys.argv = ["jtop", "--force"]
    main()


if __name__ == "__main__":
    if sys.argv[1] == "real":
        _run_real(sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None)
    else:
        _run_stand_in(sys.argv[2], json.loads(sys.argv[3]))
        os._exit(0)
