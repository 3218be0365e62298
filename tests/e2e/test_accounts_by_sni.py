"""Which account a device lands in: by the host it names, or without one by its registration in DEFAULT mode (x509 4.8,
"which account"; scenarios 27 and 28). Registered in A, in B or in both; DEFAULT or SNI_ONLY; dialling the host of A, of B,
none at all, or one that nobody has."""
import http.client
import socket
import ssl

import mqtt
import pytest

from fleet import Fleet, document
from muster import PATIENCE_S, eventually, refused, unique
from pki import Authority, register

CLOSED, ALERT = "closed", "alert"
HOSTS = ("A", "B", None, "unknown")
TABLE = [
    # registered in            A       B       none    unknown
    ({"A": "DEFAULT"},         "A",    CLOSED, "A",    ALERT),
    ({"B": "DEFAULT"},         CLOSED, "B",    "B",    ALERT),
    ({"A": "DEFAULT", "B": "DEFAULT"}, "A", CLOSED, "A", ALERT),  # the second registration is refused (4.5)
    ({"A": "SNI_ONLY"},        "A",    CLOSED, CLOSED, ALERT),
    ({"B": "SNI_ONLY"},        CLOSED, "B",    CLOSED, ALERT),
    ({"A": "SNI_ONLY", "B": "SNI_ONLY"}, "A", "B", CLOSED, ALERT),
    ({"A": "DEFAULT", "B": "SNI_ONLY"}, "A", "B",  "A",    ALERT),
    ({"A": "SNI_ONLY", "B": "DEFAULT"}, "A", "B",  "B",    ALERT),
]


def name_of(modes):
    return ", ".join(f"{mode} in {account}" for account, mode in modes.items())


class Account:
    def __init__(self, name, server, authority, twin, folder):
        """authority: a CA that is DEFAULT here or, as an account of the region has it already, a twin of the same name
        and key."""
        self.name, self.server, self.iot, self.fleet = name, server, server.boto("iot"), Fleet(server)
        self.host = self.iot.describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"]
        eventually(self.is_served, what=self.host)
        register(server, twin)
        self.default_ca = twin.pem
        self.iot.register_ca_certificate(caCertificate=authority.pem, certificateMode="SNI_ONLY", setAsActive=True)
        self.sni_only_ca = authority.pem
        self.policy = unique("policy")
        allow = self.fleet.policies.allow
        self.iot.create_policy(policyName=self.policy, policyDocument=document(
            allow("iot:Connect", "*"), allow("iot:Subscribe", f"topicfilter/of/{name}"),
            allow("iot:Publish", f"topic/of/{name}")))

    def is_served(self):
        try:
            self.server.tls(server_name=self.host).close()
            return True
        except ssl.SSLError:
            return False

    def take(self, device, mode, status="ACTIVE"):
        ca = self.default_ca if mode == "DEFAULT" else self.sni_only_ca
        made = self.iot.register_certificate(certificatePem=device.certificate, caCertificatePem=ca, status=status)
        self.iot.attach_policy(policyName=self.policy, target=made["certificateArn"])
        return made["certificateArn"]


@pytest.fixture(scope="module")
def house(server, tmp_path_factory):
    """Accounts A and B, neither of them the default one, and an authority that both have: in SNI_ONLY mode the same CA,
    in DEFAULT mode, which one account alone may have, each a certificate of its own for the same name and key."""
    folder = tmp_path_factory.mktemp("pki")
    authority = Authority(folder, "/O=Two/CN=Two houses")
    twins = [Authority(folder, "/O=Two/CN=Two houses", same_key=authority) for _ in range(2)]
    house = {name: Account(name, server.other_account(), authority, twin, folder) for name, twin in zip("AB", twins)}
    house["authority"] = authority
    return house


@pytest.fixture(scope="module")
def devices(house):
    """One certificate for each row of the table."""
    made = {}
    for modes, *_ in TABLE:
        device = house["authority"].device(unique("lamp"))
        for number, (account, mode) in enumerate(modes.items()):
            if number == 1 and set(modes.values()) == {"DEFAULT"}:
                with refused("InvalidRequestException", 400, "This request is not valid"):
                    house[account].take(device, mode)
            else:
                house[account].take(device, mode)
        made[name_of(modes)] = device
    return made


def context_of(server, device, host, alpn=()):
    context = mqtt.tls_context(server.ca, device, alpn)
    context.check_hostname = host is not None
    return context


def dialled(house, host):
    return house[host].host if host in house else "nobody.iot.us-east-1.localhost" if host else None


def landed_by_mqtt(server, device, host, alpn=()):
    """The account whose policies the connection has: A, B or both (which never is right), or how it ended."""
    try:
        client = mqtt.Client((server.host, server.https_port if alpn else server.mqtt_port),
                             context_of(server, device, host, alpn), server_name=host)
    except ssl.SSLError as e:
        assert "UNRECOGNIZED_NAME" in str(e).upper(), e
        return ALERT
    with client:
        try:
            assert client.connect(unique("lamp")).reason == 0
        except mqtt.Closed:
            return CLOSED
        granted = [code < 0x80 for code in client.subscribe("of/A", "of/B")]
        return {(True, False): "A", (False, True): "B"}[tuple(granted)]


