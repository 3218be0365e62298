"""A certificate's transfer from one account to another (x509 4.7): every state, every error, races with one winner."""
import concurrent.futures
import contextlib
import json

import pytest

from fleet import ALLOW_ALL, Fleet
from muster import eventually, refused

LATE = ("TransferAlreadyCompletedException", 410)
NOT_THERE = ("ResourceNotFoundException", 404)
WRONG_STATE = ("CertificateStateException", 406)
CONFLICT = ("TransferConflictException", 409)
INVALID = ("InvalidRequestException", 400)


class Party:
    """An account and what it sees."""

    def __init__(self, server):
        self.server, self.iot, self.account, self.arn = server, server.boto("iot"), server.account, server.arn
        self.fleet = Fleet(server)

    def describe(self, id_):
        return self.iot.describe_certificate(certificateId=id_)["certificateDescription"]

    def status(self, id_):
        """None: it is not there."""
        with contextlib.suppress(self.iot.exceptions.ResourceNotFoundException):
            return self.describe(id_)["status"]

    def listed(self, id_):
        pages = self.iot.get_paginator("list_certificates").paginate()
        return [c for page in pages for c in page["certificates"] if c["certificateId"] == id_]

    def outgoing(self, id_):
        pages = self.iot.get_paginator("list_outgoing_certificates").paginate()
        return [c for page in pages for c in page["outgoingCertificates"] if c["certificateId"] == id_]

    def transfer(self, to, id_, **more):
        return self.iot.transfer_certificate(certificateId=id_, targetAwsAccount=to.account, **more)

    def certificate(self, active=False):
        return self.fleet.certificate(active=active)


@pytest.fixture(scope="module")
def source(server):
    return Party(server.other_account())


@pytest.fixture(scope="module")
def target(server):
    return Party(server.other_account())


@pytest.fixture(scope="module")
def third(server):
    return Party(server.other_account())


def accept(party, id_, **more):
    return party.iot.accept_certificate_transfer(certificateId=id_, **more)


def reject(party, id_, **more):
    return party.iot.reject_certificate_transfer(certificateId=id_, **more)


def cancel(party, id_):
    return party.iot.cancel_certificate_transfer(certificateId=id_)


ENDS = {"accept": accept, "reject": reject, "cancel": cancel}


# ---- scenario 29 ----

def test_x509_29_a_transfer_is_accepted(source, target):
    device = source.certificate()
    before = source.describe(device.id)
    assert before["transferData"] == {} and "previousOwnedBy" not in before
    answer = source.transfer(target, device.id, transferMessage="lot 7")
    assert answer["transferredCertificateArn"] == target.arn(f"cert/{device.id}")

    pending = source.describe(device.id)
    assert (pending["status"], pending["ownedBy"]) == ("PENDING_TRANSFER", source.account)
    assert pending["transferData"]["transferMessage"] == "lot 7" and "transferDate" in pending["transferData"]
    assert pending["customerVersion"] == before["customerVersion"] + 1
    incoming = target.describe(device.id)
    assert (incoming["status"], incoming["ownedBy"]) == ("PENDING_TRANSFER", source.account)
    assert incoming["certificateArn"] == target.arn(f"cert/{device.id}") and "previousOwnedBy" not in incoming
    assert incoming["transferData"] == pending["transferData"]
    assert [c["status"] for c in source.listed(device.id) + target.listed(device.id)] == ["PENDING_TRANSFER"] * 2
    outgoing, = source.outgoing(device.id)
    assert outgoing["certificateArn"] == target.arn(f"cert/{device.id}")
    assert (outgoing["transferredTo"], outgoing["transferMessage"]) == (target.account, "lot 7")
    assert outgoing["creationDate"] == before["creationDate"]
    assert outgoing["transferDate"] == pending["transferData"]["transferDate"]
    assert target.outgoing(device.id) == []

    accept(target, device.id)
    owned = target.describe(device.id)
    assert (owned["status"], owned["ownedBy"], owned["previousOwnedBy"]) == ("INACTIVE", target.account, source.account)
    assert owned["certificateArn"] == target.arn(f"cert/{device.id}")
    assert owned["transferData"]["acceptDate"] >= owned["transferData"]["transferDate"]
    assert owned["customerVersion"] == before["customerVersion"] + 2
    same = ("certificatePem", "creationDate", "generationId", "validity", "certificateMode")
    assert all(owned[name] == before[name] for name in same)
    assert source.status(device.id) is None and source.listed(device.id) == [] and source.outgoing(device.id) == []
    with refused(*LATE, of=target.iot):
        accept(target, device.id)
    with refused(*LATE, of=target.iot):
        reject(target, device.id)
    with refused(*LATE, of=source.iot):
        cancel(source, device.id)


