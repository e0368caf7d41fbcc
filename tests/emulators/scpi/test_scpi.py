# SPDX-License-Identifier: Apache-2.0
"""Instruments that speak SCPI: in simulated time, and once each through VISA."""

from __future__ import annotations

import itertools
import json
import socket
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest
import pyvisa
from hypothesis import given
from hypothesis import strategies as st

from monitor_app.core.errors import PortError, SourceError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.load_signal import LoadSignal
from monitor_app.emulators.board.boards import TX1
from monitor_app.emulators.board.energy_log import EnergyLog
from monitor_app.emulators.board.load_signal import LevelChange
from monitor_app.emulators.board.sampler import SampleClock, Sampler
from monitor_app.emulators.runtime.main import main
from monitor_app.emulators.runtime.send_queue import SendQueue
from monitor_app.emulators.scpi.__main__ import EMULATOR, ScpiOptions, run
from monitor_app.emulators.scpi.device import MS, ScpiDevice
from monitor_app.emulators.scpi.language import ScpiError, compile_header, parse
from monitor_app.emulators.scpi.meters import INPUT_HZ, History, Multimeter, Supply
from monitor_app.emulators.scpi.oscilloscope import Probe, Scope
from monitor_app.emulators.scpi.tcp import SocketLine

ORIGIN_NS = 5_000_000_000
S = 1_000 * MS
BUSY_W = 13.1


class Rig:
    """A device on a clock that stands still until it is told to go on."""

    def __init__(self, instrument, ending) -> None:
        self.now_ns = ORIGIN_NS
        self.queue = SendQueue(1_000_000)
        self.device = ScpiDevice(instrument, self.queue, ending)
        self.ending = ending

    def send(self, message: str, end: bytes = b"\n") -> None:
        self.device.receive(message.encode() + end, self.now_ns)

    def go(self, ns: int) -> None:
        """Let time pass as the process does: from one deadline to the next."""
        end_ns = self.now_ns + ns
        while (due_ns := self.device.due_ns()) is not None and due_ns <= end_ns:
            self.now_ns = max(due_ns, self.now_ns)
            self.device.tick(self.now_ns)
        self.now_ns = end_ns
        self.device.tick(end_ns)

    def answers(self) -> bytes:
        sent = bytearray()

        def write(data: bytes) -> int:
            sent.extend(data)
            return len(data)

        self.queue.flush(write)
        return bytes(sent)

    def ask(self, message: str, within_ns: int = 10 * S) -> str:
        """The answer, and `took_ns` until it came."""
        return self.ask_bytes(message, within_ns).decode("ascii")

    def ask_bytes(self, message: str, within_ns: int = 10 * S) -> bytes:
        self.send(message)
        start_ns = self.now_ns
        while not (answer := self.answers()):
            assert self.now_ns - start_ns < within_ns, message
            self.go(1 * MS)
        self.took_ns = self.now_ns - start_ns
        assert answer.endswith(self.ending)
        return answer.removesuffix(self.ending)

    def errors(self) -> list[str]:
        """All that are in the queue."""
        errors = []
        while (error := self.ask("SYST:ERR?")) != '+0,"No error"':
            errors.append(error)
        return errors


class MeterRig(Rig):
    def __init__(self, make, energy_log=None) -> None:
        clock = SampleClock(ORIGIN_NS, INPUT_HZ)
        self.energy_log = EnergyLog(energy_log, INPUT_HZ)
        self.sampler = Sampler(TX1, clock, seed=1, channels=())
        super().__init__(make(History(self.sampler, self.energy_log)), b"\r\n")
        self.send("SYST:REM")
        self.go(500 * MS)

    def busy(self, at_ns: int, busy: bool) -> None:
        self.sampler.change([LevelChange(ORIGIN_NS + at_ns, busy)], self.now_ns)


@pytest.fixture
def supply():
    return MeterRig(lambda history: Supply(history, TX1.supply_v, seed=1))


@pytest.fixture
def dmm():
    return MeterRig(lambda history: Multimeter(history, seed=1))


@pytest.fixture
def probe():
    return Probe(TX1, ORIGIN_NS, seed=1)


@pytest.fixture
def scope(probe):
    return Rig(Scope(probe, seed=1), b"\n")


# The language.


