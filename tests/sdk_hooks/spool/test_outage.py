"""A collector that is away, in all the ways there are: what was recorded arrives once it is back, each event once."""

import gc
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sdk_hooks.runtime import Runtime
from tests.fakes.clock import FakeClock
from tests.fakes.far_collector import FarCollector
from tests.sdk_hooks.calls import chat

Process = Callable[..., Runtime]
Kill = Callable[[Runtime], None]


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.spool")) if folder.is_dir() else []


def text_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in files(folder))


def test_nothing_is_on_disk_while_the_collector_answers(process: Process, collector: FarCollector, folder: Path):
    """The disk is for what could not be delivered: a healthy process makes not even the folder."""
    process()
    chat().complete()

    assert [1, 2] == collector.sequences()
    assert not folder.exists()


def test_an_hour_without_a_collector_loses_nothing_and_costs_no_memory(
    process: Process, collector: FarCollector, clock: FakeClock, folder: Path
):
    """1,200 calls in an hour: memory holds none of them, they are on disk; then all arrive, once and in order."""
    runtime = process()
    backlog: Any = runtime.emitter._backlog  # pyright: ignore[reportPrivateUsage]
    collector.is_away = True
    most_waiting = 0
    for second in range(1_200):
        chat(messages=[{"role": "user", "content": f"question {second}"}]).complete({"content": "an answer"})
        most_waiting = max(most_waiting, len(backlog), backlog.size_bytes)
        clock.advance(3_000)
    assert 0 == most_waiting
    assert sum(collector.posts) < 400, "who knows that nobody is there does not send everything again and again"
    assert len(files(folder)) <= 16

    collector.is_away = False
    collector.posts.clear()
    clock.advance(60_000)
    chat().complete()
    assert runtime.emitter.flush(60.0)
    assert list(range(1, 2_403)) == collector.sequences()
    assert len(collector.posts) <= 10, "small batches go out together"
    assert [] == files(folder)
    assert 0 == sum(runtime.losses.snapshot().values())


def test_next_process_delivers_what_a_killed_one_left(process: Process, collector: FarCollector, killed: Kill, folder: Path):
    """kill -9 while the collector is away: the next process sends it, behind its own, and removes the file."""
    collector.is_away = True
    first = process()
    chat().complete()
    killed(first)
    left = files(folder)
    assert 1 == len(left)

    collector.is_away = False
    second = process()
    chat().complete()
    own = [event["eventId"] for event in collector.accepted]
    assert [second.identity.prefix] * 2 == [name.rpartition("-")[0] for name in own]
    second.emitter.close(1.0)
    assert {first.identity.prefix, second.identity.prefix} == {e["eventId"].rpartition("-")[0] for e in collector.accepted}
    assert 4 == len(collector.accepted)
    assert [] == files(folder)


def test_exit_leaves_what_could_not_be_delivered(process: Process, collector: FarCollector, folder: Path):
    """At the end of a process nothing is lost: it is on disk, and `losses` says so by saying nothing."""
    collector.is_away = True
    first = process()
    chat().complete()
    first.emitter.close(0.1)
    assert 0 == sum(first.losses.snapshot().values())
    assert 1 == len(files(folder))

    collector.is_away = False
    second = process()
    chat().complete()
    second.emitter.close(0.1)
    assert 4 == len(collector.accepted)


def test_flush_is_true_when_all_is_on_disk(process: Process, collector: FarCollector):
    """Delivered or spooled."""
    collector.is_away = True
    runtime = process()
    chat().complete()
    assert runtime.emitter.flush(0.1)


def test_files_are_for_their_owner_alone(process: Process, collector: FarCollector, folder: Path):
    """0600 in a folder of 0700, whatever the umask; a folder that exists stays as it is."""
    collector.is_away = True
    before = os.umask(0)
    try:
        process()
        chat().complete()
    finally:
        os.umask(before)
    assert 0o600 == stat.S_IMODE(files(folder)[0].stat().st_mode)
    assert 0o700 == stat.S_IMODE(folder.stat().st_mode)


def test_no_key_is_on_disk(process: Process, collector: FarCollector, folder: Path):
    """Neither the key nor a user and password in the address."""
    collector.is_away = True
    process(api_key="a-key-of-the-project", url="http://somebody:pass-word@collector.example:4319")
    chat().complete()
    found = text_of(folder)
    assert b'"url":"http://collector.example:4319"' in found
    assert b"collector.example:4319" in found
    assert b"a-key-of-the-project" not in found
    assert b"pass-word" not in found


@pytest.mark.parametrize("status", [401, 403])
def test_wrong_key_keeps_everything_until_there_is_a_right_one(
    process: Process, collector: FarCollector, killed: Kill, status: int
):
    """Today's key is refused, tomorrow's process of the same service has another one."""
    service = {"OTEL_SERVICE_NAME": "checkout"}
    collector.status = status
    first = process(service, api_key="old")
    chat().complete()
    killed(first)
    collector.status = None
    second = process(service, api_key="new")
    chat().complete()
    second.emitter.close(1.0)

    assert 4 == len(collector.accepted)
    assert 0 == sum(second.losses.snapshot().values())


