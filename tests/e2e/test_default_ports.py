"""Clients on the ports that AWS has, 443, 8883 and 8443, by the host name that DescribeEndpoint gives (x509 4.8): in a
network namespace of their own with a hosts file of its own, so that nothing else on the machine is asked or disturbed.
Needs root, and util-linux and iproute2."""
import contextlib
import json
import select
import shutil
import subprocess
import time

import pytest

from fleet import Fleet
from muster import PATIENCE_S, ROOT, Server, clean_environment, run, unique

NODE = ROOT / "tests" / "e2e" / "node"
PORTS = {"mqtt_port": 8883, "https_port": 443, "device_https_port": 8443, "metrics_port": 9100}
MAKE = '/sbin/ip link set lo up && mount --bind "$0" /etc/hosts && echo made && cat; umount /etc/hosts'


class World:
    """A namespace, kept by a process that waits."""

    def __init__(self, folder, names):
        hosts = folder / "hosts"
        hosts.write_text("".join(f"127.0.0.1 {name}\n" for name in names))
        # where / is no mount point of its own (a chroot), how mounts travel cannot be changed
        private = run("unshare", "--mount", "true").returncode == 0
        travel = [] if private else ["--propagation", "unchanged"]
        self.keeper = subprocess.Popen(["unshare", "--net", "--mount", *travel, "sh", "-c", MAKE, str(hosts)], text=True,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                       env=clean_environment(folder))
        line = self.keeper.stdout.readline()
        assert line == "made\n", f"no namespace (is this root?): {self.keeper.stderr.read()}"
        self.enter = ("nsenter", "--target", str(self.keeper.pid), "--net", "--mount", "--root", "--wd", "--")

    def end(self):
        self.keeper.communicate(timeout=PATIENCE_S)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """An account that is not the default one, a device of it, and the server, first prepared where we reach its API, then
    started inside, on AWS's ports."""
    folder = tmp_path_factory.mktemp("ports")
    server = Server(folder / "s").start()
    with contextlib.ExitStack() as stack:
        stack.callback(server.kill)
        fleet = Fleet(server.other_account())
        server.host_of_devices = fleet.iot.describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"]
        server.device = fleet.device()
        server.stop()
        server.configure(**PORTS)
        server.world = World(folder, ["localhost", server.host_of_devices])
        stack.callback(server.world.end)
        server.launch(server.world.enter).await_ready()
        yield server
        server.stop()


def inside(house, *command):
    return run(*house.world.enter, *command, home=house.home)


def credentials(house):
    return "--cert", house.device.certificate_file, "--key", house.device.key_file


MQTT_WAYS = pytest.mark.parametrize("port, alpn", [(443, ("--tls-alpn", "x-amzn-mqtt-ca")), (8883, ()),
                                                   (8883, ("--tls-alpn", "x-amzn-mqtt-ca"))])


def mosquitto(house, program, port, alpn, *more):
    return inside(house, program, "-h", house.host_of_devices, "-p", port, *alpn, "--cafile", house.ca,
                  *credentials(house), "-i", unique("lamp"), "-q", "1", *more)


@MQTT_WAYS
def test_x509_30_mosquitto_on_the_ports_of_aws(house, port, alpn):
    topic = unique("lamps/x")
    done = mosquitto(house, "mosquitto_pub", port, alpn, "-t", topic, "-m", "on", "-r")
    assert done.returncode == 0, done.stderr
    done = mosquitto(house, "mosquitto_sub", port, alpn, "-t", topic, "-C", "1", "-W", "10")
    assert (done.returncode, done.stdout) == (0, "on\n"), done.stderr


def test_x509_30_mqtt_on_443_without_its_protocol_name_is_no_mqtt(house):
    done = mosquitto(house, "mosquitto_pub", 443, (), "-t", "lamps/y", "-m", "on")
    assert done.returncode != 0


def test_x509_30_curl_publishes_with_a_certificate_on_8443(house):
    topic = unique("lamps/x")

    def curl(*more):
        done = inside(house, "curl", "-sS", "--max-time", "20", "--cacert", house.ca, "-w", "\n%{http_code}", "-d", "by curl",
                      *more, f"https://{house.host_of_devices}:8443/topics/{topic}?qos=1&retain=true")
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()
    assert curl(*credentials(house))[-1] == "200"
    done = mosquitto(house, "mosquitto_sub", 8883, (), "-t", topic, "-C", "1", "-W", "10")
    assert done.stdout == "by curl\n", done.stderr
    *body, status = curl()
    assert status == "403" and json.loads("".join(body))["message"] == "Forbidden"


class Sdk:
    """default_port.js inside, as long as it is wanted."""

    def __init__(self, house, protocol, port):
        wish = {"port": port, "host": house.host_of_devices, "ca": house.ca, "certificate": str(house.device.certificate_file),
                "key": str(house.device.key_file), "clientId": unique("sdk"), "protocol": protocol}
        self.process = subprocess.Popen(
            [*house.world.enter, shutil.which("node"), str(NODE / "default_port.js"), json.dumps(wish)], cwd=NODE,
            env=clean_environment(house.home), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def await_line(self, wanted):
        end, lines = time.monotonic() + PATIENCE_S, []
        while time.monotonic() < end:
            if select.select([self.process.stdout], [], [], 0.2)[0]:
                lines.append(self.process.stdout.readline().decode().strip())
                if lines[-1] == wanted:
                    return
            assert self.process.poll() is None, self.process.stderr.read().decode()
        raise AssertionError(f"{wanted!r} did not come, but {lines}")

    def end(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE_S)
        self.process.stdout.close()
        self.process.stderr.close()


def peers(house, port):
    """How many connections to this port stand, as the kernel tells it."""
    done = inside(house, "cat", "/proc/net/tcp", "/proc/net/tcp6")
    rows = [line.split() for line in done.stdout.splitlines() if "local_address" not in line]
    return sum(row[2].endswith(f":{port:04X}") and row[3] == "01" for row in rows)


def test_x509_30_the_device_sdk_on_its_default_port_and_443_comes_back_by_itself(house):
    """Both of its clients, with no port given and with 443; they offer x-amzn-mqtt-ca on either. The server is stopped
    and started; nobody tells them."""
    with contextlib.ExitStack() as stack:
        sdks = [Sdk(house, protocol, port) for protocol in ("mqtt5", "mqtt311") for port in (None, 443)]
        for sdk in sdks:
            stack.callback(sdk.end)
        for sdk in sdks:
            sdk.await_line("here 1")
        assert (peers(house, 443), peers(house, 8883)) == (2, 2)
        house.stop()
        house.launch(house.world.enter).await_ready()
        for sdk in sdks:
            sdk.await_line("here 2")
        assert (peers(house, 443), peers(house, 8883)) == (2, 2)
