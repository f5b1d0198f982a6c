"""Files that a crash, a full disk or a stranger left: whole records up to the tear are delivered, nothing is raised."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sdk_hooks.runtime import Runtime
from sdk_hooks.spool.records import RECORD_BYTES
from tests.fakes.clock import FakeClock
from tests.fakes.far_collector import FarCollector
from tests.sdk_hooks.calls import chat

Process = Callable[..., Runtime]
Kill = Callable[[Runtime], None]


def leave(process: Process, collector: FarCollector, killed: Kill, folder: Path, calls: int = 3) -> Path:
    """A dead process's file: one record of two events a call."""
    collector.is_away = True
    runtime = process()
    for _ in range(calls):
        chat().complete()
    killed(runtime)
    collector.is_away = False
    (left,) = folder.glob("*.spool")
    return left


def replay(process: Process, collector: FarCollector) -> Runtime:
    """A new process that has nothing of its own to say but that it is there."""
    runtime = process()
    chat().complete()
    runtime.emitter.close(5.0)
    del collector.accepted[:2]
    return runtime


def starts_of_records(content: bytes) -> list[int]:
    return [n for n in range(len(content)) if content[n : n + 4] == b"HR\0\0"]


def test_torn_tail_costs_its_own_record_only(process: Process, collector: FarCollector, killed: Kill, folder: Path):
    """Cut anywhere in the last record: the two before it arrive, the torn one is counted, the file goes."""
    left = leave(process, collector, killed, folder)
    content = left.read_bytes()
    last = starts_of_records(content)[-1]
    for cut in (last + 1, last + RECORD_BYTES - 1, last + RECORD_BYTES, len(content) - 1):
        left.write_bytes(content[:cut])
        collector.accepted.clear()
        runtime = replay(process, collector)

        assert [1, 2, 3, 4] == collector.sequences(), cut
        assert runtime.losses.snapshot()["spool_torn"] in (1, 2), cut
        assert [] == list(folder.iterdir())


def test_changed_byte_costs_its_own_record_only(process: Process, collector: FarCollector, killed: Kill, folder: Path):
    """A disk that gave back something else: the checksum tells, and the records behind it arrive."""
    left = leave(process, collector, killed, folder)
    content = bytearray(left.read_bytes())
    first = starts_of_records(bytes(content))[0]
    content[first + RECORD_BYTES + 40] ^= 1
    left.write_bytes(content)
    runtime = replay(process, collector)

    assert [3, 4, 5, 6] == collector.sequences()
    assert 2 == runtime.losses.snapshot()["spool_torn"]


@pytest.mark.parametrize("length", [0, 7, 15, 30])
def test_torn_head_is_no_file_of_anybody(process: Process, collector: FarCollector, killed: Kill, folder: Path, length: int):
    """A process that died while it made the file: there is nothing in it, and it goes."""
    left = leave(process, collector, killed, folder)
    left.write_bytes(left.read_bytes()[:length])
    replay(process, collector)

    assert [] == collector.accepted
    assert [] == list(folder.iterdir())


def test_what_is_not_ours_stays(process: Process, collector: FarCollector, killed: Kill, folder: Path, tmp_path: Path):
    """Another version's file, a link, a folder of that name: left alone."""
    left = leave(process, collector, killed, folder)
    left.write_bytes(b"HKSPOOL9" + left.read_bytes()[8:])
    (tmp_path / "secret").write_bytes(b"somebody else's")
    (folder / "link.spool").symlink_to(tmp_path / "secret")
    (folder / "folder.spool").mkdir()
    before = sorted(folder.iterdir())
    runtime = replay(process, collector)

    assert before == sorted(folder.iterdir())
    assert b"somebody else's" == (tmp_path / "secret").read_bytes()
    assert 0 == sum(runtime.losses.snapshot().values())


def test_what_was_delivered_is_not_sent_again(
    process: Process, collector: FarCollector, killed: Kill, folder: Path, clock: FakeClock
):
    """A process that is killed in the middle of a replay: the next one goes on where it stopped."""
    leave(process, collector, killed, folder)
    collector.max_events = 2
    second = process(batch_max_events=2)
    chat().complete()
    second.emitter._delivery.run(force=False, until_s=clock.monotonic_s() + 1, leftovers=1)  # pyright: ignore[reportPrivateUsage]
    killed(second)
    assert 4 == len(collector.accepted)
    third = process()
    chat().complete()
    third.emitter.close(5.0)

    left = [event["sequence"] for event in collector.accepted if second.identity.prefix not in event["eventId"]]
    assert 8 == len(left)
    assert [] == list(folder.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="limits of this kind are POSIX")
def test_disk_that_fills_up_keeps_what_is_whole(process: Process, collector: FarCollector, clock: FakeClock, folder: Path):
    """A write that stops in the middle is taken back; later events wait in memory, and everything arrives in the end."""
    import resource

    collector.is_away = True
    runtime = process()
    chat().complete()
    (file,) = folder.glob("*.spool")
    whole = file.stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (whole + 100, before[1]))
    try:
        chat().complete()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert whole == file.stat().st_size
    assert not runtime.emitter.flush(0.1)

    collector.is_away = False
    clock.advance(60_000)
    assert runtime.emitter.flush(1.0)
    assert [1, 2, 3, 4] == collector.sequences()
