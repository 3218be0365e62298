"""Who asks, and what it may: users with keys of their own, sessions, roles, and the documents that say what is allowed.

    ada = Person(server, allow("iot:ListThings"))      a user, its key, and what it may do
    ada.boto("iot").list_things()                      or ada.iot.list_things()
    ada.may(deny("iot:*"))                             another policy in the place of the first
    role = make_role(server, trust({"AWS": ada.arn}), allow("iot:*"))
    ada.assume(role["Arn"]).boto("iot").list_things()  a session is a Caller too
"""
import json

import pytest

from muster import unique

VERSION = "2012-10-17"
PROVIDER = {"Service": "credentials.iot.amazonaws.com"}
IOT = {"Service": "iot.amazonaws.com"}


def statement(effect, action, resource="*", **more):
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def allow(action, resource="*", **more):
    return statement("Allow", action, resource, **more)


def deny(action, resource="*", **more):
    return statement("Deny", action, resource, **more)


def document(*statements, version=VERSION):
    return json.dumps({"Version": version, "Statement": list(statements)})


def trust(principal, *actions, condition=None):
    """The document of a role that this principal may assume."""
    more = {"Condition": condition} if condition else {}
    return document({"Effect": "Allow", "Principal": principal, "Action": list(actions) or "sts:AssumeRole", **more})


class Caller:
    """Someone with keys: as IAM and STS answer them, or as the credentials provider does."""

    def __init__(self, server, keys, **facts):
        self.server, self.keys = server, {name[0].upper() + name[1:]: value for name, value in keys.items()}
        self.key, self.secret = self.keys["AccessKeyId"], self.keys["SecretAccessKey"]
        self.token = self.keys.get("SessionToken")
        server.secrets.update(filter(None, (self.secret, self.token)))
        self.__dict__.update(facts)

    def boto(self, service="iot"):
        """What boto3 would refuse by itself is for the server to refuse."""
        return self.server.boto(service, self.key, self.secret, self.token, parameter_validation=False)

    def __getattr__(self, service):
        return self.boto(service)

    def call(self, *arguments, **more):
        return self.server.call(*arguments, credentials=(self.key, self.secret, self.token), **more)

    def assume(self, role, **wish):
        answer = self.boto("sts").assume_role(**{"RoleArn": role, "RoleSessionName": "s1", **wish})
        return Caller(self.server, answer["Credentials"], answer=answer)

    def may_list(self):
        self.boto("iot").list_things(maxResults=1)
        return True


class Person(Caller):
    """A user with a key, and what it may do in an inline policy. more: of CreateUser."""

    def __init__(self, server, *statements, path="/", tags=(), name=None, **more):
        iam, name = server.boto("iam"), name or unique("user")
        made = iam.create_user(UserName=name, Path=path, Tags=[{"Key": k, "Value": v} for k, v in tags], **more)["User"]
        super().__init__(server, iam.create_access_key(UserName=name)["AccessKey"], name=name, arn=made["Arn"],
                         id=made["UserId"])
        if statements:
            self.may(*statements)

    def may(self, *statements, version=VERSION):
        self.server.boto("iam").put_user_policy(UserName=self.name, PolicyName="rights",
                                                PolicyDocument=document(*statements, version=version))
        return self


def make_role(server, trusts, *statements, path="/", **more):
    """A role as CreateRole answers it, and what it may do in an inline policy. more: of CreateRole."""
    iam, name = server.boto("iam"), unique("role")
    made = iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=trusts, **more)["Role"]
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=document(*statements))
    return made


# ---- two that many tests ask for, and none changes ----

@pytest.fixture(scope="session")
def ada(server):
    """A user without any policy."""
    return Person(server)


@pytest.fixture(scope="session")
def lister(server, ada):
    """A role that ada may assume, which may list things."""
    return make_role(server, trust({"AWS": ada.arn}), allow("iot:ListThings"))["Arn"]
