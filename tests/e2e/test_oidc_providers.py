"""The OpenID Connect providers of IAM: made, shown, changed, deleted, bounded, and guarded (auth 2.4)."""
import json
import time

import pytest

from issuer import create_provider
from muster import refused, unique


def test_a_provider_is_made_shown_changed_and_deleted(server):
    iam = server.boto("iam")
    host = f"{unique('id')}.example.test"
    made = create_provider(iam, f"https://{host}/realms/Plant", ClientIDList=["b", "a", "b"],
                           ThumbprintList=["AB" * 20], Tags=[{"Key": "team", "Value": "x"}])
    arn = made["OpenIDConnectProviderArn"]
    assert arn == f"arn:aws:iam::{server.account}:oidc-provider/{host}/realms/Plant"
    assert made["Tags"] == [{"Key": "team", "Value": "x"}]
    shown = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert (shown["Url"], shown["ClientIDList"]) == (f"{host}/realms/Plant", ["b", "a"])
    assert shown["ThumbprintList"] == ["AB" * 20] and shown["Tags"] == [{"Key": "team", "Value": "x"}]
    assert abs(shown["CreateDate"].timestamp() - time.time()) < 60
    assert {"Arn": arn} in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]

    for again in (f"https://{host}/realms/Plant", f"https://{host}/realms/Plant/"):
        with refused("EntityAlreadyExists", 409, "already exists"):
            create_provider(iam, again)
    for _ in range(2):
        iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="c")
        iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="b")
    iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=arn, ThumbprintList=["cd" * 20, "ef" * 20])
    shown = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert shown["ClientIDList"] == ["a", "c"] and shown["ThumbprintList"] == ["cd" * 20, "ef" * 20]

    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    for call in (iam.get_open_id_connect_provider, iam.delete_open_id_connect_provider):
        with refused("NoSuchEntity", 404, f"OpenIDConnect Provider not found for arn {arn}"):
            call(OpenIDConnectProviderArn=arn)
    assert {"Arn": arn} not in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]


@pytest.mark.parametrize("url", [
    "http://id.example.test", "id.example.test", "https://", "https:///x", "ftp://id.example.test",
    "https://id.example.test?a=b", "https://id.example.test/#x", "https://root@id.example.test",
    "https://id.example.test:port", "https://id.example.test:", "https://id.example.test/a b", "https://id.example.test/*",
    "https://id.exa${x}mple", "https://aws", "https://sts/", "https://" + "x" * 250])
def test_a_url_that_is_no_issuers_is_refused(server, url):
    with refused("InvalidInput" if len(url) < 256 else "ValidationError", 400):
        create_provider(server.boto("iam"), url)


def test_limits_of_providers(server):
    iam = server.boto("iam")
    url = f"https://{unique('id')}.example.test:8443"
    with refused("LimitExceeded", 409, "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100"):
        create_provider(iam, url, ClientIDList=[str(i) for i in range(101)])
    with refused("InvalidInput", 400, "ThumbprintList"):
        create_provider(iam, url, ThumbprintList=["ab" * 20] * 6)
    with refused("InvalidInput", 400, "ThumbprintList"):
        create_provider(iam, url, ThumbprintList=["x" * 40])
    arn = create_provider(iam, url, ClientIDList=[str(i) for i in range(100)])[
        "OpenIDConnectProviderArn"]
    with refused("LimitExceeded", 409, "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100"):
        iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="101st")
    assert len(iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"]) == 100
    made = []
    with refused("LimitExceeded", 409, "Cannot exceed quota for OpenIdConnectProvidersPerAccount: 100"):
        for _ in range(101):
            made.append(create_provider(iam, f"https://{unique('id')}.example.test"))
    for one in [arn, *(m["OpenIDConnectProviderArn"] for m in made)]:
        iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=one)


def test_a_provider_of_another_account_is_like_none(server):
    iam = server.boto("iam")
    arn = "arn:aws:iam::999999999999:oidc-provider/id.example.test"
    with refused("NoSuchEntity", 404, "not found"):
        iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    with refused("NoSuchEntity", 404, "not found"):
        iam.get_open_id_connect_provider(OpenIDConnectProviderArn=f"arn:aws:iam::{server.account}:role/x")


def test_rights_are_asked_on_the_provider_and_its_tags(server):
    iam = server.boto("iam")
    mine, theirs = (create_provider(iam, f"https://{unique('id')}.example.test",
                                    Tags=[{"Key": "Team", "Value": team}])["OpenIDConnectProviderArn"]
                    for team in ("pumps", "valves"))
    user = unique("user")
    iam.create_user(UserName=user)
    iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "iam:CreateOpenIDConnectProvider",
         "Resource": f"arn:aws:iam::{server.account}:oidc-provider/mine.*"},
        {"Effect": "Allow", "Action": "iam:*OpenIDConnectProvider*", "Resource": "*",
         "Condition": {"StringEquals": {"aws:ResourceTag/Team": "pumps"}}}]}))
    key = iam.create_access_key(UserName=user)["AccessKey"]
    theirs_iam = server.boto("iam", key["AccessKeyId"], key["SecretAccessKey"])
    assert theirs_iam.get_open_id_connect_provider(OpenIDConnectProviderArn=mine)
    with refused("AccessDenied", 403, f"iam:GetOpenIDConnectProvider on resource: {theirs}"):
        theirs_iam.get_open_id_connect_provider(OpenIDConnectProviderArn=theirs)
    host = f"{unique('id')}.example.test"
    with refused("AccessDenied", 403, f"oidc-provider/{host} "):
        create_provider(theirs_iam, f"https://{host}")
    assert create_provider(theirs_iam, f"https://mine.{host}")
