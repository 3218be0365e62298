"""Every operation of the models that is there: one request that the model finds good, and each constraint of each member
broken once (x509 3.1, auth 2.4): refused as the model says, naming the member, however the request was made. What is not
there yet is found by its address and named. Generated: see constraints.py."""
import re

import pytest

from models.constraints import Model, request, violations

# Operations of later parts of the service; everything else must be there.
NOT_YET = {
    "iot": """
        AssociateTargetsWithJob CancelJob CancelJobExecution
        ClearDefaultAuthorizer ConfirmTopicRuleDestination CreateAuthorizer CreateCertificateProvider
        CreateDomainConfiguration CreateDynamicThingGroup CreateFleetMetric CreateJob CreateJobTemplate CreateOTAUpdate
        CreateProvisioningClaim CreateStream CreateTopicRule CreateTopicRuleDestination DeleteAuthorizer
        DeleteCertificateProvider DeleteDomainConfiguration DeleteDynamicThingGroup DeleteFleetMetric DeleteJob
        DeleteJobExecution DeleteJobTemplate DeleteOTAUpdate DeleteStream DeleteTopicRule DeleteTopicRuleDestination
        DeleteV2LoggingLevel DescribeAuthorizer DescribeCertificateProvider DescribeDefaultAuthorizer
        DescribeDomainConfiguration DescribeFleetMetric DescribeIndex DescribeJob DescribeJobExecution
        DescribeJobTemplate DescribeManagedJobTemplate DescribeStream DescribeThingRegistrationTask DisableTopicRule
        EnableTopicRule GetBucketsAggregation GetCardinality GetIndexingConfiguration GetJobDocument GetOTAUpdate
        GetPercentiles GetStatistics GetThingConnectivityData GetTopicRule GetTopicRuleDestination GetV2LoggingOptions
        ListAuthorizers ListCertificateProviders ListDomainConfigurations ListFleetMetrics ListIndices
        ListJobExecutionsForJob ListJobExecutionsForThing ListJobTemplates ListJobs ListManagedJobTemplates
        ListOTAUpdates ListStreams ListThingRegistrationTaskReports ListThingRegistrationTasks
        ListTopicRuleDestinations ListTopicRules ListV2LoggingLevels ReplaceTopicRule
        SearchIndex SetDefaultAuthorizer SetV2LoggingLevel SetV2LoggingOptions StartThingRegistrationTask
        StopThingRegistrationTask TestInvokeAuthorizer UpdateAuthorizer UpdateCertificateProvider
        UpdateDomainConfiguration UpdateDynamicThingGroup UpdateFleetMetric UpdateIndexingConfiguration UpdateJob
        UpdateStream UpdateTopicRuleDestination""".split(),
    "iot-data": "DeleteConnection DeleteThingShadow GetThingShadow ListNamedShadowsForThing UpdateThingShadow".split(),
    "iam": [], "sts": [],
}
MODELS = {name: Model(f"{name}.json") for name in NOT_YET}
SCOPES = {"iot-data": "iotdata"}
REFUSALS = {"iot": "InvalidRequestException", "iot-data": "InvalidRequestException", "iam": "ValidationError",
            "sts": "ValidationError"}
THERE = [(model, name) for model in MODELS for name in MODELS[model].operations if name not in NOT_YET[model]]
BROKEN = [pytest.param(model, broken, id=f"{model}.{name}: {broken.sentence}")
          for model, name in THERE for broken in violations(MODELS[model], name)]


def ask(server, model, asked):
    return server.call(asked.method, asked.target, asked.body, headers=asked.headers, service=SCOPES.get(model, model))


def outcome(model, answer):
    """(the error's name or None, its message)"""
    if answer.status == 200:
        return None, ""
    if MODELS[model].is_query:
        text = answer.body.decode()
        return re.search("<Code>(.*?)</Code>", text)[1], re.search("<Message>(.*?)</Message>", text, re.S)[1]
    return answer.error, answer.message


@pytest.mark.parametrize("model, broken", BROKEN)
def test_a_broken_constraint_is_refused_naming_the_member(server, model, broken):
    answer = ask(server, model, broken.request)
    name, message = outcome(model, answer)
    assert (answer.status, name) == (400, REFUSALS[model]), answer
    assert "validation error" in message and broken.member.lower() in message.lower(), message


@pytest.mark.parametrize("model, operation", THERE)
def test_a_good_request_is_answered_or_refused_by_the_name_of_a_modelled_error(server, model, operation):
    source, row = MODELS[model], MODELS[model].operations[operation]
    answer = ask(server, model, request(source, operation))
    name, message = outcome(model, answer)
    modelled = {source.shapes[error].get("code", error): source.shapes[error]["error"] for error in
                row.get("errors", ())}
    common = {"InvalidRequestException": 400} if not source.is_query else {"ValidationError": 400, "AccessDenied": 403}
    assert answer.status < 500 and "validation error" not in message, answer
    assert name is None or {**common, **modelled}.get(name) == answer.status, answer


def test_no_operation_without_its_constraints():
    with_members = [(model, name) for model, name in THERE
                    if MODELS[model].shapes.get(MODELS[model].operations[name].get("input"), {}).get("members")]
    without = [f"{model}.{name}" for model, name in with_members if not any(violations(MODELS[model], name))]
    assert without == ["iot-data.GetRetainedMessage"]  # a topic takes any text


@pytest.mark.parametrize("model, name", [(model, name) for model in NOT_YET for name in NOT_YET[model]])
def test_an_operation_that_is_not_there_yet_is_found_by_its_address_and_named(server, model, name):
    answer = ask(server, model, request(MODELS[model], name))
    assert (answer.status, answer.error) == (501, "NotImplementedException"), answer
    assert answer.message == f"{name} is not implemented yet."
