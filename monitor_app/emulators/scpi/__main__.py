# SPDX-License-Identifier: Apache-2.0
"""A simulated board measured by an instrument that speaks SCPI: its supply, a multimeter, or an oscilloscope.

    python -m monitor_app.emulators.scpi --model e364x --board tx1 [--load-signal PATH] [--link PATH] ...
    python -m monitor_app.emulators.scpi --model scope [--tcp-port N] ...

prints the port, for VISA ``ASRL<port>::INSTR``, or for the oscilloscope, which is on the network, the VISA
resource itself, and runs until it is stopped. The energy log begins at the instrument's power-up.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor_app.core.errors import SourceError
from monitor_app.core.host_time import host_time_ns
from monitor_app.emulators.board.boards import BOARDS
from monitor_app.emulators.runtime.loop import StopSignals
from monitor_app.emulators.runtime.main import Emulator, EmulatorOptions, Parts, emulate, main, receive_load_signal
from monitor_app.emulators.runtime.send_queue import SendQueue
from monitor_app.emulators.scpi.device import ScpiDevice
from monitor_app.emulators.scpi.meters import INPUT_HZ, History, Multimeter, Supply
from monitor_app.emulators.scpi.oscilloscope import Probe, Scope
from monitor_app.emulators.scpi.tcp import SocketLine, serve_socket

if TYPE_CHECKING:
    import argparse

MODELS = ("e364x", "dmm", "scope")


@dataclass(frozen=True, kw_only=True)
class ScpiOptions(EmulatorOptions):
    """What to emulate, and where it is found."""

    model: str = "e364x"
    """One of MODELS."""
    channel: int | None = None
    """The output that the board is at, of a supply with two; None is a supply with one."""
    tcp_port: int = 0
    """Of the oscilloscope; 0 for any that is free."""

    def check(self) -> None:
        super().check()
        if self.model not in MODELS:
            raise SourceError(f"There is no instrument {self.model!r}; choose one of: {', '.join(MODELS)}.")
        if self.channel is not None and (self.model != "e364x" or self.channel not in {1, 2}):
            raise SourceError("Only a supply (e364x) has outputs; choose 1 or 2 with --channel.")
        if not 0 <= self.tcp_port < 2**16:
            raise SourceError(f"There is no TCP port {self.tcp_port}; choose 0 to 65535 with --tcp-port.")
        if self.model != "scope":
            return
        for name, given in (("link", self.link), ("energy-log", self.energy_log), ("fault", self.faults)):
            if given:
                raise SourceError(f"The oscilloscope is on the network and has no --{name}; leave it out.")


def run(options: ScpiOptions) -> int:
    """Print the port and emulate until stopped; the exit code is 0.

    Raises:
        MonitorError: an option cannot be used.
    """
    options.check()
    if options.model == "scope":
        return _run_scope(options)

    def make(parts: Parts) -> ScpiDevice:
        history = History(parts.sampler, parts.energy_log)
        instrument = (
            Supply(history, BOARDS[options.board].supply_v, options.seed, options.channel)
            if options.model == "e364x"
            else Multimeter(history, options.seed)
        )
        return ScpiDevice(instrument, parts.queue, b"\r\n")

    return emulate(options, make, rate_hz=INPUT_HZ, channels=())


def _run_scope(options: ScpiOptions) -> int:
    with ExitStack() as stack:
        stop = stack.enter_context(closing(StopSignals(options.until_stdin_closes)))
        load_signal = receive_load_signal(stack, options.load_signal)
        line = stack.enter_context(closing(SocketLine(options.tcp_port)))
        probe = Probe(BOARDS[options.board], host_time_ns(), options.seed)
        queue = SendQueue()
        device = ScpiDevice(Scope(probe, options.seed, options.clock_ppm), queue, b"\n")
        sys.stdout.write(line.resource + "\n")
        sys.stdout.flush()
        serve_socket(device, queue, line, probe, load_signal, stop)
    return 0


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", default=ScpiOptions.model, help=f"one of: {', '.join(MODELS)}")
    parser.add_argument("--channel", type=int, metavar="N", help="output of the supply that feeds the board")
    parser.add_argument("--tcp-port", type=int, default=ScpiOptions.tcp_port, metavar="N", help="of the oscilloscope")


EMULATOR = Emulator(
    "scpi",
    "Emulate a simulated board measured by its supply, a multimeter or an oscilloscope that speaks SCPI.",
    ScpiOptions,
    _add_options,
    run,
)

if __name__ == "__main__":
    sys.exit(main(EMULATOR))