def test_x509_29_a_transfer_is_rejected(source, target):
    device = source.certificate()
    source.transfer(target, device.id)
    reject(target, device.id, rejectReason="not ours")
    found = source.describe(device.id)
    assert (found["status"], found["ownedBy"]) == ("INACTIVE", source.account)
    assert found["transferData"]["rejectReason"] == "not ours"
    assert found["transferData"]["rejectDate"] >= found["transferData"]["transferDate"]
    assert "previousOwnedBy" not in found and "acceptDate" not in found["transferData"]
    assert target.status(device.id) is None and target.listed(device.id) == [] and source.outgoing(device.id) == []
    for end in (accept, reject):
        with refused(*LATE, of=target.iot):
            end(target, device.id)
    with refused(*LATE, of=source.iot):
        cancel(source, device.id)


def test_x509_29_a_transfer_is_cancelled_and_begins_again(source, target, third):
    device = source.certificate()
    source.transfer(target, device.id, transferMessage="first")
    cancel(source, device.id)
    assert source.status(device.id) == "INACTIVE" and target.status(device.id) is None
    for end in (accept, reject):
        with refused(*LATE, of=target.iot):
            end(target, device.id)
    source.transfer(third, device.id, transferMessage="second")
    with refused(*LATE, of=target.iot):
        accept(target, device.id)
    assert source.describe(device.id)["transferData"]["transferMessage"] == "second"
    cancel(source, device.id)
    source.transfer(target, device.id)
    assert "transferMessage" not in source.describe(device.id)["transferData"]
    accept(target, device.id, setAsActive=True)
    assert target.describe(device.id)["status"] == "ACTIVE"


def test_x509_29_a_third_account_sees_and_ends_nothing(source, target, third):
    device = source.certificate()
    source.transfer(target, device.id)
    for end in (accept, reject, cancel):
        with refused(*NOT_THERE, of=third.iot):
            end(third, device.id)
    assert third.status(device.id) is None and third.listed(device.id) == []
    with refused(*NOT_THERE, of=third.iot):
        third.transfer(target, device.id)
    with refused(*NOT_THERE, of=source.iot):   # from here, not to here
        accept(source, device.id)
    with refused(*NOT_THERE, of=target.iot):
        cancel(target, device.id)
    assert source.status(device.id) == "PENDING_TRANSFER"
    cancel(source, device.id)


@pytest.mark.parametrize("end", ENDS)
def test_what_was_never_transferred_has_no_transfer(source, end):
    with refused(*NOT_THERE, of=source.iot):
        ENDS[end](source, source.certificate().id)
    with refused(*NOT_THERE, of=source.iot):
        ENDS[end](source, "0" * 64)


# ---- what is in the way ----

@pytest.mark.parametrize("status", ["ACTIVE", "REVOKED", "PENDING_TRANSFER"])
def test_x509_29_these_are_not_transferred(source, target, status):
    device = source.certificate(active=status == "ACTIVE")
    if status == "REVOKED":
        source.iot.update_certificate(certificateId=device.id, newStatus=status)
    if status == "PENDING_TRANSFER":
        source.transfer(target, device.id)
    with refused(*WRONG_STATE, of=source.iot):
        source.transfer(target, device.id)
    assert source.status(device.id) == status


def test_x509_29_attachments_are_in_the_way(source, target):
    device, thing = source.certificate(), source.fleet.thing()
    policy = source.fleet.attach(device, ALLOW_ALL)
    with refused(*CONFLICT, of=source.iot, text="Policies"):
        source.transfer(target, device.id)
    source.iot.detach_policy(policyName=policy, target=device.arn)
    source.iot.attach_thing_principal(thingName=thing, principal=device.arn)
    with refused(*CONFLICT, of=source.iot, text="Things"):
        source.transfer(target, device.id)
    source.iot.detach_thing_principal(thingName=thing, principal=device.arn)
    source.transfer(target, device.id)


