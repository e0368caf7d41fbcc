# SPDX-License-Identifier: Apache-2.0
"""A profile that cannot be used is refused in one sentence: file, line, key, what is allowed there."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor_app.core.errors import ProfileError
from monitor_app.core.package_data import profile_names, profile_path
from monitor_app.core.profile import Inference, Plan, Profile, planned_runs
from monitor_app.core.runs import RunSpec
from monitor_app.core.samples import Role
from monitor_app.sources.profile_reader import load_profile, parse_profile
from monitor_app.sources.profile_writer import profile_text

GOOD = """\
title = "Bench"
description = "two meters"

[[source]]
kind = "shunt"
name = "board"
port = "/dev/ttyACM0"

[source.roles]
power = "total"

[[source]]
kind = "shunt"
name = "gpu"
emulate = "tx1"
seed = 7
clock_ppm = -40.5

[source.roles]
power = "gpu"

[inference]
threads = 2

[protocol]
timed_s = 3

[plan]
networks = ["resnet18", "squeezenet1_1"]
batch_sizes = [1, 8]
cycles = 0
images = "demo"
"""


def refusal(text: str) -> str:
    with pytest.raises(ProfileError) as caught:
        parse_profile(text, "bench.toml")
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert sentence.startswith("bench.toml")
    return sentence


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_a_good_profile_says_what_it_says():
    profile = parse_profile(GOOD, "bench.toml")
    board, gpu = profile.source
    assert (board.port, board.emulate, board.roles) == ("/dev/ttyACM0", None, {"power": Role.TOTAL})
    assert (gpu.port, gpu.emulate, gpu.seed, gpu.clock_ppm, gpu.roles) == (None, "tx1", 7, -40.5, {"power": Role.GPU})
    assert profile.inference.threads == 2
    assert profile.protocol.timed_s == pytest.approx(3)
    assert profile.plan is not None
    assert profile.plan.images == "demo"


def test_the_runs_of_a_cycle_are_each_batch_size_of_each_network_in_order():
    assert parse_profile(GOOD, "bench.toml").run_specs(threads=3) == [
        RunSpec(network, size, "fp32", "cpu", 3) for network in ("resnet18", "squeezenet1_1") for size in (1, 8)
    ]


def test_without_a_plan_there_are_no_runs():
    assert parse_profile('title = "only watch"\n', "bench.toml").run_specs(threads=1) == []


@pytest.mark.parametrize(
    ("old", "new", "near"),
    [
        ("title =", "titel =", "title"),
        ("port =", "prot =", "port"),
        ("clock_ppm", "clock_pmm", "clock_ppm"),
        ("threads", "thread", "threads"),
        ("timed_s", "timed", "timed_s"),
        ("batch_sizes", "batchsizes", "batch_sizes"),
        ("[plan]", "[plann]", "plan"),
        ("[inference]", "[inferense]", "inference"),
    ],
)
def test_an_unknown_key_is_named_with_its_line_and_the_nearest_one_that_exists(old, new, near):
    text = changed(old, new)
    sentence = refusal(text)
    assert sentence.startswith(f"bench.toml, line {line_of(text, new)}: unknown key")
    assert new.strip("[]= ") in sentence
    assert f"did you mean {near}?" in sentence
    assert "Allowed here: " in sentence


def test_an_unknown_key_unlike_any_other_lists_what_is_allowed():
    sentence = refusal(changed("threads = 2", "zzz = 2"))
    assert "did you mean" not in sentence
    assert "Allowed here: device, back_end, precision, threads, channels_last, compiled, allocator," in sentence


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("clock_ppm = -40.5", "clock_ppm = -4000"),
        ("clock_ppm = -40.5", "clock_ppm = nan"),
        ("clock_ppm = -40.5", 'clock_ppm = "fast"'),
        ("seed = 7", "seed = -1"),
        ("seed = 7", "seed = 4294967296"),
        ("threads = 2", "threads = -2"),
        ("threads = 2", "threads = 1.5"),
        ("timed_s = 3", "timed_s = 0"),
        ("timed_s = 3", "timed_s = inf"),
        ("timed_s = 3", "timed_s = nan"),
        ("cycles = 0", "cycles = -1"),
        ("batch_sizes = [1, 8]", "batch_sizes = [1, 0]"),
        ("batch_sizes = [1, 8]", "batch_sizes = []"),
        ("batch_sizes = [1, 8]", "batch_sizes = [65537]"),
        ('networks = ["resnet18", "squeezenet1_1"]', "networks = []"),
        ('networks = ["resnet18", "squeezenet1_1"]', 'networks = "resnet18"'),
        ('power = "gpu"', 'power = "gpuu"'),
        ('power = "total"', 'power = "totl"'),
        ('emulate = "tx1"', 'emulate = "tx9"'),
        ('port = "/dev/ttyACM0"', 'port = ""'),
    ],
)
def test_a_wrong_value_is_refused_with_its_line_and_key_and_what_was_given(old, new):
    text = changed(old, new)
    sentence = refusal(text)
    assert sentence.startswith(f"bench.toml, line {line_of(text, new)}: ")
    key, _, value = new.partition(" = ")
    assert key in sentence
    if not value.startswith("["):
        assert value.strip('"') in sentence


def test_a_wrong_unit_of_measure_lists_those_that_are_right():
    assert "'total', 'gpu', 'cpu' or 'other'" in refusal(changed('power = "gpu"', 'power = "watts"'))


def test_a_wrong_kind_says_which_kinds_there_are():
    text = GOOD.replace('kind = "shunt"', 'kind = "shnt"', 1)
    sentence = refusal(text)
    assert sentence.startswith(f"bench.toml, line {line_of(text, 'shnt')}: source.0.kind")
    assert "the kinds are: shunt, powersensor3, ppk2, lines, scpi, scope, jetson-rails, jtop, nvml" in sentence


def test_a_source_without_a_kind_is_told_which_there_are():
    assert "source.0.kind: missing; the kinds are: shunt, " in refusal('title = "x"\n[[source]]\nport = "/dev/x"\n')


def test_a_missing_key_is_named_with_the_table_it_is_missing_from():
    text = changed('networks = ["resnet18", "squeezenet1_1"]\n', "")
    assert refusal(text) == f"bench.toml, line {line_of(text, '[plan]')}: plan.networks: field required."
    assert refusal("") == "bench.toml: title: field required."


def test_port_and_emulate_exclude_each_other():
    first = line_of(GOOD, "[[source]]")
    both = refusal(changed('port = "/dev/ttyACM0"', 'port = "/dev/ttyACM0"\nemulate = "tx1"'))
    assert both.startswith(f"bench.toml, line {first}: source.0: give only one of port and emulate")


def test_a_serial_instrument_that_is_named_no_port_is_looked_for():
    board = parse_profile(changed('port = "/dev/ttyACM0"\n', ""), "bench.toml").source[0]
    assert (board.port, board.emulate) == (None, None)


def test_keys_of_another_kind_are_unknown_and_those_of_this_one_are_listed():
    text = changed('kind = "shunt"\nname = "board"', 'kind = "ppk2"\nname = "board"\nrate_hz = 5')
    sentence = refusal(text)
    assert "Allowed here: kind, name, " in sentence
    assert "port, serial_number" in sentence
    assert "mode, supply_v" in sentence


def test_an_unknown_key_of_a_column_is_told_the_keys_of_a_column():
    text = 'title = "x"\n[[source]]\nkind = "lines"\nformat = "csv"\n[[source.columns]]\nname = "current"\nunit = "A"\n'
    assert "Allowed here: name, field, quantity, scale, offset." in refusal(text)


def test_the_second_of_two_sources_is_told_from_the_first():
    text = changed("seed = 7", "sede = 7")
    assert refusal(text).startswith(f"bench.toml, line {line_of(text, 'sede')}: unknown key source.1.sede")


def test_two_sources_of_one_name_are_refused():
    sentence = refusal(changed('name = "gpu"', 'name = "board"'))
    assert "two sources have the same name" in sentence


@pytest.mark.parametrize("text", ["title = \n", "title = 'x", "[plan\n", "a = 1\na = 2\n", "just words"])
def test_what_is_not_toml_is_refused_with_the_place(text):
    sentence = refusal(text)
    assert sentence.startswith("bench.toml is not valid TOML: ")
    assert "line" in sentence or "end of document" in sentence


def test_a_table_that_is_a_value_is_refused():
    assert refusal('title = "x"\nplan = 3\n').startswith("bench.toml, line 2: plan: ")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ProfileError, match=r"There is no profile .*nothing\.toml: check the name"):
        load_profile(tmp_path / "nothing.toml")


def test_what_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ProfileError, match="cannot be read"):
        load_profile(tmp_path)
    latin1 = tmp_path / "latin1.toml"
    latin1.write_bytes('title = "Müller"\n'.encode("latin-1"))
    with pytest.raises(ProfileError, match=r"latin1\.toml cannot be read"):
        load_profile(latin1)


def test_a_file_that_is_too_long_for_a_profile_is_refused_before_all_of_it_is_read(tmp_path):
    """A table of samples, for example, which the sheet New would else show in its editor."""
    table = tmp_path / "view.csv"
    with table.open("w") as file:
        file.write("time_s,power_W\n")
        file.truncate(1 << 40)
    with pytest.raises(ProfileError, match=r"view\.csv is longer than a profile"):
        load_profile(table)


def test_a_file_is_loaded_and_its_errors_carry_its_path(tmp_path):
    path = tmp_path / "bench.toml"
    path.write_text(GOOD, encoding="utf-8")
    assert isinstance(load_profile(path), Profile)
    path.write_text("titel = 'x'\n", encoding="utf-8")
    with pytest.raises(ProfileError) as caught:
        load_profile(path)
    assert str(caught.value).startswith(f"{path}, line 1: ")


@pytest.mark.parametrize("name", profile_names())
def test_the_profiles_that_come_with_the_program_load(name):
    profile = load_profile(profile_path(name))
    assert profile.title
    assert profile.source
    assert profile.plan is None or profile.run_specs(threads=1)


def test_there_is_a_profile_that_comes_with_the_program():
    assert profile_names()


def test_a_profile_is_a_value(tmp_path):
    profile = parse_profile(GOOD, str(Path("bench.toml")))
    with pytest.raises(ValueError, match="frozen"):
        profile.title = "other"


# -- plans -------------------------------------------------------------------------------------------

SETTINGS = """\
title = "Campaign"

