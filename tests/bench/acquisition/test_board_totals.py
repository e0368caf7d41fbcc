# SPDX-License-Identifier: Apache-2.0
"""Which powers are computed from which, for the instruments that a profile names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitor_app.bench.acquisition.board_totals import BEYOND, combinations
from monitor_app.bench.acquisition.combination import Term
from monitor_app.bench.acquisition.instruments import beside_rails, make_instruments
from monitor_app.bench.bench import Bench
from monitor_app.core.errors import MonitorError, ProfileError
from monitor_app.core.samples import Role
from monitor_app.sources.profile_reader import parse_profile, parse_source
from tests.sources.jetson.tree import JetsonTree

if TYPE_CHECKING:
    from pathlib import Path

    from monitor_app.bench.acquisition.combination import Combination
    from monitor_app.core.profile import Profile


def one_chip(root: Path) -> str:
    """The total is a rail of its own."""
    tree = JetsonTree(root)
    tree.device_tree("NVIDIA Jetson Xavier NX", "nvidia,p3509-0000+p3668-0001", "nvidia,tegra194")
    tree.hwmon("7-0040", {1: "VDD_IN", 2: "VDD_CPU_GPU_CV", 3: "VDD_SOC"})
    return f'[[source]]\nkind = "jetson-rails"\nroot = "{root}"\n'


def two_chips(root: Path) -> str:
    """The total is the sum of six rails."""
    tree = JetsonTree(root)
    tree.device_tree("NVIDIA Jetson AGX Xavier", "nvidia,p2972-0000", "nvidia,tegra194")
    tree.hwmon("1-0040", {1: "GPU", 2: "CPU", 3: "SOC"})
    tree.hwmon("1-0041", {1: "CV", 2: "VDDRQ", 3: "SYS5V"})
    return f'[[source]]\nkind = "jetson-rails"\nroot = "{root}"\n'


METER = '[[source]]\nkind = "shunt"\nport = "/dev/ttyUSB7"\n'
OTHER_METER = '[[source]]\nkind = "ppk2"\nport = "/dev/ttyACM7"\n'


def profile(*parts: str) -> Profile:
    return parse_profile("\n".join(['title = "t"', *parts]), "test")


def made(*parts: str) -> list[Combination]:
    wanted = profile(*parts)
    return combinations([each for spec in wanted.source for each in make_instruments(spec)], wanted.combination)


def terms(combination: Combination) -> set[tuple[int, str | None, float]]:
    return {(term.source_id, term.signal, term.weight) for term in combination._terms}


def test_a_meter_and_a_rail_that_carries_all_make_a_difference(tmp_path: Path) -> None:
    (beyond,) = made(one_chip(tmp_path), METER)
    assert beyond.name == BEYOND
    assert beyond._id == 3
    assert beyond._terms == (Term(2, None, 1.0), Term(1, "VDD_IN", -1.0))
    assert beyond._role is Role.OTHER


def test_rails_on_two_chips_make_a_total_and_with_a_meter_a_difference(tmp_path: Path) -> None:
    total, beyond = made(METER, two_chips(tmp_path))
    rails = {(2, "GPU"), (2, "CPU"), (2, "SOC"), (3, "CV"), (3, "VDDRQ"), (3, "SYS5V")}
    assert terms(total) == {(*rail, 1.0) for rail in rails}
    assert (total._id, total._role, total._kind) == (4, Role.TOTAL, "sum")
    assert terms(beyond) == {(1, None, 1.0), *((*rail, -1.0) for rail in rails)}
    assert (beyond._id, beyond._kind) == (5, "difference")


def test_a_total_of_which_a_rail_is_missing_is_no_total(tmp_path: Path) -> None:
    tree = JetsonTree(tmp_path)
    tree.device_tree("NVIDIA Jetson AGX Xavier", "nvidia,p2972-0000", "nvidia,tegra194")
    tree.hwmon("1-0040", {1: "GPU", 2: "CPU", 3: "SOC"})
    assert made(f'[[source]]\nkind = "jetson-rails"\nroot = "{tmp_path}"\n', METER) == []


def test_with_two_meters_it_is_not_guessed_which_one_is_in_the_supply(tmp_path: Path) -> None:
    assert made(one_chip(tmp_path), METER, OTHER_METER) == []
    assert made(METER) == []


def test_what_the_profile_asks_for_is_made_in_place_of_what_would_be(tmp_path: Path) -> None:
    wanted = (
        '[[combination]]\nname = "lost"\nplus = ["shunt/power"]\nminus = ["rails/VDD_IN", "ppk2"]\nrole = "other"\n'
    )
    (lost,) = made(one_chip(tmp_path), METER, OTHER_METER, wanted)
    assert lost.name == "lost"
    assert lost._terms == (Term(2, "power", 1.0), Term(1, "VDD_IN", -1.0), Term(3, None, -1.0))


def test_a_combination_of_what_is_not_there_is_refused_before_anything_starts(tmp_path: Path) -> None:
    text = f'title = "t"\n{METER}\n[[combination]]\nname = "x"\nplus = ["shunt"]\nminus = ["ppk3"]\n'
    with pytest.raises(ProfileError, match=r"names a source ppk3 .* there are: shunt\."):
        Bench(parse_profile(text, "test"), text, tmp_path / "s.plm")
    assert list(tmp_path.iterdir()) == []


def test_two_sources_of_one_name_are_refused_before_anything_starts(tmp_path: Path) -> None:
    """The chips of a board get names that the profile does not show."""
    (tmp_path / "root").mkdir()
    text = f'title = "t"\n{two_chips(tmp_path / "root")}\n[[source]]\nkind = "shunt"\nname = "rails 1-0040"\n'
    with pytest.raises(ProfileError, match=r"Two sources would be named rails 1-0040: give each"):
        Bench(parse_profile(text, "test"), text, tmp_path / "s.plm")
    assert [path.name for path in tmp_path.iterdir()] == ["root"]


def test_an_instrument_that_is_added_may_not_take_the_name_of_what_is_computed(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    text = 'title = "t"\n' + two_chips(tmp_path / "root")
    bench = Bench(parse_profile(text, "test"), text, tmp_path / "s.plm")
    try:
        for name in ("total of Jetson AGX Xavier", "rails 1-0041"):
            spec = parse_source({"kind": "shunt", "emulate": "tx1", "name": name})
            with pytest.raises(MonitorError, match=f"There is a source {name} already"):
                bench.add_source(spec)
        assert len(bench.status().sources) == 2
    finally:
        bench.close()
    assert bench.failure is None


def test_beside_the_rails_the_total_that_jtop_adds_up_is_another_power():
    text = 'title = "it"\n[[source]]\nkind = "jtop"\n'
    [alone] = beside_rails(parse_profile(text, "a").source)
    assert alone.roles == {}
    jtop, _ = beside_rails(parse_profile(f'{text}[[source]]\nkind = "jetson-rails"\n', "a").source)
    assert jtop.roles == {"total": Role.OTHER}
    given = f'{text}roles = {{ total = "total" }}\n[[source]]\nkind = "jetson-rails"\n'
    assert beside_rails(parse_profile(given, "a").source)[0].roles == {"total": Role.TOTAL}


@pytest.mark.parametrize("role", ["VDD_IN", "GPU  current", "gpu"])
def test_a_role_that_names_no_signal_of_any_chip_is_refused_before_anything_starts(tmp_path: Path, role: str) -> None:
    (tmp_path / "root").mkdir()
    text = f'title = "t"\n{two_chips(tmp_path / "root")}roles = {{ GPU = "gpu", "{role}" = "total" }}\n'
    with pytest.raises(ProfileError, match=f"rails has no signal {role}, .* use one of GPU, GPU current, .* SYS5V"):
        Bench(parse_profile(text, "test"), text, tmp_path / "s.plm")
    assert [path.name for path in tmp_path.iterdir()] == ["root"]


def test_the_roles_of_a_board_may_name_signals_of_all_its_chips(tmp_path: Path) -> None:
    total, _ = made(METER, two_chips(tmp_path) + 'roles = { GPU = "gpu", "CV current" = "other", SYS5V = "other" }\n')
    assert len(terms(total)) == 6