def landed_by_https(server, device, host, alpn=()):
    context = context_of(server, device, host, alpn)
    port = server.https_port if alpn else server.device_https_port
    allowed = []
    for account in "AB":
        connection = http.client.HTTPSConnection(server.host, port, timeout=PATIENCE_S)
        plain = socket.create_connection((server.host, port), PATIENCE_S)
        try:
            connection.sock = context.wrap_socket(plain, server_hostname=host)
        except ssl.SSLError as e:
            assert "UNRECOGNIZED_NAME" in str(e).upper(), e
            return ALERT
        connection.request("POST", f"/topics/of/{account}?qos=1", b"x")
        answer = connection.getresponse()
        assert answer.status in (200, 403), answer.status
        allowed.append(answer.status == 200)
        connection.close()
    return {(True, False): "A", (False, True): "B", (False, False): CLOSED}[tuple(allowed)]


CASES = [pytest.param(name_of(modes), host, outcome, id=f"{name_of(modes)}; host {host}: {outcome}")
         for modes, *outcomes in TABLE for host, outcome in zip(HOSTS, outcomes)]


@pytest.mark.parametrize("registered, host, outcome", CASES)
def test_x509_28_the_host_or_the_default_registration_decides(server, house, devices, registered, host, outcome):
    assert landed_by_mqtt(server, devices[registered], dialled(house, host)) == outcome


@pytest.mark.parametrize("registered, host, outcome", CASES)
def test_x509_28_https_lands_where_mqtt_does(server, house, devices, registered, host, outcome):
    assert landed_by_https(server, devices[registered], dialled(house, host)) == outcome


@pytest.mark.parametrize("host, outcome", zip(HOSTS, ("A", "B", CLOSED, ALERT)))
def test_x509_28_on_443_by_alpn_it_is_the_same(server, house, devices, host, outcome):
    device = devices["SNI_ONLY in A, SNI_ONLY in B"]
    assert landed_by_mqtt(server, device, dialled(house, host), ["x-amzn-mqtt-ca"]) == outcome
    assert landed_by_https(server, device, dialled(house, host), ["x-amzn-http-ca"]) == outcome


def test_the_hosts_letters_may_be_large(server, house, devices):
    device = devices["SNI_ONLY in A, SNI_ONLY in B"]
    context = mqtt.tls_context(server.ca, device)
    context.check_hostname = False
    for account in "AB":
        with mqtt.Client((server.host, server.mqtt_port), context, server_name=house[account].host.upper()) as client:
            assert client.connect(unique("lamp")).reason == 0
            assert client.subscribe(f"of/{account}") == [1]


def test_x509_27_one_certificate_is_two_devices(server, house):
    """What it publishes to one host arrives in that account only; INACTIVE in one leaves the other alone."""
    device = house["authority"].device(unique("lamp"))
    listeners = {}
    for name in "AB":
        account = house[name]
        arn = account.take(device, "SNI_ONLY")
        account.iot.attach_policy(policyName=account.server.policy(), target=arn)
        listeners[name] = account.fleet.connect(account.fleet.device(), server_name=account.host)
        listeners[name].subscribe("lamps/#")
    for name in "AB":
        with house[name].fleet.connect(device, server_name=house[name].host) as client:
            client.publish("lamps/x", name.encode(), qos=1)
    for name in "AB":
        assert listeners[name].message().payload == name.encode()
        with house[name].fleet.connect(house[name].fleet.device(), server_name=house[name].host) as client:
            client.publish("lamps/last", b"last", qos=1)
        assert listeners[name].message().payload == b"last", "something of the other account came through"
    with house["B"].fleet.connect(device, server_name=house["B"].host) as lamp:
        house["A"].iot.update_certificate(certificateId=device.id, newStatus="INACTIVE")
        assert house["A"].fleet.is_refused_silently(device, server_name=house["A"].host)
        lamp.publish("lamps/y", b"still here", qos=1)
        assert listeners["B"].message().payload == b"still here"
    for one in listeners.values():
        one.drop()


# ---- the default account as the last resort ----

@pytest.mark.parametrize("last_resort", [False, True])
def test_without_a_name_the_default_account_is_the_last_resort_only_when_it_is_configured(make_server, last_resort,
                                                                                          tmp_path):
    """default_account_without_sni: for clients that dial an address. A DEFAULT registration elsewhere comes first."""
    server = make_server(settings={"default_account_without_sni": last_resort})
    fleet, other = Fleet(server), server.other_account()
    authority = Authority(tmp_path, "/CN=somebody")
    device, theirs = authority.device(), authority.device()
    register(other, authority)
    for one, name in ((device, "A"), (theirs, "A")):
        made = fleet.iot.register_certificate_without_ca(certificatePem=one.certificate, status="ACTIVE")
        allow = fleet.policies.allow
        fleet.iot.attach_policy(policyName=fleet.policy(allow("iot:Connect", "*"), allow("iot:Subscribe", "topicfilter/of/A")),
                                target=made["certificateArn"])
    made = other.boto().register_certificate(certificatePem=theirs.certificate, status="ACTIVE")
    allow = Fleet(other).policies.allow
    Fleet(other).attach(Fleet(other).keep(theirs.certificate, theirs.key, theirs.id), allow("iot:Connect", "*"),
                        allow("iot:Subscribe", "topicfilter/of/B"))
    assert landed_by_mqtt(server, device, "localhost") == "A"
    assert landed_by_mqtt(server, device, None) == ("A" if last_resort else CLOSED)
    assert landed_by_mqtt(server, theirs, None) == "B"