def test_who_gets_it_is_another_account_of_this_server(source, target):
    device = source.certificate()
    with refused(*INVALID, of=source.iot, text="targetAwsAccount"):
        source.transfer(source, device.id)
    with refused(*INVALID, of=source.iot, text="targetAwsAccount"):
        source.iot.transfer_certificate(certificateId=device.id, targetAwsAccount="999999999990")
    with refused(*NOT_THERE, of=source.iot):
        source.transfer(target, "1" * 64)
    with refused(*INVALID, of=source.iot):
        source.transfer(target, device.id, transferMessage="x" * 129)
    assert source.describe(device.id)["transferData"] == {}


def test_who_has_it_already_gets_no_second_one(source, target):
    device = source.certificate()
    target.iot.register_certificate_without_ca(certificatePem=device.certificate, status="REVOKED")
    with refused(*CONFLICT, of=source.iot):
        source.transfer(target, device.id)
    assert source.status(device.id) == "INACTIVE" and target.status(device.id) == "REVOKED"
    assert source.describe(device.id)["transferData"] == {}


def test_of_two_that_give_the_same_certificate_one_does(source, target, third):
    device = source.certificate()
    third.iot.register_certificate_without_ca(certificatePem=device.certificate)
    source.transfer(target, device.id)
    with refused(*CONFLICT, of=third.iot):
        third.transfer(target, device.id)
    reject(target, device.id)
    third.transfer(target, device.id)
    with refused(*LATE, of=source.iot):
        cancel(source, device.id)
    accept(target, device.id)
    found = target.describe(device.id)
    assert (found["previousOwnedBy"], found["certificateMode"]) == (third.account, "SNI_ONLY")
    assert source.status(device.id) == "INACTIVE"


# ---- while it is pending ----

def test_a_pending_one_cannot_be_changed_deleted_or_registered(source, target):
    device = source.certificate()
    source.transfer(target, device.id)
    for party in (source, target):
        for status in ("ACTIVE", "INACTIVE", "REVOKED"):
            with refused(*WRONG_STATE, of=party.iot):
                party.iot.update_certificate(certificateId=device.id, newStatus=status)
        for force in (False, True):
            with refused(*WRONG_STATE, of=party.iot):
                party.iot.delete_certificate(certificateId=device.id, forceDelete=force)
        with refused("ResourceAlreadyExistsException", 409, of=party.iot):
            party.iot.register_certificate_without_ca(certificatePem=device.certificate)


def test_a_pending_one_does_not_connect_and_an_accepted_one_does_where_it_belongs(source, target):
    device = source.fleet.device(active=True)
    name = source.iot.describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"]
    there = target.iot.describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"]
    with source.fleet.connect(device, server_name=name) as client:
        source.iot.update_certificate(certificateId=device.id, newStatus="INACTIVE")
        policy = source.iot.list_attached_policies(target=device.arn)["policies"][0]["policyName"]
        source.iot.detach_policy(policyName=policy, target=device.arn)
        source.transfer(target, device.id)
        client.closing_reason()
    for host in (name, there):
        assert source.fleet.is_refused_silently(device, server_name=host)
    accept(target, device.id, setAsActive=True)
    target.iot.attach_policy(policyName=target.fleet.policy(ALLOW_ALL), target=target.arn(f"cert/{device.id}"))
    with target.fleet.connect(device, server_name=there):
        pass
    assert source.fleet.is_refused_silently(device, server_name=name)


