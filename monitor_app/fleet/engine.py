# SPDX-License-Identifier: Apache-2.0
"""The engine: one Dask worker a board, in this process, or the workers of a lab that has a scheduler of its own.

Nothing else of the program imports Dask.

Nothing listens anywhere but on 127.0.0.1: scheduler and workers talk within the process, and the pages that Dask serves
in any case are bound to loopback. The engine keeps nothing that would be missed: what has been measured is in the
session files, and what is left of a plan is read from them.
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from monitor_app.core.errors import BenchError, MonitorError
from monitor_app.fleet.job import COMPLETE_S, FINAL, Job, State, record_board

try:
    import dask

    # Said in sentences of our own instead.
    dask.config.set({"logging": {"distributed": "critical", "distributed.client": "critical"}})
    from distributed import Client, Scheduler, SpecCluster, Worker, get_worker
except ImportError as error:
    raise MonitorError(
        "The command fleet needs Dask, which is not installed: `pip install 'inferwatt[fleet]'` installs it."
    ) from error

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LOOPBACK = "127.0.0.1:0"
CONNECT_S = 10.0
CONFIG = {
    # A resource that no worker has would be waited for without end
    "distributed.scheduler.no-workers-timeout": "10s",
    "distributed.worker.profile.enabled": False,  # looks at every thread a hundred times a second
    "distributed.admin.system-monitor.interval": "10s",
    # What listens on loopback all the same answers nothing, so that other users of this computer learn nothing there
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}


class Fleet:
    """Boards that are being recorded, as long as it is open. Made by `fleet_of`."""

    def __init__(self, client: Client, jobs: Sequence[Job]) -> None:
        self._client, self._topic = client, f"monitor-app-fleet-{uuid.uuid4().hex}"
        self._told: dict[str, tuple[State, str]] = {job.name: (State.QUEUED, "") for job in jobs}
        self._change = threading.Condition()
        client.subscribe_topic(self._topic, self._hear)
        self._futures = {
            job.name: client.submit(
                _on_worker, job, self._topic, key=f"record-{job.name}-{uuid.uuid4().hex}", pure=False,
                resources={resource_of(job.name): 1},
            )
            for job in jobs
        }  # fmt: skip

    def told(self, name: str) -> tuple[State, str]:
        """The state of a board, and one sentence where there is something to say."""
        with self._change:
            state, sentence = self._told[name]
        future = self._futures[name]
        if state in FINAL or not future.done() or future.cancelled():
            return state, sentence
        if future.status == "finished":
            return future.result(), sentence
        return State.FAILED, f"The engine could not record it: {future.exception()}."

    @property
    def over(self) -> bool:
        """No board is being recorded any longer, nor waited for."""
        return all(self.told(name)[0] in FINAL for name in self._told)

    def stop(self) -> None:
        """End all recordings, and wait until their files are complete."""
        for future in self._futures.values():
            future.cancel()
        until = time.monotonic() + COMPLETE_S + CONNECT_S
        with self._change:
            begun = [name for name, (state, _) in self._told.items() if state is not State.QUEUED]
            self._change.wait_for(
                lambda: all(self._told[name][0] in FINAL for name in begun), max(until - time.monotonic(), 0.0)
            )

    def _hear(self, event: tuple[float, dict[str, str]]) -> None:
        message = event[1]
        with self._change:
            self._told[message["board"]] = (State(message["state"]), message["sentence"])
            self._change.notify_all()


def resource_of(board: str) -> str:
    """The resource of the one worker that records a board."""
    return f"board:{board}"


@contextlib.contextmanager
def fleet_of(jobs: Sequence[Job], scheduler: str | None = None) -> Iterator[Fleet]:
    """Record boards side by side until the end of the context.

    Args:
        jobs: one for each board.
        scheduler: address of the lab's own, whose workers have the boards as resources; None: in this process.

    Raises:
        MonitorError: there is no scheduler at this address, or no worker for a board.
    """
    with dask.config.set(CONFIG), contextlib.ExitStack() as stack:
        client = _in_process(jobs, stack) if scheduler is None else _of_lab(jobs, scheduler, stack)
        fleet = Fleet(client, jobs)
        try:
            yield fleet
        finally:
            if not fleet.over:
                fleet.stop()


def _in_process(jobs: Sequence[Job], stack: contextlib.ExitStack) -> Client:
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="monitor-app-fleet-"))
    workers = {job.name: {"cls": Worker, "options": _worker_options(job, folder)} for job in jobs}
    scheduler = {
        "cls": Scheduler,
        "options": {"protocol": "inproc://", "dashboard_address": LOOPBACK, "dashboard": False},
    }
    cluster = stack.enter_context(SpecCluster(workers=workers, scheduler=scheduler, silence_logs=False))
    return stack.enter_context(Client(cluster))


def _worker_options(job: Job, folder: str) -> dict[str, Any]:
    return {
        "nthreads": 1,
        "resources": {resource_of(job.name): 1},
        "protocol": "inproc://",
        "memory_limit": 0,  # it measures; that the machine is full is said by the recording itself
        "dashboard_address": LOOPBACK,
        "dashboard": False,
        "local_directory": folder,
    }


def _of_lab(jobs: Sequence[Job], scheduler: str, stack: contextlib.ExitStack) -> Client:
    try:
        client = stack.enter_context(Client(scheduler, timeout=CONNECT_S, set_as_default=False))
    except (OSError, TimeoutError, ValueError) as error:
        raise BenchError(
            f"No scheduler of Dask answers at {scheduler}: check the address, or leave --scheduler out."
        ) from error
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    there = {name for worker in workers for name in worker.get("resources", {})}
    missing = [resource_of(job.name) for job in jobs if resource_of(job.name) not in there]
    if missing:
        raise BenchError(
            f"The scheduler at {scheduler} has no worker with the resource {missing[0]}: start one on the computer of "
            f"its meter, `dask worker {scheduler} --nthreads 1 --resources '{missing[0]}=1'`."
        )
    return client


def _on_worker(job: Job, topic: str) -> State:
    """In a thread of a worker, which lives as long as the recorder that it starts."""
    worker = get_worker()
    key = worker.get_current_task()

    def stopped() -> bool:
        task = worker.state.tasks.get(key)
        return task is None or task.state != "executing"

    def tell(state: State, sentence: str) -> None:
        worker.log_event(topic, {"board": job.name, "state": state.value, "sentence": sentence})

    return record_board(replace(job, nanny=worker.nanny is not None), stopped=stopped, tell=tell)
