"""The fixtures' library: servers of our own, their API by boto3, by the AWS CLI and by requests signed by hand.

    server = Server(folder)          `muster init` with free ports in folder/d
    server.start()                   musterd; returns after the line "musterd ready"
    server.boto("iot").create_thing(thingName="pump-1")
    server.aws("iot", "list-things")              Debian's aws through `muster aws`; its answer as JSON
    server.call("GET", "/things/pump-1")          one signed request, nothing checked on the way
    server.admin("clock +3600")                   test builds: moves the server's time
    server.stop()                    SIGTERM; status 0, and nothing in the log that must not be there

Which programs: $MUSTER_BUILD, else build-asan, else build. Nothing of the caller's environment reaches them.
"""
import contextlib
import copy
import datetime
import http.client
import json
import os
import pathlib
import random
import re
import select
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.parse
import uuid

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
import botocore.exceptions

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATIENCE_S = 30
SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:abort_on_error=0",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}
NEVER_IN_A_LOG = re.compile(r"AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|ThreadSanitizer|runtime error"
                            r"|which is not in its model|PRIVATE KEY")


def build_folder():
    given = os.environ.get("MUSTER_BUILD")
    if given:
        return pathlib.Path(given)
    return next((ROOT / name for name in ("build-asan", "build") if (ROOT / name / "musterd").exists()), ROOT / "build")


BUILD = build_folder()


def eventually(fact, timeout=PATIENCE_S, what="it"):
    """The first true answer of fact(); fails when there is none in time."""
    end = time.monotonic() + timeout
    while True:
        answer = fact()
        if answer:
            return answer
        assert time.monotonic() < end, f"{what} did not come true in {timeout} s"
        select.select([], [], [], 0.02)


def unique(prefix="x"):
    """A name that no other test has."""
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


def is_free(port):
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                one.bind((address, port))
            except OSError:
                return False
    return True


def free_ports(count):
    """Below the range from which the kernel takes clients' ports."""
    ports = set()
    while len(ports) < count:
        port = random.SystemRandom().randrange(15000, 32000)
        if is_free(port):
            ports.add(port)
    return sorted(ports)


def clean_environment(home):
    return {"PATH": "/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8", "TZ": "UTC", **SANITIZERS}


def run(*command, home="/nonexistent", timeout=60, env=None, **more):
    """A program to its end, with nothing of our environment."""
    return subprocess.run([str(part) for part in command], env={**clean_environment(home), **(env or {})},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, **more)


@contextlib.contextmanager
def refused(name, status, text="", of=None):
    """What stands inside fails with this error: the class `of` models when that is a client of boto3, its HTTP status,
    and a message that holds `text`."""
    expected = getattr(of.exceptions, name) if of else botocore.exceptions.ClientError
    caught = {}
    try:
        yield caught
    except expected as e:
        caught.update(e.response)
        found = (e.response["Error"]["Code"], e.response["ResponseMetadata"]["HTTPStatusCode"])
        assert found == (name, status), f"{found}: {e}"
        assert text in e.response["Error"]["Message"], e
        assert e.response["Error"]["Message"], "an error without a message"
        return
    raise AssertionError(f"{name} was expected, and nothing was refused")


class Identity:
    """A certificate with its key, as files too."""

    def __init__(self, folder, certificate_id, certificate, key, arn=None):
        self.id, self.certificate, self.key, self.arn = certificate_id, certificate, key, arn
        self.certificate_file = pathlib.Path(folder) / f"{certificate_id}.pem"
        self.key_file = pathlib.Path(folder) / f"{certificate_id}.key"
        self.certificate_file.write_text(certificate)
        self.key_file.write_text(key)


@contextlib.contextmanager
def running(**more):
    """A server for the time of a block; stopped, and judged, at its end."""
    with tempfile.TemporaryDirectory(prefix="m-", dir="/tmp") as folder:
        one = Server(f"{folder}/s", **more)
        try:
            yield one.start()
            one.stop()
        finally:
            one.kill()


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        """The error's name as SDKs find it (x509 3.1), or None."""
        return self.headers.get("x-amzn-ErrorType")

    @property
    def message(self):
        return self.json.get("message")

    def __repr__(self):
        return f"{self.status} {self.error} {self.body[:400]!r}"


