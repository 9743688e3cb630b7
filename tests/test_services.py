"""Starts and stops real private servers by scripts/services, in a path as awkward as a path can be."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import MySQLdb
import pytest
import redis

SCRIPT = Path(__file__).resolve().parent.parent / "scripts/services"


def services(*arguments: str | Path, code: int = 0) -> str:
    """The command's standard output, after it ended with the given exit code and had no step fail unseen."""
    result = subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, cwd="/", timeout=60)
    assert result.returncode == code, result.stderr
    assert all(line.startswith("services: ") for line in result.stderr.splitlines()), result.stderr
    return result.stdout


def start(place: Path) -> dict[str, str]:
    """The URLs that `start` printed, by name."""
    lines = services("start", "--dir", place).splitlines()
    assert all(re.fullmatch(r"export \w+=[\w:/@.]+", line) for line in lines), lines
    return dict(line.removeprefix("export ").split("=", 1) for line in lines)


def stop(place: Path) -> None:
    services("stop", "--dir", place)


def processes_in(place: Path) -> dict[str, int]:
    """The living processes whose working directory is below `place`: program → process id."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink().is_relative_to(place):
                found[(process / "comm").read_text().strip()] = int(process.name)
        except OSError:
            continue  # it ended meanwhile, or belongs to somebody else
    return found


def connect(url: str, database: str = "fleet") -> MySQLdb.Connection:
    parts = urlsplit(url)
    return MySQLdb.connect(
        host=parts.hostname, port=parts.port, user=parts.username, password=parts.password, database=database
    )


def query(url: str, *statements: str) -> Any:
    """The first row of the last statement."""
    connection = connect(url)
    try:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        connection.commit()
        return cursor.fetchone()
    finally:
        connection.close()


def redis_answers(url: str) -> bool:
    """Whether the Redis server answers; leaves no connection open."""
    with redis.from_url(url) as client:
        return bool(client.ping())


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory with blanks, quotes and more characters than a socket's path may have; its servers may be running."""
    directory = tmp_path_factory.mktemp("services") / 'it\'s a "path" with $odd #characters' / ("long" * 30)
    yield directory
    stop(directory)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Path]:
    """A directory in which nothing was started yet."""
    yield tmp_path
    stop(tmp_path)


def test_both_urls_answer(place: Path) -> None:
    urls = start(place)
    assert set(urls) == {"DATABASE_URL", "REDIS_URL"}
    assert query(urls["DATABASE_URL"], "SELECT DATABASE()") == ("fleet",)
    assert redis_answers(urls["REDIS_URL"])


def test_a_second_start_prints_the_same_and_starts_nothing(place: Path) -> None:
    urls, running = start(place), processes_in(place)
    assert set(running) == {"mariadbd", "redis-server"}
    assert start(place) == urls
    assert processes_in(place) == running


def test_status_tells_by_its_exit_code_whether_both_run(place: Path) -> None:
    start(place)
    assert services("status", "--dir", place).count("running") == 2
    stop(place)
    assert services("status", "--dir", place, code=3).count("stopped") == 2


