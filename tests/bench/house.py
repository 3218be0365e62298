"""What the benchmarks share: servers of their own, ended by their id, and their CPU time.

    make_folder(build, folder, port)        `muster init` with free ports; no chatter in the log
    with Server("musterd", [...], port) as server:
        server.wait_for_line(b"musterd ready\\n")
        server.cpu_us()                     of all its threads, from the kernel
"""
import contextlib
import os
import pathlib
import re
import select
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
READY_S, STOP_S, RUN_S, QUIET_S = 30, 10, 300, 60
ENV = {k: v for k, v in os.environ.items() if not k.startswith("AWS_") and not k.upper().endswith("_PROXY")}


def fail(text):
    sys.exit(f"bench: {text}")


def run(*command, **more):
    done = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                          timeout=RUN_S, env=ENV, **more)
    if done.returncode != 0:
        fail(f"{command[0]} {command[1]} failed: {done.stdout.strip()}")
    return done.stdout


def free_ports(count):
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]


# ---- servers ----

class Server:
    """A child process; it is ended by its id, whatever happens."""

    def __init__(self, name, command, port):
        self.name, self.port = name, port
        self.process = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, env=ENV)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def wait_for_line(self, line):
        said, end = b"", time.monotonic() + READY_S
        while line not in said:
            if not select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))[0]:
                fail(f"{self.name} did not say {line.decode()}")
            more = os.read(self.process.stdout.fileno(), 4096)
            said += more
            if not more:
                fail(f"{self.name} ended at once")

    def wait_for_port(self):
        end = time.monotonic() + READY_S
        while time.monotonic() < end and self.process.poll() is None:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            select.select([], [], [], 0.02)
        fail(f"{self.name} does not listen")

    def cpu_ticks(self):
        words = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(words[11]) + int(words[12])

    def cpu_us(self):
        """Finer than ticks: what each thread ran, in nanoseconds; threads of musterd do not end while it runs."""
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1000

    def wait_until_quiet(self):
        """RSA keys are made ahead of time when musterd starts: they are no part of a connection."""
        end, last = time.monotonic() + QUIET_S, -1
        while time.monotonic() < end:
            now = self.cpu_ticks()
            if now == last:
                return
            last = now
            select.select([], [], [], 0.3)
        fail(f"{self.name} does not come to rest")


def read_env(folder):
    return dict(re.findall(r"^export (\w+)='(.*)'$", (folder / "env").read_text(), re.M))


def set_setting(folder, name, value):
    path = folder / "muster.conf"
    text, count = re.subn(rf"^{name} = .*;$", f"{name} = {value};", path.read_text(), flags=re.M)
    if count != 1:
        fail(f"muster.conf has no {name}")
    path.write_text(text)


def make_folder(build, folder, port):
    ports = free_ports(3)
    run(build / "muster", "init", "--dir", folder, "--mqtt-port", port, "--https-port", ports[0],
        "--device-https-port", ports[1], "--metrics-port", ports[2])
    set_setting(folder, "log_level", '"warn"')  # mosquitto does not log either
    set_setting(folder, "key_pool", "1")


def operator(folder):
    import boto3
    env = read_env(folder)
    return boto3.client("iot", endpoint_url=env["AWS_ENDPOINT_URL"], verify=env["AWS_CA_BUNDLE"],
                        region_name=env["AWS_REGION"], aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
                        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"])
