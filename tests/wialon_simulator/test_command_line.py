"""`python -m wialon_simulator`: announces itself, serves, and leaves when told to."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [
    sys.executable,
    "-m",
    "wialon_simulator",
    "--port",
    "0",
    "--trucks",
    "2",
    "--days",
    "1",
    "--now",
    "1763900000",
]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_its_address_and_token_serves_and_exits_cleanly(number: int):
    with subprocess.Popen([*COMMAND, "--frozen"], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        line = process.stdout.readline()
        announced = re.fullmatch(r"Wialon simulator on (http://127\.0\.0\.1:\d+)  token ([0-9a-f]{72})\n", line)
        params = f'{{"token":"{announced[2]}","fl":1}}'
        answer = httpx.post(f"{announced[1]}/wialon/ajax.html", data={"svc": "token/login", "params": params}).json()
        process.send_signal(number)
        assert process.wait(timeout=5) == 0
    assert answer["tm"] == 1763900000


@pytest.mark.parametrize(("option", "value"), [("--timezone", "Chicago/America"), ("--replay", "no such file.csv")])
def test_nonsense_is_refused_with_a_sentence(option: str, value: str):
    done = subprocess.run([*COMMAND, option, value], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert value in done.stderr and "Traceback" not in done.stderr


def test_a_recording_is_served_from_its_file(tmp_path: Path):
    recording = tmp_path / "track.csv"
    recording.write_text("vehicle_id,t,lat,lon\nV,1000,50,8\n")
    command = [*COMMAND[:5], "--replay", str(recording), "--frozen"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().split()[3]
        served = httpx.get(f"{url}/simulator/messages", params={"unit": 601001}).json()
        process.terminate()
    assert (served["now"], served["messages"][0]["t"]) == (1060, 1000)