@pytest.mark.parametrize(
    ("form", "header", "matches"),
    [
        ("MEASure[:SCALar]:CURRent[:DC]?", "MEAS:CURR?", True),
        ("MEASure[:SCALar]:CURRent[:DC]?", "MEASURE:SCALAR:CURRENT:DC?", True),
        ("MEASure[:SCALar]:CURRent[:DC]?", "MEAS:SCAL:CURR?", True),
        ("MEASure[:SCALar]:CURRent[:DC]?", "MEASU:CURR?", False),
        ("MEASure[:SCALar]:CURRent[:DC]?", "MEAS:CURR", False),
        ("MEASure[:SCALar]:CURRent[:DC]?", "MEAS:DC?", False),
        ("CHANnel#:SCALe", "CHAN2:SCAL", True),
        ("CHANnel#:SCALe", "CHANNEL:SCALE", True),
        ("CHANnel#:SCALe", "CHAN2:SCAL?", False),
        ("*IDN?", "*IDN?", True),
        ("*IDN?", "IDN?", False),
    ],
)
def test_headers_in_long_and_short_form(form, header, matches):
    assert (compile_header(form).fullmatch(header) is not None) == matches


@pytest.mark.parametrize(
    ("message", "units"),
    [
        ("*idn?", [("*IDN?", ())]),
        ("meas:volt?;curr?", [("MEAS:VOLT?", ()), ("MEAS:CURR?", ())]),
        ("meas:volt?;:outp on", [("MEAS:VOLT?", ()), ("OUTP", ("on",))]),
        (":WAV:FORM WORD;*OPC?;POIN 10", [("WAV:FORM", ("WORD",)), ("*OPC?", ()), ("WAV:POIN", ("10",))]),
        ("APPL 5.0 , 1.0", [("APPL", ("5.0", "1.0"))]),
        ('DISP:TEXT "a;b,c"', [("DISP:TEXT", ('"a;b,c"',))]),
        (" ; ", []),
    ],
)
def test_messages_of_several_commands(message, units):
    assert [(unit.header, unit.arguments) for unit in parse(message)] == units


def test_what_is_no_command_is_a_syntax_error():
    with pytest.raises(ScpiError) as caught:
        list(parse("1+1"))
    assert caught.value.number == -102


# The supply.


def test_the_supply_says_who_it_is_and_that_it_is_emulated(supply):
    manufacturer, model, serial_number, firmware = supply.ask("*IDN?").split(",")
    assert (manufacturer, model, serial_number) == ("Agilent Technologies", "E3644A", "SIM-1")
    assert "EMULATED" in firmware


def test_the_supply_measures_what_the_board_draws(supply):
    volts = float(supply.ask("MEAS:VOLT?"))
    assert 100 * MS <= supply.took_ns <= 200 * MS
    amperes = float(supply.ask("MEASure:SCALar:CURRent:DC?"))
    assert volts == pytest.approx(19.0, abs=0.01)
    assert volts * amperes == pytest.approx(1.30, rel=0.01)
    supply.busy(1 * S, True)
    supply.go(1 * S)
    assert volts * float(supply.ask("MEAS:CURR?")) == pytest.approx(BUSY_W, rel=0.03)


def test_a_measurement_is_the_mean_over_its_time(supply):
    """The board becomes busy in the middle of it."""
    supply.go(1_425 * MS - (supply.now_ns - ORIGIN_NS))
    supply.busy(1_500 * MS, True)
    amperes = float(supply.ask("MEAS:CURR?"))
    # 100 ms, of which 50 are idle; in the others the load rises with 40 ms.
    load = 0.5 - 0.4 * (1 - np.exp(-50 / 40))
    assert amperes * 19.0 == pytest.approx(1.30 + 11.8 * load, rel=0.06)


def test_answers_come_in_order_and_one_line_a_message(supply):
    supply.send("MEAS:VOLT?;CURR?")
    supply.send("OUTP?")
    supply.go(1 * S)
    first, second, rest = supply.answers().split(b"\r\n")
    assert [float(value) for value in first.split(b";")] == pytest.approx([19.0, 0.0684], abs=0.01)
    assert (second, rest) == (b"1", b"")


