# SPDX-License-Identifier: Apache-2.0
"""torch's own cache of published weights: what is in it, and how more gets there. Imports no torch."""

from __future__ import annotations

import fcntl
import os
import sys
from http import HTTPStatus
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, BinaryIO

from monitor_app.core.files.private_files import open_private
from monitor_app.inference.networks.weights import WeightsError, check_sha256, file_sha256

if TYPE_CHECKING:
    import http.client
    from collections.abc import Callable, Iterator

    from monitor_app.inference.networks.network import PublishedWeights

BLOCK_BYTES = 1 << 18
REPORT_EVERY_S = 3.0
TIMEOUT_S = 30.0
PUBLIC = 0o644
"""What is published is no secret: users may share a cache."""


def hub_folder() -> Path:
    """Where torch.hub keeps the weights that it has downloaded, also before there are any."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return Path(os.environ.get("TORCH_HOME", os.path.join(cache, "torch"))).expanduser() / "hub" / "checkpoints"


def published_name(published: PublishedWeights) -> str:
    """What the file of published weights is called."""
    return published.url.rpartition("/")[2]


def cached(published: PublishedWeights) -> Path | None:
    """The file of published weights, None where it is not in the cache. Does not open it."""
    file = hub_folder() / published_name(published)
    return file if file.is_file() else None


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def fetch(published: PublishedWeights, say: Callable[[str], None] = _say) -> Path:
    """Download published weights into the cache, unless they are there.

    The file gets its name only when it is whole and has the SHA-256 that the name promises. A download that broke
    off resumes where it stopped, and two programs that want the same file take turns.

    Args:
        published: what to fetch.
        say: called with the progress as a sentence, at the start and every few seconds.

    Raises:
        WeightsError: it cannot be downloaded or stored, or is not what was published.
    """
    name, folder = published_name(published), hub_folder()
    if (file := cached(published)) is not None:
        return file
    file, beside = folder / name, folder / f"{name}.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Its name can be guessed, since a download that broke off is to be resumed.
        with open(open_private(beside, os.O_RDWR | os.O_APPEND | os.O_CREAT, PUBLIC), "ab") as partial:
            fcntl.flock(partial, fcntl.LOCK_EX)
            if file.is_file():
                beside.unlink(missing_ok=True)
                return file
            _download(published, partial, say)
            _check(file, beside, partial)
            beside.replace(file)
    except _UnreachableError as error:
        raise WeightsError(
            f"{name} cannot be downloaded ({error}): connect this computer to the network and start again, or put "
            f"the file from {published.url} into {folder}."
        ) from error
    except OSError as error:
        raise WeightsError(
            f"{name} cannot be stored in {folder} ({error.strerror}): make room there, or set TORCH_HOME to a folder "
            "that can be written."
        ) from error
    return file


class _UnreachableError(Exception):
    """What stands in the way on the network."""


def _download(published: PublishedWeights, partial: BinaryIO, say: Callable[[str], None]) -> None:
    """Append what is missing to `partial`."""
    had = partial.seek(0, os.SEEK_END)
    answer = _ask(published.url, had)
    if answer is None:
        return
    with answer:
        if had and answer.status != HTTPStatus.PARTIAL_CONTENT:
            partial.truncate(0)
            had = 0
        left = answer.headers["Content-Length"]
        total = had + int(left) if left else published.size_bytes
        name, done, started_s = published_name(published), had, monotonic()
        told_s = started_s
        say(f"Downloading {name}, {(total - had) / 1e6:.1f} MB")
        for block in _blocks(answer):
            partial.write(block)
            done += len(block)
            if monotonic() - told_s >= REPORT_EVERY_S:
                told_s = monotonic()
                rest_s = (total - done) * (told_s - started_s) / (done - had)
                say(f"Downloading {name}: {done / 1e6:.0f} of {total / 1e6:.0f} MB, about {rest_s:.0f} s left")
        partial.flush()
        if left and done < total:
            raise _UnreachableError(f"the connection broke off after {done / 1e6:.1f} of {total / 1e6:.1f} MB")


def _ask(url: str, start: int) -> http.client.HTTPResponse | None:
    """The answer that begins at byte `start`; None where there is nothing from there on."""
    # Here, since a window lists networks and seldom downloads: they take 2 MB.
    import http.client
    import urllib.error
    import urllib.request

    headers = {"User-Agent": "monitor-app"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        answer: http.client.HTTPResponse = urllib.request.urlopen(
            urllib.request.Request(url, headers=headers), timeout=TIMEOUT_S
        )
    except urllib.error.HTTPError as error:
        with error:
            if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                return None
            raise _UnreachableError(f"the server answers {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:
        raise _UnreachableError(_words(error)) from error
    return answer


def _blocks(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    import http.client  # loaded by whoever has asked

    while True:
        try:
            block = answer.read(BLOCK_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise _UnreachableError(_words(error)) from error
        if not block:
            return
        yield block


def _check(file: Path, beside: Path, partial: BinaryIO) -> None:
    try:
        check_sha256(file, file_sha256(beside))
    except WeightsError as error:
        # Nothing to go on from; the next attempt begins anew
        partial.truncate(0)
        raise WeightsError(
            f"{file.name} arrived as another file than was published (something on the way has changed it): start "
            f"again, or put the right file into {file.parent}."
        ) from error


def _words(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    return str(getattr(reason, "strerror", None) or reason).rstrip(".") or type(error).__name__