[inference]
precision = "bf16"
channels_last = true
compiled = true

[protocol]
warm_up_max_s = 60
fresh_process = true
cool_down_c = 45

[plan]
networks = ["a", "b", "c"]
batch_sizes = [4, 1, 16]
"""


def specs_of(**plan: object) -> list[RunSpec]:
    wanted = Plan.model_validate({"networks": ("a", "b", "c"), "batch_sizes": (4, 1, 16), **plan})
    return planned_runs(wanted, Inference(), threads=2)


def test_the_settings_of_a_campaign_reach_its_runs():
    profile = parse_profile(SETTINGS, "bench.toml")
    assert profile.run_specs(threads=2)[0] == RunSpec("a", 4, "bf16", "cpu", 2, True, True, None, None, True)
    protocol = profile.protocol
    assert (protocol.warm_up_max_s, protocol.fresh_process, protocol.cool_down_c) == (60, True, 45)


def test_what_is_not_said_changes_nothing():
    profile = parse_profile('title = "x"\n[plan]\nnetworks = ["a"]\n', "bench.toml")
    assert profile.run_specs(threads=1) == [RunSpec("a")]
    assert (profile.protocol.warm_up_max_s, profile.protocol.fresh_process) == (0, False)
    assert profile.protocol.cool_down_c is None


def test_every_combination_is_run_once_and_slow_settings_change_seldom():
    specs = specs_of(precisions=("fp32", "fp16"), power_modes=("MAXN", "15W"), clocks=("default", "max"))
    assert len(specs) == len(set(specs)) == 3 * 3 * 2 * 2 * 2
    settings = [(spec.power_mode, spec.clocks) for spec in specs]
    changes = [now for before, now in zip([None, *settings], settings, strict=False) if before != now]
    assert changes == [("MAXN", "default"), ("MAXN", "max"), ("15W", "default"), ("15W", "max")]


@pytest.mark.parametrize("order", ["listed", "random"])
@pytest.mark.parametrize("modes", [(), ("MAXN", "15W")])
def test_a_random_order_is_of_the_same_runs_and_leaves_the_slow_settings_outside(order, modes):
    specs = specs_of(order=order, power_modes=modes)
    assert set(specs) == set(specs_of(power_modes=modes))
    groups = [spec.power_mode for spec in specs]
    assert groups == sorted(groups, key=(modes or (None,)).index)


def test_a_random_order_follows_from_its_seed():
    first, again, other = (specs_of(order="random", seed=seed) for seed in (3, 3, 4))
    assert first == again
    assert first != other
    assert first != specs_of()


@pytest.mark.parametrize("order", ["listed", "random"])
def test_accuracy_once_is_in_the_first_run_of_the_smallest_batch_of_each_network_and_precision(order):
    specs = specs_of(order=order, accuracy="once", precisions=("fp32", "fp16"), clocks=("default", "max"), seed=5)
    judged = [spec for spec in specs if spec.accuracy]
    assert sorted((spec.network, spec.precision) for spec in judged) == [
        (network, precision) for network in "abc" for precision in ("fp16", "fp32")
    ]
    assert {spec.batch_size for spec in judged} == {1}
    assert {spec.clocks for spec in judged} == {"default"}
    assert all(spec.accuracy for spec in specs_of(accuracy="every"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("warm_up_max_s = 60", "warm_up_max_s = -1"),
        ("warm_up_max_s = 60", "cool_down_max_s = 0"),
        ("fresh_process = true", 'fresh_process = "always"'),
        ("cool_down_c = 45", "cool_down_c = nan"),
        ('precision = "bf16"', 'precision = "fp8"'),
        ("channels_last = true", "channels_last = 2"),
        ("batch_sizes = [4, 1, 16]", 'order = "sorted"'),
        ("batch_sizes = [4, 1, 16]", 'accuracy = "never"'),
        ("batch_sizes = [4, 1, 16]", 'precisions = ["fp16", "int4"]'),
        ("batch_sizes = [4, 1, 16]", 'clocks = ["highest"]'),
        ("batch_sizes = [4, 1, 16]", "seed = -1"),
    ],
)
def test_a_wrong_setting_of_a_campaign_is_refused_with_its_line_and_key(old, new):
    text = SETTINGS.replace(old, new)
    sentence = refusal(text)
    assert sentence.startswith(f"bench.toml, line {line_of(text, new)}: ")
    assert new.partition(" = ")[0] in sentence


@pytest.mark.parametrize(
    ("old", "new", "twice"),
    [
        ('["a", "b", "c"]', '["a", "b", "a"]', "networks has a twice"),
        ("[4, 1, 16]", "[4, 1, 4]", "batch_sizes has 4 twice"),
        ("[4, 1, 16]", '[4]\nclocks = ["max", "max"]', "clocks has max twice"),
    ],
)
def test_what_is_planned_twice_is_refused_since_only_one_of_them_would_be_run(old, new, twice):
    sentence = refusal(SETTINGS.replace(old, new))
    assert twice in sentence
    assert "cycles" in sentence


# -- the board -------------------------------------------------------------------------------------

BOARD = 'title = "x"\n[board]\nhost = "nano"\n'


def test_a_board_has_defaults_and_may_be_absent() -> None:
    board = parse_profile(BOARD, "x").board
    assert board is not None
    assert (board.host, board.ssh, board.python, board.inference_python) == ("nano", ("ssh",), "python3", None)
    assert (board.env, board.lease_s) == ({}, 4.0)
    assert parse_profile('title = "x"\n', "x").board is None


def test_a_board_survives_being_written() -> None:
    more = 'ssh = ["ssh", "-p", "2222"]\nenv = { PATH = "/a b", OPENBLAS_CORETYPE = "ARMV8" }\nlease_s = 6\n'
    profile = parse_profile(BOARD + more, "x")
    again = parse_profile(profile_text(profile), "again")
    assert again == profile
    assert again.board is not None
    assert again.board.env == {"PATH": "/a b", "OPENBLAS_CORETYPE": "ARMV8"}


@pytest.mark.parametrize(
    "host", ["nano", "ubuntu@10.0.0.7", "me.x@board-1.lab", "fe80::1%eth0", "u@fe80::1%eth0", "[::1]"]
)
def test_what_a_host_may_be(host: str) -> None:
    board = parse_profile(f'title = "x"\n[board]\nhost = "{host}"\n', "x").board
    assert board is not None
    assert board.host == host


@pytest.mark.parametrize("host", ["", "-oProxyCommand=evil", "a b", "a;b", "u@-x", "a`b`", "a\\nb", "$(x)", "@a"])
def test_an_option_of_ssh_or_of_a_shell_is_no_host(host: str) -> None:
    with pytest.raises(ProfileError, match="host: give a name, an address or an alias of your ssh configuration"):
        parse_profile(f'title = "x"\n[board]\nhost = "{host}"\n', "bench.toml")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("ssh = []", "board.ssh: "),
        ('ssh = [""]', "it is empty or has characters that cannot be printed"),
        ('python = "py\\nthon"', "it is empty or has characters that cannot be printed"),
        ('env = { LD_PRELOAD = "x" }', "only PATH, LD_LIBRARY_PATH and names that begin with CUDA_"),
        ("lease_s = 1", "board.lease_s: input should be greater than or equal to 2"),
        ("lease_s = 90", "board.lease_s: input should be less than or equal to 60"),
        ('password = "x"', "unknown key board.password"),
    ],
)
def test_what_a_board_may_not_have(more: str, said: str) -> None:
    assert said in refusal(BOARD + more + "\n")