def test_settings_can_be_asked_for_but_not_changed(supply):
    assert [supply.ask(f"{header}?") for header in ("VOLT", "SOUR:VOLT", "CURR:LEV:IMM:AMPL", "APPL")] == [
        "+1.90000000E+01", "+1.90000000E+01", "+4.00000000E+00", '"19.00000,4.00000"',
    ]  # fmt: skip
    supply.send("VOLT 5.0")
    supply.send("APPL 5.0, 1.0")
    assert supply.errors() == 2 * ['-221,"Settings conflict"']


def test_without_output_there_is_nothing_to_measure_and_no_energy(tmp_path):
    path = tmp_path / "energy-log"
    rig = MeterRig(lambda history: Supply(history, TX1.supply_v, seed=1), energy_log=path)
    rig.go(500 * MS)
    rig.send("OUTP OFF")
    rig.go(1 * S)
    assert [float(value) for value in rig.ask("MEAS:VOLT?;CURR?").split(";")] == pytest.approx([0.0, 0.0], abs=2e-3)
    rig.energy_log.close()
    last = json.loads(path.read_text().splitlines()[-1])
    # On for 1 s and a little, until the command was obeyed.
    assert last["energy_j"] == pytest.approx(1.30 * 1.05, rel=0.01)


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("FOO", '-113,"Undefined header"'),
        ("MEAS:VOLT", '-113,"Undefined header"'),
        ("OUTP", '-109,"Missing parameter"'),
        ("OUTP ON,1", '-108,"Parameter not allowed"'),
        ("OUTP 5", '-224,"Illegal parameter value"'),
        ("!", '-102,"Syntax error"'),
    ],
)
def test_mistakes_go_into_the_error_queue(supply, message, error):
    supply.send(message)
    assert supply.errors() == [error]


def test_the_error_queue_is_first_in_first_out_and_holds_twenty(supply):
    supply.send("OUTP")
    for _ in range(25):
        supply.send("FOO")
    errors = supply.errors()
    assert (len(errors), errors[0], errors[-1]) == (20, '-109,"Missing parameter"', '-350,"Too many errors"')
    supply.send("FOO")
    supply.send("*CLS")
    assert supply.errors() == []


def test_a_command_after_a_mistake_in_the_same_message_is_not_obeyed(supply):
    supply.send("FOO;:OUTP OFF")
    assert supply.ask("OUTP?") == "1"


def test_before_it_is_remote_it_only_says_who_it_is(supply):
    supply.send("SYST:LOC")
    assert supply.ask("*IDN?").startswith("Agilent")
    supply.send("MEAS:VOLT?")
    assert supply.errors() == ['+550,"Command not allowed in local"']


def test_power_up_makes_it_local_again_with_its_output_on(supply):
    supply.send("OUTP OFF")
    supply.send("FOO")
    supply.send("MEAS:VOLT?")
    supply.go(100 * MS)
    supply.device.reset(supply.now_ns)
    supply.send("OUTP?")
    assert supply.errors() == ['+550,"Command not allowed in local"']
    supply.send("SYST:REM")
    assert supply.ask("OUTP?") == "1"
    assert float(supply.ask("MEAS:VOLT?")) == pytest.approx(19.0, abs=0.01)


def test_a_device_clear_ends_what_was_being_done(supply):
    supply.send("MEAS:VOLT?")
    supply.send("MEAS:VO\x03*IDN?")
    supply.go(1 * S)
    assert supply.answers().count(b"\r\n") == 1


@given(cuts=st.sets(st.integers(1, 40)))
def test_messages_may_come_in_any_pieces(cuts):
    rig = MeterRig(lambda history: Supply(history, TX1.supply_v, seed=1))
    stream = b"OUTP?\r\n\r\n*TST?;:OUTP?\nVOLT:RANG?\nSYST:VERS?\n"
    at = [0, *sorted(cuts), len(stream)]
    for start, end in itertools.pairwise(at):
        rig.device.receive(stream[start:end], rig.now_ns)
    rig.go(1 * S)
    assert rig.answers() == b"1\r\n+0;1\r\nP20V\r\n1997.0\r\n"


# The multimeter.


def test_the_multimeter_measures_the_current(dmm):
    assert "EMULATED" in dmm.ask("*IDN?")
    amperes = float(dmm.ask("MEAS:CURR:DC? 3,1e-5"))
    assert amperes == pytest.approx(1.30 / 19.0, rel=0.003)
    # Ten cycles of the mains, and as many for the zero.
    assert dmm.took_ns == pytest.approx(410 * MS, abs=10 * MS)
    assert dmm.ask("FETC?") == f"{amperes:+.8E}"


