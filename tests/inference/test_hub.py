# SPDX-License-Identifier: Apache-2.0
"""Published weights come from torch's cache, or over the network from a server that may misbehave."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import pytest
import torch

from monitor_app.inference.networks import hub
from monitor_app.inference.networks.hub import cached, fetch, hub_folder
from monitor_app.inference.networks.network import PublishedWeights
from monitor_app.inference.networks.weights import WeightsError

CONTENT = bytes(range(251)) * 4000
NAME = f"tiny-{hashlib.sha256(CONTENT).hexdigest()[:8]}.pth"


class Server(ThreadingHTTPServer):
    """Serves `content` at every path, also from some byte on."""

    daemon_threads = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.asked = []
        self.broken_after = None
        self.status = 200
        self.takes_ranges = True


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        wanted = self.headers["Range"]
        server.asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and server.takes_ranges else 0
        if start and start >= len(server.content):
            self.send_error(416)
            return
        if server.status != 200:
            self.send_error(server.status)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(server.content) - start))
        self.end_headers()
        self.wfile.write(server.content[start : server.broken_after])

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def published(server):
    return PublishedWeights("IMAGENET1K_V1", f"http://127.0.0.1:{server.server_port}/models/{NAME}", 1, 0, 0)


@pytest.fixture
def said():
    return []


@pytest.mark.parametrize(
    "variables",
    [{}, {"XDG_CACHE_HOME": "/x/cache"}, {"TORCH_HOME": "~/torch", "XDG_CACHE_HOME": "/x/cache"}, {"TORCH_HOME": ""}],
)
def test_the_cache_is_torchs(variables, monkeypatch):
    for variable in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable)
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    assert str(hub_folder()) == f"{torch.hub.get_dir()}/checkpoints"


def test_a_file_is_downloaded_once(server, published, said):
    assert cached(published) is None
    file = fetch(published, said.append)
    assert file == hub_folder() / NAME
    assert file.read_bytes() == CONTENT
    assert said == [f"Downloading {NAME}, 1.0 MB"]
    assert cached(published) == fetch(published, said.append) == file
    assert server.asked == [None]
    assert [each.name for each in hub_folder().iterdir()] == [NAME]


def test_how_far_it_is_is_said_again_and_again(server, published, said, monkeypatch, capsys):
    monkeypatch.setattr(hub, "REPORT_EVERY_S", 0.0)
    fetch(published)
    first, *rest = capsys.readouterr().err.splitlines()
    assert first == f"Downloading {NAME}, 1.0 MB"
    assert len(rest) >= 4
    assert all(line.startswith(f"Downloading {NAME}: ") and line.endswith(" s left") for line in rest)
    assert rest[-1].split(": ")[1] == "1 of 1 MB, about 0 s left"


def test_a_download_that_broke_off_goes_on_where_it_stopped(server, published, said):
    server.broken_after = 600_000
    with pytest.raises(WeightsError, match=r"the connection broke off after 0\.6 of 1\.0 MB.*start again"):
        fetch(published, said.append)
    assert cached(published) is None
    server.broken_after = None
    assert fetch(published, said.append).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=600000-"]
    assert said[-1] == f"Downloading {NAME}, 0.4 MB"


def test_a_server_that_only_gives_the_whole_is_taken_at_its_word(server, published, said):
    server.broken_after = 600_000
    with pytest.raises(WeightsError):
        fetch(published, said.append)
    server.broken_after, server.takes_ranges = None, False
    assert fetch(published, said.append).read_bytes() == CONTENT


def test_a_file_that_was_whole_already_is_only_checked(server, published, said):
    hub_folder().mkdir(parents=True)
    (hub_folder() / f"{NAME}.partial").write_bytes(CONTENT)
    assert fetch(published, said.append).read_bytes() == CONTENT
    assert server.asked == [f"bytes={len(CONTENT)}-"]


def test_another_file_than_was_published_is_refused_and_the_next_attempt_begins_anew(server, published, said):
    server.content = CONTENT[:-1] + b"?"
    with pytest.raises(WeightsError, match="arrived as another file than was published"):
        fetch(published, said.append)
    assert cached(published) is None
    server.content = CONTENT
    assert fetch(published, said.append).read_bytes() == CONTENT
    assert server.asked == [None, None]


def test_without_a_network_one_sentence_says_what_to_do(server, published, said):
    server.status = 404
    with pytest.raises(WeightsError, match="answers 404 Not Found") as raised:
        fetch(published, said.append)
    assert str(hub_folder()) in str(raised.value)
    assert published.url in str(raised.value)
    nobody = PublishedWeights("IMAGENET1K_V1", f"http://127.0.0.1:1/{NAME}", 1, 0, 0)
    with pytest.raises(WeightsError, match=r"cannot be downloaded \(Connection refused\): connect this computer"):
        fetch(nobody, said.append)


def test_a_cache_that_cannot_be_written_is_told(server, published, said):
    hub_folder().parent.mkdir(parents=True)
    hub_folder().touch()
    with pytest.raises(WeightsError, match=r"cannot be stored in .*: make room there, or set TORCH_HOME"):
        fetch(published, said.append)


def test_a_link_in_the_place_of_the_download_is_not_followed(server, published, said, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("a letter")
    hub_folder().mkdir(parents=True)
    (hub_folder() / f"{NAME}.partial").symlink_to(victim)
    with pytest.raises(WeightsError, match="cannot be stored"):
        fetch(published, said.append)
    assert victim.read_text() == "a letter"


def test_two_that_want_the_same_file_take_turns(server, published, said):
    with ThreadPoolExecutor(4) as pool:
        files = list(pool.map(lambda _: fetch(published, said.append), range(4)))
    assert {file.read_bytes() for file in files} == {CONTENT}
    assert server.asked == [None]
    assert [each.name for each in hub_folder().iterdir()] == [NAME]


def test_every_published_name_ends_in_digits_of_its_checksum():
    from monitor_app.inference.networks.registry import NETWORKS
    from monitor_app.inference.networks.weights import check_sha256

    published = [each.published for each in NETWORKS.values() if each.published]
    assert len(published) > 70
    for each in published:
        with pytest.raises(WeightsError, match="is damaged"):
            check_sha256(hub_folder() / hub.published_name(each), "?" * 64)
    assert all(one.url.rpartition("/")[0] == other.url.rpartition("/")[0] for one, other in pairwise(published))
