"""What the tests of IAM's entities share: a user, a role, a group, people with keys, and the query protocol in the raw."""
import urllib.parse
import xml.etree.ElementTree

import pytest

from muster import unique
from people import IOT, Person, trust

NAMESPACE = "{https://iam.amazonaws.com/doc/2010-05-08/}"
TRUST_IOT = trust(IOT)


@pytest.fixture
def iam(server):
    return server.boto("iam")


@pytest.fixture
def user(iam):
    name = unique("user")
    iam.create_user(UserName=name)
    return name


@pytest.fixture
def role(iam):
    name = unique("role")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST_IOT)
    return name


@pytest.fixture
def group(iam):
    name = unique("group")
    iam.create_group(GroupName=name)
    return name


@pytest.fixture
def login(server):
    """login(statement...) is a person of the shared server."""
    return lambda *statements, **more: Person(server, *statements, **more)


def call(server, action, signing=None, **members):
    """One request of the query protocol, signed, and its answer's XML."""
    body = urllib.parse.urlencode({"Action": action, "Version": "2010-05-08", **members}).encode()
    form = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    answer = server.ask("POST", "/", body, server.sign("POST", "/", body, form, service="iam", **(signing or {})))
    return answer, xml.etree.ElementTree.fromstring(answer.body)


def texts(tree, name):
    return [element.text for element in tree.iter(NAMESPACE + name)]