def test_status_and_stop_of_a_directory_that_is_not_there_make_none(tmp_path: Path) -> None:
    services("status", "--dir", tmp_path / "none", code=3)
    stop(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_an_unknown_command_is_refused(tmp_path: Path) -> None:
    services("restart", "--dir", tmp_path, code=2)
    services("start", "--dir", code=2)
    assert list(tmp_path.iterdir()) == []


def test_time_zones_are_loaded(place: Path) -> None:
    url = start(place)["DATABASE_URL"]
    local = query(url, "SELECT CAST(CONVERT_TZ('2024-07-01 12:00', 'UTC', 'America/Chicago') AS CHAR)")
    assert local == ("2024-07-01 07:00:00",)


def test_the_database_server_has_the_settings_that_the_code_counts_on(place: Path) -> None:
    assert query(
        start(place)["DATABASE_URL"],
        "SELECT @@GLOBAL.time_zone, @@GLOBAL.tx_isolation, @@GLOBAL.sql_mode, @@character_set_server,"
        " @@local_infile, @@log_bin, @@max_connections",
    ) == ("+00:00", "READ-COMMITTED", "STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION", "utf8mb4", 1, 0, 200)


def test_a_server_that_starts_leaves_the_temporary_tables_of_others_alone(place: Path, fresh: Path) -> None:
    connection = connect(start(place)["DATABASE_URL"])
    try:
        cursor = connection.cursor()
        cursor.execute("CREATE TEMPORARY TABLE kept ENGINE=Aria SELECT 1")
        start(fresh)
        cursor.execute("DROP TEMPORARY TABLE kept")
    finally:
        connection.close()


def test_the_account_makes_test_databases_and_no_others(place: Path) -> None:
    url = start(place)["DATABASE_URL"]
    query(url, "CREATE DATABASE test_fleet_gw0", "DROP DATABASE test_fleet_gw0")
    with pytest.raises(MySQLdb.OperationalError, match="Access denied"):
        query(url, "CREATE DATABASE somebody_elses")


def test_servers_listen_on_this_machine_only_and_want_a_password(place: Path) -> None:
    urls = start(place)
    assert {urlsplit(url).hostname for url in urls.values()} == {"127.0.0.1"}
    with pytest.raises(redis.AuthenticationError):
        redis_answers(f"redis://127.0.0.1:{urlsplit(urls['REDIS_URL']).port}/0")
    with pytest.raises(MySQLdb.OperationalError, match="Access denied"):
        query(f"mysql://fleet:guessed@127.0.0.1:{urlsplit(urls['DATABASE_URL']).port}/fleet")


def test_nobody_else_can_read_the_passwords(place: Path) -> None:
    start(place)
    readable = [path for path in [place, *place.rglob("*")] if not path.is_symlink() and path.stat().st_mode & 0o077]
    assert [path for path in readable if place / "mariadb/data" not in path.parents] == []
    assert (place / "mariadb/data").stat().st_mode & 0o077 == 0


def test_servers_are_out_of_reach_of_an_interrupt_in_the_callers_terminal(place: Path) -> None:
    start(place)
    assert all(os.getsid(process) == process for process in processes_in(place).values())


def test_stop_leaves_no_process_and_the_next_start_finds_the_data_at_the_same_urls(place: Path) -> None:
    urls = start(place)
    query(urls["DATABASE_URL"], "CREATE OR REPLACE TABLE kept (n INT)", "INSERT INTO kept VALUES (7)")
    stop(place)
    assert processes_in(place) == {}
    stop(place)
    assert start(place) == urls
    assert query(urls["DATABASE_URL"], "SELECT n FROM kept") == (7,)


def test_killed_servers_start_again_with_what_was_committed(place: Path) -> None:
    urls = start(place)
    query(urls["DATABASE_URL"], "CREATE OR REPLACE TABLE committed (n INT)", "INSERT INTO committed VALUES (7)")
    for process in processes_in(place).values():
        os.kill(process, signal.SIGKILL)
    assert start(place) == urls
    assert query(urls["DATABASE_URL"], "SELECT n FROM committed") == (7,)


def test_a_stale_pid_file_that_names_a_foreign_process_does_it_no_harm(place: Path) -> None:
    urls = start(place)
    stop(place)
    with subprocess.Popen(["sleep", "60"]) as foreign:
        for name in ("mariadb", "redis"):
            (place / name / "pid").write_text(f"{foreign.pid}\n")
        services("status", "--dir", place, code=3)
        stop(place)
        assert foreign.poll() is None
        for name in ("mariadb", "redis"):
            (place / name / "pid").write_text(f"{foreign.pid}\n")
        assert start(place) == urls
        foreign.kill()


def test_servers_move_to_another_port_when_theirs_was_taken(place: Path) -> None:
    urls = start(place)
    stop(place)
    with socket.socket() as one, socket.socket() as other:
        for listener, url in zip((one, other), urls.values(), strict=True):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", urlsplit(url).port))
            listener.listen()
        moved = start(place)
    assert {urlsplit(url).port for url in moved.values()}.isdisjoint(urlsplit(url).port for url in urls.values())
    assert query(moved["DATABASE_URL"], "SELECT 1") == (1,)
    assert redis_answers(moved["REDIS_URL"])


def test_two_starts_at_once_beside_other_servers_agree(fresh: Path, place: Path) -> None:
    other = start(place)
    both = [subprocess.Popen([SCRIPT, "start", "--dir", fresh], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    first, second = (process.communicate(timeout=60)[0] for process in both)
    assert first == second
    assert len(first.splitlines()) == 2
    assert set(start(fresh).values()).isdisjoint(other.values())
    assert set(processes_in(fresh)) == {"mariadbd", "redis-server"}


def test_a_first_start_that_was_killed_halfway_is_done_again(fresh: Path) -> None:
    started = subprocess.Popen(
        [SCRIPT, "start", "--dir", fresh], start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 20
    while not (fresh / "mariadb/data.new/ibdata1").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(started.pid, signal.SIGKILL)
    assert started.wait() == -signal.SIGKILL
    assert not (fresh / "mariadb/data").exists()
    assert query(start(fresh)["DATABASE_URL"], "SELECT CONVERT_TZ('2024-07-01', 'UTC', 'Asia/Yangon') IS NOT NULL") == (
        1,
    )