class Server:
    def __init__(self, folder, options=(), settings=None, env=None, init=True):
        """options: more of `muster init`; settings: of muster.conf; env: for musterd (test modes of the store)."""
        self.home = pathlib.Path(folder)
        self.home.mkdir(parents=True, exist_ok=True)
        self.dir = self.home / "d"
        self.log_file = self.home / "musterd.log"
        self.env, self.process, self.clock_s = dict(env or {}), None, 0
        self.secrets, self._clients, self._connection = set(), {}, None
        if init:
            self.init(options)
            self.configure(**{"key_pool": 8, **(settings or {})})

    # ---- before it runs ----

    def init(self, options=()):
        names = ("--https-port", "--device-https-port", "--mqtt-port", "--metrics-port")
        ports = [part for pair in zip(names, map(str, free_ports(4))) for part in pair]
        done = run(BUILD / "muster", "init", "--dir", self.dir, *ports, *options, home=self.home)
        assert done.returncode == 0, done.stderr
        self.read_environment()

    def read_environment(self):
        self.variables = dict(re.findall(r"^export (\w+)='([^']*)'$", (self.dir / "env").read_text(), re.M))
        self.host, self.ca = self.variables["MUSTER_HOST"], self.variables["MUSTER_CA"]
        self.account, self.region = self.variables["MUSTER_ACCOUNT"], self.variables["AWS_REGION"]
        self.role = self.variables["MUSTER_PROVISIONING_ROLE"]
        self.access_key, self.secret_key = (self.variables[f"AWS_{n}"] for n in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"))
        self.mqtt_port, self.https_port, self.device_https_port, self.metrics_port = (
            int(self.variables[f"MUSTER_{n}_PORT"]) for n in ("MQTT", "HTTPS", "DEVICE_HTTPS", "METRICS"))
        self.endpoint = self.variables["AWS_ENDPOINT_URL"]
        self.secrets.add(self.secret_key)

    def configure(self, **settings):
        """Sets values in muster.conf; takes effect at the next start."""
        path = self.dir / "muster.conf"
        text = path.read_text()
        for name, value in settings.items():
            written = f'"{value}"' if isinstance(value, str) else str(value).lower()
            text, count = re.subn(rf"^{name} = .*$", f"{name} = {written};", text, flags=re.M)
            assert count == 1, f"muster.conf does not set {name}"
        path.write_text(text)

    # ---- its life ----

    def launch(self, wrapper=()):
        """Starts the process and awaits nothing."""
        assert self.process is None
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                [*map(str, wrapper), str(BUILD / "musterd"), "--dir", str(self.dir)], cwd=self.home,
                env={**clean_environment(self.home), **self.env}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=log)
        self.clock_s = 0
        return self

    def await_ready(self, timeout=PATIENCE_S):
        ready, _, _ = select.select([self.process.stdout], [], [], timeout)
        line = self.process.stdout.readline() if ready else b""
        if line != b"musterd ready\n":
            self.process.kill()
            status = self.forget()
            raise AssertionError(f"no 'musterd ready' but {line!r}, status {status}:\n{self.log[-4000:]}")
        return self

    def start(self):
        return self.launch().await_ready()

    def hang_up(self):
        """Closes the connections that this library keeps; a server that stops gives its clients time to do so."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        for client in self._clients.values():
            client._endpoint.http_session.close()

    def forget(self):
        status = self.process.wait(PATIENCE_S)
        self.process.stdout.close()
        self.process = None
        self.hang_up()
        return status

    def stop(self):
        """SIGTERM: it ends with status 0 and an innocent log."""
        if self.process is None:
            return
        self.hang_up()
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.forget()
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"musterd did not end on SIGTERM:\n{self.log[-4000:]}") from None
        assert status == 0, f"musterd ended with status {status}:\n{self.log[-8000:]}"
        self.check_log()

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.forget()

    def restart(self):
        self.stop()
        return self.start()

    @property
    def pid(self):
        return self.process.pid

    @property
    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def check_log(self):
        """No sanitizer's report, no defect, no secret."""
        log = self.log
        found = NEVER_IN_A_LOG.search(log)
        assert not found, f"musterd's log holds {found.group()!r}:\n{log[max(0, found.start() - 500):][:8000]}"
        assert not any(secret in log for secret in self.secrets), "musterd's log holds a secret"

    def admin(self, line):
        """A command of the administration socket (test builds): "clock N", "stall MS", "sweep"."""
        with socket.socket(socket.AF_UNIX) as one:
            one.settimeout(PATIENCE_S)
            one.connect(str(self.dir / "admin.sock"))
            one.sendall(line.encode() + b"\n")
            answer = one.recv(100)
        assert answer == b"ok\n", f"{line}: {answer!r}"
        if line.startswith("clock "):
            self.clock_s += int(line.split()[1])

    def metrics(self):
        """The page of metrics: {name with labels: number}."""
        connection = http.client.HTTPConnection("127.0.0.1", self.metrics_port, timeout=PATIENCE_S)
        with contextlib.closing(connection):
            connection.request("GET", "/metrics")
            lines = connection.getresponse().read().decode().splitlines()
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[:1] != "#")}

    # ---- who asks ----

    def boto(self, service="iot", access_key=None, secret_key=None, token=None, **config):
        """A client of boto3 with the administrator's key, or another; made once."""
        key = (service, access_key, secret_key, token, tuple(sorted(config.items())))
        if key not in self._clients:
            session = boto3.session.Session(access_key or self.access_key, secret_key or self.secret_key, token,
                                            region_name=self.region)
            settings = botocore.config.Config(**{"retries": {"total_max_attempts": 1}, "read_timeout": PATIENCE_S,
                                                 "connect_timeout": PATIENCE_S, **config})
            self._clients[key] = session.client(service, endpoint_url=self.endpoint, verify=self.ca, config=settings)
        return self._clients[key]

    def aws(self, *arguments, fails=False):
        """Debian's aws through `muster aws`: its answer, or with fails=True what it wrote on standard error."""
        done = run(BUILD / "muster", "aws", "--dir", self.dir, *arguments, home=self.home)
        if fails:
            assert done.returncode != 0, done.stdout
            return done.stderr
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    def muster(self, subcommand, *arguments, fails=None):
        """A subcommand of muster on this folder: what it printed; with fails=STATUS what it wrote on standard error."""
        done = run(BUILD / "muster", subcommand, *arguments, "--dir", self.dir, home=self.home)
        assert done.returncode == (fails or 0), done.stderr or done.stdout
        return done.stderr if fails else done.stdout

    def other_account(self, account=None):
        """Another account of the same server, with a key of its own: a Server whose calls are that account's. It is not
        to be started or stopped."""
        made = json.loads(self.muster("account", "create", *([account] if account else []), "--json"))
        other = copy.copy(self)
        other._connection, other._clients = None, {}
        other.account, other.role = made["accountId"], made["provisioningRoleArn"]
        other.access_key, other.secret_key = made["accessKeyId"], made["secretAccessKey"]
        other.data_host = made["endpoints"]["iot:Data-ATS"]
        other.endpoints = made["endpoints"]
        self.secrets.add(other.secret_key)
        return other

    def credentials_host(self):
        """The credentials provider's name: made at its first use, and known to the listener a moment later."""
        name = self.boto("iot").describe_endpoint(endpointType="iot:CredentialProvider")["endpointAddress"]

        def is_known():
            with contextlib.suppress(ssl.SSLError):
                self.tls(server_name=name).close()
                return True
        eventually(is_known, what=name)
        return name

    def tls(self, port=None, alpn=(), identity=None, server_name=None):
        """A TLS connection to one of the ports, as a socket."""
        context = ssl.create_default_context(cafile=self.ca)
        if alpn:
            context.set_alpn_protocols(list(alpn))
        if identity:
            context.load_cert_chain(identity.certificate_file, identity.key_file)
        plain = socket.create_connection(("127.0.0.1", port or self.https_port), PATIENCE_S)
        return context.wrap_socket(plain, server_hostname=server_name or self.host)

    def now(self):
        """The server's idea of now."""
        return datetime.datetime.utcnow() + datetime.timedelta(seconds=self.clock_s)

    def sign(self, method, target, body=b"", headers=None, service="iot", at=None, credentials=None, region=None):
        """Headers of a signed request. `target` is what goes over the wire: path and query, encoded."""
        keys = botocore.credentials.Credentials(*(credentials or (self.access_key, self.secret_key)))
        request = botocore.awsrequest.AWSRequest(method, f"{self.endpoint}{target}", {**(headers or {})}, body)
        request.context["timestamp"] = (at or self.now()).strftime("%Y%m%dT%H%M%SZ")
        signer = botocore.auth.SigV4Auth(keys, service, region or self.region)
        signer._modify_request_before_signing(request)
        text = signer.string_to_sign(request, signer.canonical_request(request))
        signer._inject_signature_to_request(request, signer.signature(text, request))
        return dict(request.headers.items())

    def presign(self, target, service="iot", expires=60, at=None):
        """The target of a presigned GET."""
        keys = botocore.credentials.Credentials(self.access_key, self.secret_key)
        request = botocore.awsrequest.AWSRequest("GET", f"{self.endpoint}{target}")
        request.context["timestamp"] = (at or self.now()).strftime("%Y%m%dT%H%M%SZ")
        signer = botocore.auth.SigV4QueryAuth(keys, service, self.region, expires)
        signer._modify_request_before_signing(request)
        text = signer.string_to_sign(request, signer.canonical_request(request))
        signer._inject_signature_to_request(request, signer.signature(text, request))
        return request.url[len(self.endpoint):]

    def line(self):
        """The same server asked over a connection of one's own: for threads."""
        other = copy.copy(self)
        other._connection, other._clients = None, {}
        return other

    def ask(self, method, target, body=b"", headers=None):
        """One request exactly as given, over a connection that is kept. `headers` may hold anything."""
        for attempt in (1, 2):
            fresh = self._connection is None
            if fresh:
                context = ssl.create_default_context(cafile=self.ca)
                self._connection = http.client.HTTPSConnection(self.host, self.https_port, timeout=PATIENCE_S,
                                                               context=context)
            try:
                self._connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
                for name, value in {"Host": self.endpoint.split("//")[1], "Content-Length": str(len(body)),
                                    **(headers or {})}.items():
                    self._connection.putheader(name, value)
                self._connection.endheaders(body or None)
                response = self._connection.getresponse()
                answer = Answer(response.status, response.headers, response.read())
                if response.will_close:
                    self._connection.close()
                    self._connection = None
                return answer
            except (http.client.BadStatusLine, ConnectionError, ssl.SSLError):
                self._connection.close()
                self._connection = None
                if fresh:
                    raise

    def call(self, method, path, body=None, query=None, headers=None, **signing):
        """One signed request of the API. body: bytes, or anything that JSON can say; query: pairs or a dict."""
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        target = path + ("?" + urllib.parse.urlencode(query, quote_via=urllib.parse.quote) if query else "")
        typed = {"Content-Type": "application/json"} if data else {}
        return self.ask(method, target, data, self.sign(method, target, data, {**typed, **(headers or {})}, **signing))

    # ---- what tests begin with ----

    def certificate(self, active=True, policy=None):
        """Keys and certificate made by the API; policy: the name of one to attach."""
        made = self.boto().create_keys_and_certificate(setAsActive=active)
        key = made["keyPair"]["PrivateKey"]
        self.secrets.add(key.splitlines()[1])
        if policy:
            self.boto().attach_policy(policyName=policy, target=made["certificateArn"])
        return Identity(self.home, made["certificateId"], made["certificatePem"], key, made["certificateArn"])

    def policy(self, *statements, name=None):
        """A policy of the given statements (default: everything is allowed); its name."""
        name = name or unique("policy")
        allow = {"Effect": "Allow", "Action": "iot:*", "Resource": "*"}
        self.boto().create_policy(policyName=name, policyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": list(statements) or [allow]}))
        return name

    def arn(self, rest):
        return f"arn:aws:iot:{self.region}:{self.account}:{rest}"

    def claim_policy(self, template="*"):
        """What a claim certificate may do (README): connect, ask for certificates, provision by its template."""
        topics = ["$aws/certificates/create/*", "$aws/certificates/create-from-csr/*",
                  f"$aws/provisioning-templates/{template}/provision/*"]
        return self.policy(
            {"Effect": "Allow", "Action": "iot:Connect", "Resource": "*"},
            {"Effect": "Allow", "Action": ["iot:Publish", "iot:Receive"],
             "Resource": [self.arn(f"topic/{topic}") for topic in topics]},
            {"Effect": "Allow", "Action": "iot:Subscribe",
             "Resource": [self.arn(f"topicfilter/{topic}") for topic in topics]})

    def claim(self, template="*"):
        """A claim certificate, active, with its policy."""
        return self.certificate(policy=self.claim_policy(template))

    def template(self, body=None, name=None, policy=None, **more):
        """An enabled template of type FLEET_PROVISIONING; its name. The default one needs SerialNumber."""
        name = name or unique("template")
        self.boto().create_provisioning_template(
            templateName=name, provisioningRoleArn=self.role,
            templateBody=json.dumps(body or simple_template(policy or self.policy())), **{"enabled": True, **more})
        return name


def simple_template(policy, thing=None):
    """A thing named after SerialNumber, the certificate made active, a policy by name."""
    return {
        "Parameters": {"SerialNumber": {"Type": "String"}},
        "Resources": {
            "thing": {"Type": "AWS::IoT::Thing",
                      "Properties": {"ThingName": thing or {"Fn::Join": ["-", ["pump", {"Ref": "SerialNumber"}]]},
                                     "AttributePayload": {"serial": {"Ref": "SerialNumber"}}}},
            "certificate": {"Type": "AWS::IoT::Certificate",
                            "Properties": {"CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}, "Status": "ACTIVE"}},
            "policy": {"Type": "AWS::IoT::Policy", "Properties": {"PolicyName": policy}},
        },
        "DeviceConfiguration": {"Url": "https://pumps.example"},
    }
