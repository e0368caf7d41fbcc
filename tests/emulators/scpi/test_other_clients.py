# SPDX-License-Identifier: Apache-2.0
"""The emulated instruments answer what pymeasure and python-ivi ask of them.

Questions and settings are those of pymeasure's KeysightE3644A and KeysightE3646A, HP34401A and KeysightDSOX1102G, and
of python-ivi's agilentE3600A, agilent34401A and agilentMSOX2024A.
"""

from __future__ import annotations

import pytest

from monitor_app.emulators.board.boards import TX1
from monitor_app.emulators.scpi.meters import Multimeter, Supply
from monitor_app.emulators.scpi.oscilloscope import Probe, Scope
from tests.emulators.scpi.test_scpi import ORIGIN_NS, MeterRig, Rig

COMMON = ["*IDN?", "*OPC?", "*STB?", "*ESR?", "*TST?", ":system:error?", "SYST:ERR?"]
ONE_OUTPUT = [
    "VOLT?", "CURR?", "MEAS:VOLT?", "MEAS:CURR?", "OUTP?", "VOLT:RANG?", "source:current:level?", "output?",
    "source:voltage:level?", "source:voltage:protection:level?", "source:voltage:protection:state?",
]  # fmt: skip
TWO_OUTPUTS = [
    *(f"INST:NSEL {channel};:{question}" for channel in (1, 2)
      for question in ("VOLT?", "CURR?", "MEAS:VOLT?", "MEAS:CURR?", "VOLT:RANG?")),
    ":OUTP:TRAC?", "OUTP?", ":source:current:level?", ":output:state?", ":source:voltage:protection:level?",
    ":stat:ques:inst:isum1:cond?", ":stat:ques:inst:isum2:cond?", ":measure:voltage?", ":measure:current?",
    "INST:NSEL?", "INST?",
]  # fmt: skip
MULTIMETER = [
    "MEAS:CURR:DC? DEF,DEF", ":sense:function?", "FUNC?", "curr:dc:range?", "curr:dc:range:auto?",
    "curr:dc:resolution?", "CURR:NPLC?", "ZERO:AUTO?", "INP:IMP:AUTO?", "ROUT:TERM?", "DET:BAND?", "trigger:delay?",
    "trigger:delay:auto?", "TRIG:SOUR?", "TRIG:COUN?", "SAMP:COUN?", "DISP?", "DISP:TEXT?", "SYST:BEEP:STAT?",
    "SYST:VERS?", ":read?", ":initiate;:fetch?",
]  # fmt: skip
SCOPE = [
    *(f":channel1:{name}?" for name in ("BWLimit", "COUPling", "DISPlay", "INVert", "LABel", "OFFSet", "PROBe", "RANGe",
                                        "SCALe", "impedance", "units", "probe:skew")),
    ":channel1?", ":timebase?", ":TIMebase:MODE?", ":TIMebase:POSition?", ":TIMebase:RANGe?", ":TIMebase:SCALe?",
    ":timebase:reference?", ":ACQuire:TYPE?", ":ACQuire:MODE?", ":acquire:count?", ":acquire:complete?",
    ":acquire:srate?", ":acquire:points?", ":trigger:sweep?", ":trigger:mode?", ":trigger:edge:source?",
    ":trigger:edge:level?", ":trigger:edge:slope?", ":trigger:edge:coupling?", ":trigger:holdoff?",
    ":waveform:points:mode?", ":waveform:points?", ":waveform:source?", ":waveform:format?", ":waveform:preamble?",
    ":waveform:xincrement?", ":operegister:condition?",
]  # fmt: skip
SUPPLY = [":OUTP 1", "VOLT:RANG HIGH", "VOLT:RANG P20V", "source:voltage:protection:state 1", "SYST:BEEP"]
SETTINGS = {
    "one output": SUPPLY,
    "two outputs": [":instrument:nselect 2", *SUPPLY],
    "multimeter": [":sense:function 'curr'", 'FUNC "CURR"', "curr:dc:range:auto 1", "trigger:delay 0.1", "DISP 0"],
    "scope": [":channel1:coupling DC", ":TIMebase:MODE MAIN", ":run", ":stop", ":waveform:format BYTE"],
}
QUESTIONS = {"one output": ONE_OUTPUT, "two outputs": TWO_OUTPUTS, "multimeter": MULTIMETER, "scope": SCOPE}


def rig(which: str) -> Rig:
    if which == "scope":
        scope = Rig(Scope(Probe(TX1, ORIGIN_NS, seed=1), seed=1), b"\n")
        scope.send(":TIM:RANG 0.1;:DIG CHAN1")
        scope.go(400_000_000)
        return scope
    if which == "multimeter":
        return MeterRig(lambda history: Multimeter(history, seed=1))
    return MeterRig(lambda history: Supply(history, TX1.supply_v, 1, 2 if which == "two outputs" else None))


@pytest.mark.parametrize("which", QUESTIONS)
def test_every_question_has_an_answer(which: str) -> None:
    instrument = rig(which)
    for question in [*COMMON, *QUESTIONS[which]]:
        assert instrument.ask(question, within_ns=20_000_000_000), question
    assert instrument.errors() == []


@pytest.mark.parametrize("which", SETTINGS)
def test_every_setting_is_taken(which: str) -> None:
    instrument = rig(which)
    for setting in SETTINGS[which]:
        instrument.send(setting)
        instrument.go(100_000_000)
    assert instrument.errors() == []


def test_what_was_set_is_answered_until_a_preset() -> None:
    scope = rig("scope")
    scope.send(":channel2:coupling ac")
    assert [scope.ask(f":channel{k}:coupling?") for k in (1, 2)] == ["DC", "AC"]
    scope.send("*RST")
    assert scope.ask(":channel2:coupling?") == "DC"


def test_the_board_is_at_one_of_two_outputs() -> None:
    supply = rig("two outputs")
    amperes = [float(supply.ask(f"INST:NSEL {channel};:MEAS:CURR?")) for channel in (1, 2)]
    assert amperes[0] == pytest.approx(0, abs=1e-3)
    assert amperes[1] == pytest.approx(1.3 / TX1.supply_v, abs=5e-3)
    assert "E3646A" in supply.ask("*IDN?")


def test_a_supply_with_one_output_knows_no_selection() -> None:
    supply = rig("one output")
    supply.send("INST:NSEL 1")
    supply.go(100_000_000)
    assert supply.errors() == ['-113,"Undefined header"']
