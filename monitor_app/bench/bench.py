# SPDX-License-Identifier: Apache-2.0
"""The bench: instruments, inference and session file of one profile, put together and taken apart."""

from __future__ import annotations

import os
import platform
import sys
import time
from typing import TYPE_CHECKING

from monitor_app import __version__
from monitor_app.bench.acquisition import Acquisition
from monitor_app.bench.instruments import make_instrument
from monitor_app.bench.recorder import Recorder
from monitor_app.bench.runs import RunDriver
from monitor_app.core.status import BenchPhase, BenchStatus, SourceState

if TYPE_CHECKING:
    from pathlib import Path

    from monitor_app.core.errors import MonitorError
    from monitor_app.core.profile import Profile

RATE_OVER_S = 2.0
"""Over how long the file's growth and the use of the processor are averaged."""


class Bench:
    """Records from the moment it is made until close. Raises SessionError when the file cannot be created."""

    def __init__(self, profile: Profile, profile_text: str, session: Path) -> None:
        self._profile = profile
        self._recorder = Recorder(session)
        self._recorder.put(lambda writer: writer.set_meta(_meta(profile, profile_text)))
        self._instruments = [make_instrument(spec) for spec in profile.source]
        self._acquisitions = {
            spec.name: Acquisition(number, spec.name, spec.kind, instrument.make_source, self._recorder)
            for number, (spec, instrument) in enumerate(zip(profile.source, self._instruments, strict=True), start=1)
        }
        lamp = next((i.lamp for i in self._instruments if i.lamp is not None), None)
        self._runs = RunDriver(profile, threads_for(profile), self._recorder, lamp)
        self._phase = BenchPhase.MONITORING
        self._meter = _Meter(session)
        if profile.plan is not None and profile.plan.autostart:
            self.start_runs()

    @property
    def session(self) -> Path:
        """The session file."""
        return self._recorder.path

    @property
    def failure(self) -> MonitorError | None:
        """Why the recording has ended by itself, once it has."""
        return self._recorder.failure

    @property
    def runs_active(self) -> bool:
        """The plan is being run."""
        return self._runs.active

    @property
    def cycle(self) -> int:
        """The cycle that is going on, or was last; counted from 1."""
        return self._runs.cycle

    def start_runs(self) -> None:
        """Run the plan of the profile from its first run."""
        self._runs.start()

    def stop_runs(self) -> None:
        """Cancel what is going on and what waits; the recording goes on."""
        self._runs.stop()

    def skip_run(self) -> None:
        """Cancel only the run that is going on."""
        self._runs.skip()

    def connect(self, source: str) -> None:
        """Try a source again that has failed or was disconnected; unknown names are ignored."""
        if source in self._acquisitions:
            self._acquisitions[source].connect()

    def disconnect(self, source: str) -> None:
        """Let go of a source until connect."""
        if source in self._acquisitions:
            self._acquisitions[source].disconnect()

    def add_mark(self, host_ns: int, text: str) -> None:
        """A note of the user's on the time axis."""
        self._recorder.put(lambda writer: writer.write_mark(host_ns, "note", text))

    def status(self) -> BenchStatus:
        """A snapshot."""
        runs, remaining_s = self._runs.snapshot()
        sources = tuple(acquisition.status for acquisition in self._acquisitions.values())
        file_bytes, bytes_per_s, cpu_fraction = self._meter.read()
        free_bytes = self._recorder.free_bytes
        troubles = [s.message for s in sources if s.state in {SourceState.FAILED, SourceState.LOST}]
        message = str(self.failure) if self.failure else next(iter(troubles), self._runs.message)
        phase = BenchPhase.RUNNING if self._phase is BenchPhase.MONITORING and self._runs.active else self._phase
        return BenchStatus(
            phase=phase,
            sources=sources,
            runs=runs,
            cycle=self._runs.cycle,
            cycles=self._profile.plan.cycles if self._profile.plan else 0,
            remaining_s=remaining_s,
            file_bytes=file_bytes,
            disk_free_bytes=free_bytes,
            disk_left_s=free_bytes / bytes_per_s if bytes_per_s > 0 else None,
            cpu_fraction=cpu_fraction,
            message=message,
        )

    def close(self) -> None:
        """Stop the runs, let go of the instruments, complete the file. Calling it twice is fine."""
        self._phase = BenchPhase.STOPPING
        self._runs.close()
        for acquisition in self._acquisitions.values():
            acquisition.close()
        for instrument in self._instruments:
            instrument.close()
        self._recorder.put(lambda writer: writer.set_meta({"completed_utc_ns": str(time.time_ns())}))
        self._recorder.close()
        self._phase = BenchPhase.CLOSED


def threads_for(profile: Profile) -> int:
    """Torch threads: as the profile says, or one core less than there are, which is left to the monitor."""
    return profile.inference.threads or max(len(os.sched_getaffinity(0)) - 1, 1)


def _meta(profile: Profile, profile_text: str) -> dict[str, str]:
    return {
        "program": f"monitor-app {__version__}",
        "title": profile.title,
        "profile": profile_text,
        "host": platform.node(),
        "system": platform.platform(),
        "machine": platform.machine(),
        "processor": _processor(),
        "python": sys.version.split()[0],
        "cores": str(os.cpu_count()),
        "threads": str(threads_for(profile)),
    }


def _processor() -> str:
    """The processor's name as the kernel gives it; platform.processor() is empty on Linux."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


class _Meter:
    """How fast the file grows and what share of a core this process uses, over the last seconds."""

    def __init__(self, session: Path) -> None:
        self._files = (session, session.with_name(session.name + "-wal"))
        self._before = (time.monotonic(), 0, time.process_time())
        self._bytes_per_s = self._cpu_fraction = 0.0

    def read(self) -> tuple[int, float, float]:
        """Bytes of the file, bytes a second, share of a core."""
        file_bytes = sum(path.stat().st_size for path in self._files if path.exists())
        then, bytes_then, cpu_then = self._before
        now, cpu = time.monotonic(), time.process_time()
        if now - then >= RATE_OVER_S:
            self._bytes_per_s = max(file_bytes - bytes_then, 0) / (now - then)
            self._cpu_fraction = (cpu - cpu_then) / (now - then)
            self._before = (now, file_bytes, cpu)
        return file_bytes, self._bytes_per_s, self._cpu_fraction