@pytest.mark.parametrize("settings", [{"api_key": "other"}, {"url": "http://127.0.0.1:1"}, {"project": "other"}])
def test_strangers_batches_are_left_alone(
    process: Process, collector: FarCollector, killed: Kill, folder: Path, settings: dict[str, Any]
):
    """Another collector, project or key: sending them could put one project's prompts into another one."""
    collector.is_away = True
    first = process(api_key="one")
    chat().complete()
    killed(first)
    collector.is_away = False
    second = process(**({"api_key": "one"} | settings))
    chat().complete()
    second.emitter.close(1.0)

    assert {second.identity.prefix} == {event["eventId"].rpartition("-")[0] for event in collector.accepted}
    assert 1 == len(files(folder))


def test_refused_batch_does_not_come_again(process: Process, collector: FarCollector, clock: FakeClock, folder: Path):
    """400 on the way out of the spool: counted, gone, and what is behind it is delivered."""
    collector.is_away = True
    runtime = process()
    chat().complete()
    collector.is_away, collector.status = False, 400
    clock.advance(60_000)
    runtime.emitter.flush(1.0)
    collector.status = None
    chat().complete()

    counts = runtime.losses.snapshot()
    assert (2, 2, 0) == (counts["refused"], counts["refused_400"], counts["spool_torn"])
    assert [3, 4] == collector.sequences()
    assert [] == files(folder)


def test_too_large_for_the_collector_is_halved_on_the_way_out_of_the_spool(
    process: Process, collector: FarCollector, clock: FakeClock, folder: Path
):
    """A collector with a smaller limit than the one that the batch was made for."""
    collector.is_away = True
    runtime = process(delivery="background")
    for _ in range(10):
        chat().complete()
    runtime.emitter.flush(0.0)
    collector.is_away, collector.max_events = False, 3
    clock.advance(60_000)
    assert runtime.emitter.flush(60.0)

    assert list(range(1, 21)) == collector.sequences()
    assert [] == files(folder)
    assert 0 == sum(runtime.losses.snapshot().values())


def test_full_spool_loses_its_oldest_and_counts_them(process: Process, collector: FarCollector, clock: FakeClock, folder: Path):
    """The bound holds; the newest events survive; delivered and lost add up."""
    limit_bytes = 1_000_000
    collector.is_away = True
    runtime = process(spool_max_bytes=limit_bytes)
    for _ in range(40):
        chat(messages=[{"role": "user", "content": os.urandom(40_000).hex()}]).complete()
        clock.advance(1_000)
        assert sum(path.stat().st_size for path in files(folder)) <= limit_bytes
    collector.is_away = False
    clock.advance(60_000)
    runtime.emitter.flush(60.0)
    lost = runtime.losses.snapshot()["spool_full"]
    assert lost > 0
    assert list(range(lost + 1, 81)) == collector.sequences()
    assert len(collector.accepted) > 10


def test_full_spool_drops_what_nobody_holds_first(
    process: Process, collector: FarCollector, clock: FakeClock, killed: Kill, folder: Path
):
    """A dead process's file goes before a live one's."""
    collector.is_away = True
    first = process(spool_max_bytes=300_000)
    for _ in range(3):
        chat(messages=[{"role": "user", "content": os.urandom(40_000).hex()}]).complete()
    killed(first)
    second = process(spool_max_bytes=300_000)
    for _ in range(5):
        chat(messages=[{"role": "user", "content": os.urandom(40_000).hex()}]).complete()
    assert second.losses.snapshot()["spool_full"] in (2, 4, 6)
    collector.is_away = False
    clock.advance(60_000)
    assert second.emitter.flush(60.0)
    assert list(range(1, 11)) == collector.sequences()


def test_old_file_goes_and_is_counted(process: Process, collector: FarCollector, killed: Kill, folder: Path):
    """What nobody could send for a week makes room."""
    collector.is_away = True
    first = process(api_key="one")
    chat().complete()
    killed(first)
    left = files(folder)[0]
    os.utime(left, (0, 0))
    second = process(api_key="two")
    chat().complete()

    assert 2 == second.losses.snapshot()["spool_expired"]
    assert not left.exists()


def test_without_a_disk_events_wait_in_memory_and_it_is_said_once(
    process: Process, collector: FarCollector, clock: FakeClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    """A folder that can't be made: one line, nothing raised, and what fits in memory is delivered later."""
    (tmp_path / "file").write_text("")
    collector.is_away = True
    runtime = process(spool_dir=str(tmp_path / "file" / "spool"))
    for _ in range(5):
        chat().complete()
        clock.advance(90_000)
    lines = [record.getMessage() for record in caplog.records if "spool" in record.getMessage()]
    assert 1 == len(lines), lines
    assert "can't be written" in lines[0]
    assert not runtime.emitter.flush(0.1)

    collector.is_away = False
    clock.advance(60_000)
    assert runtime.emitter.flush(1.0)
    assert list(range(1, 11)) == collector.sequences()


def test_spool_can_be_turned_off(process: Process, collector: FarCollector, folder: Path):
    """HOOKLINE_SPOOL_MAX_BYTES=0: nothing of a prompt ever touches the disk; what is lost is counted."""
    collector.is_away = True
    runtime = process(spool_max_bytes=0)
    chat().complete()
    runtime.emitter.close(0.1)
    assert not folder.exists()
    assert 2 == runtime.losses.snapshot()["exit"]


def test_deleted_folder_is_made_again(process: Process, collector: FarCollector, folder: Path):
    """Somebody tidies up: what comes after is on disk again, not in a file without a name."""
    collector.is_away = True
    process()
    chat().complete()
    for path in files(folder):
        path.unlink()
    folder.rmdir()
    chat().complete()
    assert 1 == len(files(folder))
    gc.collect()
