"""Fixtures. `server` is shared by the whole session: tests use names of their own (muster.unique) and leave its clock
alone. `fresh_server` is a test's own, `make_server(...)` one with options; both are stopped, and judged, at the end."""
import os
import tempfile

import pytest

import muster

pytest_plugins = ["fleet", "people"]

# boto3 runs in this process: what the machine's shell says must not lead it astray.
for name in list(os.environ):
    if name.startswith(("AWS_", "SSL_")) or name.upper().endswith("_PROXY") or name.endswith("_CA_BUNDLE"):
        del os.environ[name]
os.environ.update(AWS_CONFIG_FILE="/dev/null", AWS_SHARED_CREDENTIALS_FILE="/dev/null",
                  AWS_EC2_METADATA_DISABLED="true")


@pytest.fixture(scope="session")
def short_folder():
    """A name of a socket has 107 bytes at most, so folders are short."""
    with tempfile.TemporaryDirectory(prefix="m-", dir="/tmp") as folder:
        yield folder


@pytest.fixture(scope="session")
def server(short_folder):
    running = muster.Server(f"{short_folder}/s", settings={"key_pool": 32}).start()
    yield running
    running.stop()


@pytest.fixture(scope="session", autouse=True)
def stuck_clients(server):
    """Sockets that stopped in the middle of a request's head when the session began: their patience of 30 s runs while
    other tests do."""
    sockets = [server.tls() for _ in range(2)]
    sockets[0].sendall(b"GET /things HTTP/1.1\r\nHost: local")
    sockets[1].sendall(b"G")
    yield sockets
    for one in sockets:
        one.close()


@pytest.fixture
def make_server():
    """make_server(options=(...), settings={...}, env={...}) starts one of the test's own; start=False leaves that out."""
    made = []
    with tempfile.TemporaryDirectory(prefix="m-", dir="/tmp") as folder:
        def make(start=True, **more):
            one = muster.Server(f"{folder}/{len(made)}", **more)
            made.append(one)
            return one.start() if start else one
        yield make
        try:
            for one in made:
                one.stop()
        finally:
            for one in made:
                one.kill()


@pytest.fixture
def fresh_server(make_server):
    return make_server()


@pytest.fixture
def iot(server):
    return server.boto("iot")