def test_shorter_integration_answers_sooner(dmm):
    dmm.send("CONF:CURR:DC AUTO,DEF")
    dmm.send("SENS:CURR:DC:NPLC 1")
    assert float(dmm.ask("CURR:NPLC?")) == 1
    assert float(dmm.ask("READ?")) == pytest.approx(1.30 / 19.0, rel=0.01)
    assert dmm.took_ns == pytest.approx(50 * MS, abs=10 * MS)
    dmm.send("CURR:NPLC 0.02")
    assert float(dmm.ask("READ?")) == pytest.approx(1.30 / 19.0, rel=0.1)
    dmm.send("INIT")
    assert float(dmm.ask("FETC?")) == pytest.approx(1.30 / 19.0, rel=0.1)
    assert dmm.errors() == []


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("CONF:CURR:DC 10", '-222,"Data out of range"'),
        ("CONF:CURR:DC x", '-121,"Invalid character in number"'),
        ("CURR:NPLC 3", '-224,"Illegal parameter value"'),
        ("FETC?", '-230,"Data corrupt or stale"'),
        ("SAMP:COUN 10", '-222,"Data out of range"'),
    ],
)
def test_the_multimeter_refuses(dmm, message, error):
    dmm.send(message)
    assert dmm.errors() == [error]


# The oscilloscope.


def preamble(rig: Rig) -> list[float]:
    """Format, type, points, count, xincrement, xorigin, xreference, yincrement, yorigin, yreference."""
    return [float(field) for field in rig.ask(":WAV:PRE?").split(",")]


def waveform(rig: Rig, dtype: str) -> np.ndarray:
    answer = rig.ask_bytes(":WAV:DATA?")
    assert answer[:2] == b"#8"
    size = int(answer[2:10])
    assert len(answer) == 10 + size
    return np.frombuffer(answer[10:], dtype)


def volts(rig: Rig, dtype: str) -> np.ndarray:
    *_, step, origin, reference = preamble(rig)
    return (waveform(rig, dtype).astype(float) - reference) * step + origin


def take(rig: Rig, *settings: str) -> None:
    set_up(rig, *settings)
    digitize(rig)


def set_up(rig: Rig, *settings: str) -> None:
    for setting in settings:
        rig.send(setting)
    assert rig.ask("*OPC?") == "1"


def digitize(rig: Rig) -> None:
    """A record that begins now."""
    rig.send(":DIG CHAN1")
    assert rig.ask("*OPC?") == "1"


@pytest.mark.parametrize(
    ("settings", "dtype"),
    [
        (("FORM WORD",), ">u2"),
        (("FORM WORD", "BYT LSBF"), "<u2"),
        (("FORM WORD", "UNS 0"), ">i2"),
        (("FORM BYTE",), "u1"),
        (("FORM BYTE", "UNS OFF"), "i1"),
    ],
)
def test_every_form_of_the_data_is_scaled_by_its_preamble(scope, settings, dtype):
    take(scope, ":TIM:RANG 0.1", ":WAV:POIN MAX", *(f":WAV:{setting}" for setting in settings))
    measured = volts(scope, dtype)
    assert len(measured) == 100_000
    assert measured.mean() * 10 * 19.0 == pytest.approx(1.30, rel=0.01)
    assert scope.errors() == []


def test_the_preamble_is_that_of_the_manual(scope):
    take(scope, ":TIM:RANG 2", ":CHAN1:SCAL 0.02", ":WAV:POIN 100000", ":WAV:FORM WORD")
    assert scope.took_ns == pytest.approx(2 * S, abs=100 * MS)
    step, left = 2.0 / 100_000, -1.0
    assert preamble(scope) == [1, 0, 100_000, 1, step, left, 0, 0.16 / 65_536, 0.0, 32_768]
    assert float(scope.ask(":WAV:XINC?")) == step
    assert float(scope.ask(":WAV:YREF?")) == 32_768
    assert scope.ask(":WAV:POIN?") == "+100000"
    assert float(scope.ask(":ACQ:SRAT?")) == 50_000