def test_attachments_made_meanwhile_stay_with_whom_they_belong_to(source, target):
    """Whoever attached something to a pending certificate and did not get it, has nothing that hangs in the air."""
    device = source.certificate()
    for end, loser in ((reject, target), (accept, source)):
        source.transfer(target, device.id)
        attached = {}
        for party in (source, target):
            arn, thing = party.arn(f"cert/{device.id}"), party.fleet.thing()
            attached[party] = policy, thing = party.fleet.policy(ALLOW_ALL), thing
            party.iot.attach_policy(policyName=policy, target=arn)
            party.iot.attach_thing_principal(thingName=thing, principal=arn)
        end(target, device.id)
        winner = source if loser is target else target
        policy, thing = attached[loser]
        assert loser.iot.list_targets_for_policy(policyName=policy)["targets"] == []
        assert loser.iot.list_thing_principals(thingName=thing)["principals"] == []
        loser.iot.delete_policy(policyName=policy)
        policy, thing = attached[winner]
        arn = winner.arn(f"cert/{device.id}")
        assert winner.iot.list_targets_for_policy(policyName=policy)["targets"] == [arn]
        assert winner.iot.list_thing_principals(thingName=thing)["principals"] == [arn]
        winner.iot.detach_policy(policyName=policy, target=arn)
        winner.iot.detach_thing_principal(thingName=thing, principal=arn)


def test_one_that_is_registered_again_was_never_transferred(source, target):
    device = source.certificate()
    source.transfer(target, device.id)
    reject(target, device.id)
    source.iot.delete_certificate(certificateId=device.id)
    source.iot.register_certificate_without_ca(certificatePem=device.certificate)
    assert source.describe(device.id)["transferData"] == {}


def test_from_hand_to_hand(source, target, third):
    """The next owner is not told who had it before its own predecessor."""
    device = source.certificate()
    source.transfer(target, device.id, transferMessage="one")
    accept(target, device.id)
    target.transfer(third, device.id, transferMessage="two")
    assert source.account not in json.dumps(third.describe(device.id), default=str)
    accept(third, device.id)
    found = third.describe(device.id)
    assert (found["previousOwnedBy"], found["transferData"]["transferMessage"]) == (target.account, "two")
    third.transfer(source, device.id)
    accept(source, device.id)
    assert source.describe(device.id)["previousOwnedBy"] == third.account


def test_the_list_of_outgoing_certificates_has_pages(server):
    giver, taker = Party(server.other_account()), Party(server.other_account())
    ids = [giver.certificate().id for _ in range(5)]
    for id_ in reversed(ids):
        giver.transfer(taker, id_)

    def walk(**more):
        pages = giver.iot.get_paginator("list_outgoing_certificates").paginate(PaginationConfig={"PageSize": 2}, **more)
        return [c["certificateId"] for page in pages for c in page["outgoingCertificates"]]
    assert walk() == ids[::-1] and walk(ascendingOrder=True) == ids
    assert [c["certificateId"] for c in taker.iot.list_certificates()["certificates"]] == ids[::-1]
    with refused(*INVALID, of=giver.iot):
        giver.iot.list_outgoing_certificates(marker="AAAA")


def test_the_command_line_transfers(server, source, target):
    device = server.boto().create_keys_and_certificate()["certificateId"]
    server.aws("iot", "transfer-certificate", "--certificate-id", device, "--target-aws-account", target.account,
               "--transfer-message", "by hand")
    listed = server.aws("iot", "list-outgoing-certificates")["outgoingCertificates"]
    assert [c["transferMessage"] for c in listed if c["certificateId"] == device] == ["by hand"]
    server.aws("iot", "cancel-certificate-transfer", "--certificate-id", device)
    told = server.aws("iot", "cancel-certificate-transfer", "--certificate-id", device, fails=True)
    assert "TransferAlreadyCompletedException" in told


def test_both_hear_of_what_happens_to_theirs_and_nobody_of_an_offer(source, target):
    """CERTIFICATE events, where they are switched on (x509 3.8): no notification is sent to the target."""
    ears = {}
    for party in (source, target):
        party.iot.update_event_configurations(eventConfigurations={"CERTIFICATE": {"Enabled": True}})
        host = party.iot.describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"]
        listener = party.fleet.device()
        ears[party] = party.fleet.connect(listener, server_name=host)
        ears[party].subscribe("$aws/events/certificate/#")

    def heard(party):
        found = json.loads(ears[party].message().payload)
        return found["operation"], found["status"], found["certificateArn"]
    device = source.certificate()
    assert heard(source)[:2] == ("CREATED", "INACTIVE")
    ours, theirs = (party.arn(f"cert/{device.id}") for party in (source, target))
    source.transfer(target, device.id)
    reject(target, device.id)
    source.transfer(target, device.id)
    accept(target, device.id, setAsActive=True)
    assert [heard(source) for _ in range(4)] == [
        ("UPDATED", "PENDING_TRANSFER", ours), ("UPDATED", "INACTIVE", ours), ("UPDATED", "PENDING_TRANSFER", ours),
        ("DELETED", "PENDING_TRANSFER", ours)]
    assert heard(target) == ("UPDATED", "ACTIVE", theirs)
    for party in (source, target):
        party.iot.update_event_configurations(eventConfigurations={"CERTIFICATE": {"Enabled": False}})
        ears[party].drop()


# ---- expiry ----

def test_an_unanswered_transfer_ends_when_the_configuration_says_so(make_server):
    server = make_server(settings={"transfer_expiry_days": 14})
    giver, taker = Party(server), Party(server.other_account())
    early, late = giver.certificate().id, giver.certificate().id
    giver.transfer(taker, early)
    with giver.fleet.later(13 * 86400):
        answer = server.call("PATCH", f"/transfer-certificate/{late}", b"{}", query={"targetAwsAccount": taker.account})
        assert answer.status == 200, answer
        server.admin("sweep")
    assert giver.status(early) == "PENDING_TRANSFER"
    with giver.fleet.later(15 * 86400):
        server.admin("sweep")
    eventually(lambda: giver.status(early) == "INACTIVE", what="the end of the transfer")
    assert taker.status(early) is None and giver.status(late) == "PENDING_TRANSFER"
    with refused(*LATE, of=taker.iot):
        accept(taker, early)


# ---- durability ----

def test_a_transfer_survives_kill_and_a_store_that_runs_everything_twice(make_server):
    server = make_server(env={"MUSTER_TEST_RERUN": "1"})
    giver, taker = Party(server), Party(server.other_account())
    id_ = giver.certificate().id
    giver.transfer(taker, id_, transferMessage="twice")
    server.kill()
    server.start()
    assert (giver.status(id_), taker.status(id_)) == ("PENDING_TRANSFER", "PENDING_TRANSFER")
    accept(taker, id_)
    server.kill()
    server.start()
    assert (giver.status(id_), taker.status(id_)) == (None, "INACTIVE")
    with refused(*LATE, of=taker.iot):
        accept(taker, id_)


# ---- races: one winner ----

RACES, BATCH = 500, 25


def try_to(end, party, id_):
    """True: it did; False: it was too late. Anything else is a fault."""
    try:
        end(party, id_)
        return True
    except party.iot.exceptions.TransferAlreadyCompletedException:
        return False


def test_accept_against_cancel_500_times_has_one_winner_each(source, target):
    wins = {True: 0, False: 0}
    csr = [source.certificate() for _ in range(BATCH)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for number in range(RACES):
            id_ = csr[number % BATCH].id
            source.transfer(target, id_)
            first, second = (accept, target), (cancel, source)
            if number % 2:
                first, second = second, first
            one, two = pool.submit(try_to, *first, id_), pool.submit(try_to, *second, id_)
            accepted, cancelled = (two, one) if number % 2 else (one, two)
            assert accepted.result() != cancelled.result(), f"race {number}"
            owner, other = (target, source) if accepted.result() else (source, target)
            assert (owner.status(id_), other.status(id_)) == ("INACTIVE", None), f"race {number}"
            assert owner.describe(id_)["ownedBy"] == owner.account
            wins[accepted.result()] += 1
            if accepted.result():
                target.transfer(source, id_)
                accept(source, id_)
    assert sum(wins.values()) == RACES


def test_all_ends_at_once_have_one_winner(source, target):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            id_ = source.certificate().id
            source.transfer(target, id_)
            asked = [(accept, target), (reject, target), (cancel, source)] * 3
            won = [end.__name__ for (end, _), did in zip(asked, pool.map(lambda one: try_to(*one, id_), asked)) if did]
            assert len(won) == 1, won
            assert [source.status(id_), target.status(id_)] == \
                ([None, "INACTIVE"] if won == ["accept"] else ["INACTIVE", None])