def test_inferences_show_at_their_times(scope, probe):
    set_up(scope, ":TIM:RANG 2", ":WAV:POIN MAX", ":WAV:FORM WORD")
    probe.change([LevelChange(scope.now_ns + ns, busy) for ns, busy in ((500 * MS, True), (1_200 * MS, False))])
    digitize(scope)
    watts = volts(scope, ">u2") * 10 * 19.0
    times_s = np.arange(len(watts)) * 20e-6
    assert times_s[np.argmax(watts > 1.30 + 11.8 * (1 - np.exp(-1)))] == pytest.approx(0.54, abs=0.005)
    assert watts[times_s < 0.5].mean() == pytest.approx(1.30, rel=0.01)
    assert watts[(times_s > 0.8) & (times_s < 1.19)].mean() == pytest.approx(BUSY_W, rel=0.03)
    assert watts[times_s > 1.6].mean() == pytest.approx(1.30, rel=0.01)


def test_records_follow_each_other(scope, probe):
    take(scope, ":TIM:RANG 0.1", ":WAV:POIN MAX", ":WAV:FORM WORD")
    idle = volts(scope, ">u2").mean()
    probe.change([LevelChange(scope.now_ns + 1 * MS, True)])
    scope.go(1 * S)
    take(scope)
    assert volts(scope, ">u2").mean() == pytest.approx(idle * BUSY_W / 1.30, rel=0.05)


def test_fewer_points_are_picked_evenly(scope):
    take(scope, ":TIM:RANG 1", ":WAV:FORM WORD", ":WAV:POIN MAX")
    all_of_them = waveform(scope, ">u2")
    scope.send(":WAV:POIN 250")
    assert preamble(scope)[2:6] == [250, 1, 1 / 250, -0.5]
    assert waveform(scope, ">u2").tolist() == all_of_them[::400].tolist()


def test_high_resolution_has_finer_steps_and_less_noise(scope):
    take(scope, ":TIM:RANG 0.1", ":WAV:FORM WORD", ":WAV:POIN MAX")
    assert set(np.diff(np.unique(waveform(scope, ">u2").astype(int)))) == {256}
    take(scope, ":ACQ:TYPE HRES")
    assert np.diff(np.unique(waveform(scope, ">u2").astype(int))).min() == 16
    assert preamble(scope)[1] == 3


def test_what_is_off_the_screen_is_cut(scope):
    take(scope, ":TIM:RANG 0.01", ":CHAN1:OFFS 1", ":WAV:FORM BYTE", ":WAV:POIN 100")
    assert set(waveform(scope, "u1")) == {1}
    take(scope, ":CHAN1:OFFS -1")
    assert set(waveform(scope, "u1")) == {255}


def test_a_single_record_is_waited_for(scope):
    scope.send(":TIM:RANG 0.5")
    scope.send(":SING")
    assert scope.ask(":OPER:COND?") == "+8"
    scope.go(600 * MS)
    assert scope.ask(":OPER:COND?") == "+0"
    assert preamble(scope)[2] == 1_000


def test_there_is_nothing_before_a_record(scope):
    scope.send(":WAV:PRE?")
    scope.send(":WAV:SOUR CHAN2")
    scope.send(":DIG")
    scope.send(":WAV:DATA?")
    scope.go(100 * MS)
    assert scope.errors() == 2 * ['-230,"Data corrupt or stale"']


@pytest.mark.parametrize(
    ("setting", "query", "value"),
    [
        (":TIM:SCAL 1E-3", ":TIM:RANG?", "+1.00000000E-02"),
        (":CHANNEL1:SCALE 0.5V", ":CHAN1:RANG?", "+4.00000000E+00"),
        (":WAV:FORM word", ":WAV:FORM?", "WORD"),
        (":WAV:SOURce CHANnel1", ":WAV:SOUR?", "CHAN1"),
        (":WAV:UNS OFF", ":WAV:UNS?", "0"),
        (":WAV:POIN:MODE RAW", ":WAV:POIN:MODE?", "RAW"),
        (":ACQ:TYPE HRESolution", ":ACQ:TYPE?", "HRES"),
        (":CHAN2:SCAL 1", ":CHAN1:SCAL?", "+2.00000000E-02"),
        ("*RST", ":CHAN1:SCAL?", "+5.00000000E+00"),
    ],
)
def test_settings_are_told_as_they_were_set(scope, setting, query, value):
    scope.send(setting)
    assert scope.ask(query) == value
    assert scope.errors() == []


# The processes, through VISA.


@contextmanager
def emulated(*arguments: object):
    """What a running emulator prints first."""
    command = [sys.executable, "-m", "monitor_app.emulators.scpi", "--until-stdin-closes", *map(str, arguments)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield process.stdout.readline().decode().strip()
    finally:
        process.stdin.close()
        assert process.wait() == 0
        process.stdout.close()


@contextmanager
def visa(resource: str, **options: object):
    manager = pyvisa.ResourceManager("@py")
    try:
        instrument = manager.open_resource(resource, timeout=10_000, write_termination="\n", **options)
        try:
            yield instrument
        finally:
            instrument.close()
    finally:
        manager.close()


def test_the_supply_through_visa(tmp_path):
    lamp_path = tmp_path / "lamp"
    with emulated("--load-signal", lamp_path, "--seed", 5) as port:
        load_signal = LoadSignal(lamp_path)
        with visa(f"ASRL{port}::INSTR", baud_rate=9600, read_termination="\r\n") as instrument:
            instrument.stop_bits = pyvisa.constants.StopBits.two
            assert instrument.query("*IDN?") == "Agilent Technologies,E3644A,SIM-5,1.7-5.0-1.0 EMULATED"
            instrument.write("SYST:REM")
            volts, amperes = (float(value) for value in instrument.query("MEAS:VOLT?;CURR?").split(";"))
            assert volts * amperes == pytest.approx(1.30, rel=0.01)
            load_signal.set(True, host_time_ns())
            load_signal.close()
            while float(instrument.query("MEAS:CURR?")) * volts < 0.97 * BUSY_W:
                pass
            assert instrument.query("SYST:ERR?") == '+0,"No error"'


def test_the_multimeter_through_visa():
    with emulated("--model", "dmm") as port, visa(f"ASRL{port}::INSTR", read_termination="\r\n") as instrument:
        instrument.write("SYST:REM")
        assert float(instrument.query("MEAS:CURR:DC?")) == pytest.approx(1.30 / 19.0, rel=0.005)


def test_the_oscilloscope_through_visa():
    with emulated("--model", "scope") as resource:
        for _ in range(2):
            with visa(resource, read_termination="\n") as instrument:
                assert instrument.query("*IDN?").startswith("AGILENT TECHNOLOGIES,MSO-X 2024A,SIM-1,")
                instrument.write(":TIM:RANG 0.2;:WAV:FORM WORD;POIN MAX;:DIG CHAN1")
                fields = [float(field) for field in instrument.query(":WAV:PRE?").split(",")]
                codes = instrument.query_binary_values(
                    ":WAV:DATA?", datatype="H", is_big_endian=True, container=np.array
                )
                assert len(codes) == fields[2] == 100_000
                mean_v = ((codes - fields[9]) * fields[7] + fields[8]).mean()
                assert mean_v * 10 * 19.0 == pytest.approx(1.30, rel=0.01)


def test_a_client_that_leaves_in_the_middle_leaves_nothing_to_the_next():
    with emulated("--model", "scope") as resource:
        port = int(resource.split("::")[2])
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b":TIM:RANG 100;:DIG CHAN1;:WAV:DATA?\n*ID")
        with socket.create_connection(("127.0.0.1", port), timeout=20.0) as client:
            client.sendall(b"*OPC?\n")
            assert client.recv(100) == b"1\n"


# What cannot be.


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (ScpiOptions(model="x"), "choose one of: e364x, dmm, scope"),
        (ScpiOptions(model="scope", faults=("reset@1",)), "no --fault"),
        (ScpiOptions(model="scope", link="here"), "no --link"),
        (ScpiOptions(model="scope", energy_log="here"), "no --energy-log"),
        (ScpiOptions(model="scope", tcp_port=70_000), "0 to 65535 with --tcp-port"),
        (ScpiOptions(faults=("fire@1",)), "fire@1"),
    ],
)
def test_an_option_that_cannot_be_used_is_one_sentence(options, says):
    with pytest.raises(SourceError, match=says):
        run(options)


def test_a_port_that_is_taken_is_one_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortError, match=rf"TCP port {port} cannot be used .*--tcp-port"):
            SocketLine(port)


def test_the_command_line_says_it_too(capsys):
    assert main(EMULATOR, ["--model", "x"]) == 1
    assert capsys.readouterr().err.startswith("There is no instrument 'x'")
