/* managed.c - the documents of the ready-made policies (auth 2.4), compact as the API returns them: the published ones,
   action by action. Services that muster does not have are named where AWS names them, so that a policy reads the same
   on both sides. */
#include "policy/managed.h"

#define AWS_ARN(rest) "arn:aws:iam::aws:policy/" rest

static const struct policy_managed policies[] = {
    { AWS_ARN("AdministratorAccess"), "/", "AdministratorAccess", "ANPAIWMBCKSKIEE64ZLYK", "v1", 1423247986, 1423247986,
      "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}" },
    { AWS_ARN("AWSIoTFullAccess"), "/", "AWSIoTFullAccess", "ANPAJU2FPGG6PQWN72V2G", "v2", 1444317589, 1652996351,
      "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"iot:*\",\"iotjobsdata:*\"],"
      "\"Resource\":\"*\"}]}" },
    { AWS_ARN("AWSIoTConfigAccess"), "/", "AWSIoTConfigAccess", "ANPAIWWGD4LM4EMXNRL7I", "v9", 1445982727, 1569617280,
      "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
      "\"Action\":[\"iot:AcceptCertificateTransfer\",\"iot:AddThingToThingGroup\","
      "\"iot:AssociateTargetsWithJob\",\"iot:AttachPolicy\",\"iot:AttachPrincipalPolicy\","
      "\"iot:AttachThingPrincipal\",\"iot:CancelCertificateTransfer\",\"iot:CancelJob\","
      "\"iot:CancelJobExecution\",\"iot:ClearDefaultAuthorizer\",\"iot:CreateAuthorizer\","
      "\"iot:CreateCertificateFromCsr\",\"iot:CreateJob\",\"iot:CreateKeysAndCertificate\","
      "\"iot:CreateOTAUpdate\",\"iot:CreatePolicy\",\"iot:CreatePolicyVersion\",\"iot:CreateRoleAlias\","
      "\"iot:CreateStream\",\"iot:CreateThing\",\"iot:CreateThingGroup\",\"iot:CreateThingType\","
      "\"iot:CreateTopicRule\",\"iot:DeleteAuthorizer\",\"iot:DeleteCACertificate\",\"iot:DeleteCertificate\","
      "\"iot:DeleteJob\",\"iot:DeleteJobExecution\",\"iot:DeleteOTAUpdate\",\"iot:DeletePolicy\","
      "\"iot:DeletePolicyVersion\",\"iot:DeleteRegistrationCode\",\"iot:DeleteRoleAlias\",\"iot:DeleteStream\","
      "\"iot:DeleteThing\",\"iot:DeleteThingGroup\",\"iot:DeleteThingType\",\"iot:DeleteTopicRule\","
      "\"iot:DeleteV2LoggingLevel\",\"iot:DeprecateThingType\",\"iot:DescribeAuthorizer\","
      "\"iot:DescribeCACertificate\",\"iot:DescribeCertificate\",\"iot:DescribeDefaultAuthorizer\","
      "\"iot:DescribeEndpoint\",\"iot:DescribeEventConfigurations\",\"iot:DescribeIndex\",\"iot:DescribeJob\","
      "\"iot:DescribeJobExecution\",\"iot:DescribeRoleAlias\",\"iot:DescribeStream\",\"iot:DescribeThing\","
      "\"iot:DescribeThingGroup\",\"iot:DescribeThingRegistrationTask\",\"iot:DescribeThingType\","
      "\"iot:DetachPolicy\",\"iot:DetachPrincipalPolicy\",\"iot:DetachThingPrincipal\",\"iot:DisableTopicRule\","
      "\"iot:EnableTopicRule\",\"iot:GetEffectivePolicies\",\"iot:GetIndexingConfiguration\","
      "\"iot:GetJobDocument\",\"iot:GetLoggingOptions\",\"iot:GetOTAUpdate\",\"iot:GetPolicy\","
      "\"iot:GetPolicyVersion\",\"iot:GetRegistrationCode\",\"iot:GetTopicRule\",\"iot:GetV2LoggingOptions\","
      "\"iot:ListAttachedPolicies\",\"iot:ListAuthorizers\",\"iot:ListCACertificates\",\"iot:ListCertificates\","
      "\"iot:ListCertificatesByCA\",\"iot:ListIndices\",\"iot:ListJobExecutionsForJob\","
      "\"iot:ListJobExecutionsForThing\",\"iot:ListJobs\",\"iot:ListOTAUpdates\","
      "\"iot:ListOutgoingCertificates\",\"iot:ListPolicies\",\"iot:ListPolicyPrincipals\","
      "\"iot:ListPolicyVersions\",\"iot:ListPrincipalPolicies\",\"iot:ListPrincipalThings\","
      "\"iot:ListRoleAliases\",\"iot:ListStreams\",\"iot:ListTargetsForPolicy\",\"iot:ListThingGroups\","
      "\"iot:ListThingGroupsForThing\",\"iot:ListThingPrincipals\",\"iot:ListThingRegistrationTaskReports\","
      "\"iot:ListThingRegistrationTasks\",\"iot:ListThings\",\"iot:ListThingsInThingGroup\","
      "\"iot:ListThingTypes\",\"iot:ListTopicRules\",\"iot:ListV2LoggingLevels\",\"iot:RegisterCACertificate\","
      "\"iot:RegisterCertificate\",\"iot:RegisterThing\",\"iot:RejectCertificateTransfer\","
      "\"iot:RemoveThingFromThingGroup\",\"iot:ReplaceTopicRule\",\"iot:SearchIndex\","
      "\"iot:SetDefaultAuthorizer\",\"iot:SetDefaultPolicyVersion\",\"iot:SetLoggingOptions\","
      "\"iot:SetV2LoggingLevel\",\"iot:SetV2LoggingOptions\",\"iot:StartThingRegistrationTask\","
      "\"iot:StopThingRegistrationTask\",\"iot:TestAuthorization\",\"iot:TestInvokeAuthorizer\","
      "\"iot:TransferCertificate\",\"iot:UpdateAuthorizer\",\"iot:UpdateCACertificate\","
      "\"iot:UpdateCertificate\",\"iot:UpdateEventConfigurations\",\"iot:UpdateIndexingConfiguration\","
      "\"iot:UpdateRoleAlias\",\"iot:UpdateStream\",\"iot:UpdateThing\",\"iot:UpdateThingGroup\","
      "\"iot:UpdateThingGroupsForThing\",\"iot:UpdateAccountAuditConfiguration\","
      "\"iot:DescribeAccountAuditConfiguration\",\"iot:DeleteAccountAuditConfiguration\","
      "\"iot:StartOnDemandAuditTask\",\"iot:CancelAuditTask\",\"iot:DescribeAuditTask\",\"iot:ListAuditTasks\","
      "\"iot:CreateScheduledAudit\",\"iot:UpdateScheduledAudit\",\"iot:DeleteScheduledAudit\","
      "\"iot:DescribeScheduledAudit\",\"iot:ListScheduledAudits\",\"iot:ListAuditFindings\","
      "\"iot:CreateSecurityProfile\",\"iot:DescribeSecurityProfile\",\"iot:UpdateSecurityProfile\","
      "\"iot:DeleteSecurityProfile\",\"iot:AttachSecurityProfile\",\"iot:DetachSecurityProfile\","
      "\"iot:ListSecurityProfiles\",\"iot:ListSecurityProfilesForTarget\",\"iot:ListTargetsForSecurityProfile\","
      "\"iot:ListActiveViolations\",\"iot:ListViolationEvents\",\"iot:ValidateSecurityProfileBehaviors\"],"
      "\"Resource\":\"*\"}]}" },
    { AWS_ARN("AWSIoTConfigReadOnlyAccess"), "/", "AWSIoTConfigReadOnlyAccess", "ANPAJHENEMXGX4XMFOIOI", "v8",
      1445982751, 1569617560,
      "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"iot:DescribeAuthorizer\","
      "\"iot:DescribeCACertificate\",\"iot:DescribeCertificate\",\"iot:DescribeDefaultAuthorizer\","
      "\"iot:DescribeEndpoint\",\"iot:DescribeEventConfigurations\",\"iot:DescribeIndex\",\"iot:DescribeJob\","
      "\"iot:DescribeJobExecution\",\"iot:DescribeRoleAlias\",\"iot:DescribeStream\",\"iot:DescribeThing\","
      "\"iot:DescribeThingGroup\",\"iot:DescribeThingRegistrationTask\",\"iot:DescribeThingType\","
      "\"iot:GetEffectivePolicies\",\"iot:GetIndexingConfiguration\",\"iot:GetJobDocument\","
      "\"iot:GetLoggingOptions\",\"iot:GetOTAUpdate\",\"iot:GetPolicy\",\"iot:GetPolicyVersion\","
      "\"iot:GetRegistrationCode\",\"iot:GetTopicRule\",\"iot:GetV2LoggingOptions\",\"iot:ListAttachedPolicies\","
      "\"iot:ListAuthorizers\",\"iot:ListCACertificates\",\"iot:ListCertificates\",\"iot:ListCertificatesByCA\","
      "\"iot:ListIndices\",\"iot:ListJobExecutionsForJob\",\"iot:ListJobExecutionsForThing\",\"iot:ListJobs\","
      "\"iot:ListOTAUpdates\",\"iot:ListOutgoingCertificates\",\"iot:ListPolicies\",\"iot:ListPolicyPrincipals\","
      "\"iot:ListPolicyVersions\",\"iot:ListPrincipalPolicies\",\"iot:ListPrincipalThings\","
      "\"iot:ListRoleAliases\",\"iot:ListStreams\",\"iot:ListTargetsForPolicy\",\"iot:ListThingGroups\","
      "\"iot:ListThingGroupsForThing\",\"iot:ListThingPrincipals\",\"iot:ListThingRegistrationTaskReports\","
      "\"iot:ListThingRegistrationTasks\",\"iot:ListThings\",\"iot:ListThingsInThingGroup\","
      "\"iot:ListThingTypes\",\"iot:ListTopicRules\",\"iot:ListV2LoggingLevels\",\"iot:SearchIndex\","
      "\"iot:TestAuthorization\",\"iot:TestInvokeAuthorizer\",\"iot:DescribeAccountAuditConfiguration\","
      "\"iot:DescribeAuditTask\",\"iot:ListAuditTasks\",\"iot:DescribeScheduledAudit\","
      "\"iot:ListScheduledAudits\",\"iot:ListAuditFindings\",\"iot:DescribeSecurityProfile\","
      "\"iot:ListSecurityProfiles\",\"iot:ListSecurityProfilesForTarget\",\"iot:ListTargetsForSecurityProfile\","
      "\"iot:ListActiveViolations\",\"iot:ListViolationEvents\",\"iot:ValidateSecurityProfileBehaviors\"],"
      "\"Resource\":\"*\"}]}" },
    { AWS_ARN("AWSIoTDataAccess"), "/", "AWSIoTDataAccess", "ANPAJM2KI2UJDR24XPS2K", "v3", 1445982678, 1624484087,
      "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"iot:Connect\","
      "\"iot:Publish\",\"iot:Subscribe\",\"iot:Receive\",\"iot:GetThingShadow\",\"iot:UpdateThingShadow\","
      "\"iot:DeleteThingShadow\",\"iot:ListNamedShadowsForThing\"],\"Resource\":\"*\"}]}" },
    { AWS_ARN("service-role/AWSIoTThingsRegistration"), "/service-role/", "AWSIoTThingsRegistration",
      "ANPAI3YQXTC5XAEVTJNEU", "v3", 1512159712, 1601925612,
      "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"iot:AddThingToThingGroup\","
      "\"iot:AttachPolicy\",\"iot:AttachPrincipalPolicy\",\"iot:AttachThingPrincipal\","
      "\"iot:CreateCertificateFromCsr\",\"iot:CreatePolicy\",\"iot:CreateThing\",\"iot:DescribeCertificate\","
      "\"iot:DescribeThing\",\"iot:DescribeThingGroup\",\"iot:DescribeThingType\",\"iot:DetachPolicy\","
      "\"iot:DetachThingPrincipal\",\"iot:GetPolicy\",\"iot:ListAttachedPolicies\",\"iot:ListPolicyPrincipals\","
      "\"iot:ListPrincipalPolicies\",\"iot:ListPrincipalThings\",\"iot:ListTargetsForPolicy\","
      "\"iot:ListThingGroupsForThing\",\"iot:ListThingPrincipals\",\"iot:RegisterCertificate\","
      "\"iot:RegisterThing\",\"iot:RemoveThingFromThingGroup\",\"iot:UpdateCertificate\",\"iot:UpdateThing\","
      "\"iot:UpdateThingGroupsForThing\",\"iot:AddThingToBillingGroup\",\"iot:DescribeBillingGroup\","
      "\"iot:RemoveThingFromBillingGroup\"],\"Resource\":[\"*\"]}]}" },
    { AWS_ARN("service-role/AWSIoTLogging"), "/service-role/", "AWSIoTLogging", "ANPAI6R6Z2FHHGS454W7W", "v1",
      1444317445, 1444317445,
      "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"logs:CreateLogGroup\","
      "\"logs:CreateLogStream\",\"logs:PutLogEvents\",\"logs:PutMetricFilter\",\"logs:PutRetentionPolicy\","
      "\"logs:GetLogEvents\",\"logs:DeleteLogStream\"],\"Resource\":[\"*\"]}]}" },
    { AWS_ARN("service-role/AWSIoTRuleActions"), "/service-role/", "AWSIoTRuleActions", "ANPAJEZ6FS7BUZVUHMOKY", "v2",
      1444317291, 1516130899,
      "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":[\"dynamodb:PutItem\","
      "\"kinesis:PutRecord\",\"iot:Publish\",\"s3:PutObject\",\"sns:Publish\",\"sqs:SendMessage*\","
      "\"cloudwatch:SetAlarmState\",\"cloudwatch:PutMetricData\",\"es:ESHttpPut\",\"firehose:PutRecord\"],"
      "\"Resource\":\"*\"}}" },
    { AWS_ARN("AWSGreengrassFullAccess"), "/", "AWSGreengrassFullAccess", "ANPAJWPV6OBK4QONH4J3O", "v1", 1493772457,
      1493772457,
      "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"greengrass:*\"],"
      "\"Resource\":\"*\"}]}" },
    { AWS_ARN("service-role/AWSGreengrassResourceAccessRolePolicy"), "/service-role/",
      "AWSGreengrassResourceAccessRolePolicy", "ANPAJPKEIMB6YMXDEVRTM", "v5", 1487107044, 1542155702,
      "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"AllowGreengrassAccessToShadows\","
      "\"Effect\":\"Allow\",\"Action\":[\"iot:DeleteThingShadow\",\"iot:GetThingShadow\","
      "\"iot:UpdateThingShadow\"],\"Resource\":[\"arn:aws:iot:*:*:thing/GG_*\",\"arn:aws:iot:*:*:thing/*-gcm\","
      "\"arn:aws:iot:*:*:thing/*-gda\",\"arn:aws:iot:*:*:thing/*-gci\"]},"
      "{\"Sid\":\"AllowGreengrassToDescribeThings\",\"Effect\":\"Allow\",\"Action\":[\"iot:DescribeThing\"],"
      "\"Resource\":\"arn:aws:iot:*:*:thing/*\"},{\"Sid\":\"AllowGreengrassToDescribeCertificates\","
      "\"Effect\":\"Allow\",\"Action\":[\"iot:DescribeCertificate\"],\"Resource\":\"arn:aws:iot:*:*:cert/*\"},"
      "{\"Sid\":\"AllowGreengrassToCallGreengrassServices\",\"Effect\":\"Allow\",\"Action\":[\"greengrass:*\"],"
      "\"Resource\":\"*\"},{\"Sid\":\"AllowGreengrassToGetLambdaFunctions\",\"Effect\":\"Allow\","
      "\"Action\":[\"lambda:GetFunction\",\"lambda:GetFunctionConfiguration\"],\"Resource\":\"*\"},"
      "{\"Sid\":\"AllowGreengrassToGetGreengrassSecrets\",\"Effect\":\"Allow\","
      "\"Action\":[\"secretsmanager:GetSecretValue\"],"
      "\"Resource\":\"arn:aws:secretsmanager:*:*:secret:greengrass-*\"},"
      "{\"Sid\":\"AllowGreengrassAccessToS3Objects\",\"Effect\":\"Allow\",\"Action\":[\"s3:GetObject\"],"
      "\"Resource\":[\"arn:aws:s3:::*Greengrass*\",\"arn:aws:s3:::*GreenGrass*\",\"arn:aws:s3:::*greengrass*\","
      "\"arn:aws:s3:::*Sagemaker*\",\"arn:aws:s3:::*SageMaker*\",\"arn:aws:s3:::*sagemaker*\"]},"
      "{\"Sid\":\"AllowGreengrassAccessToS3BucketLocation\",\"Effect\":\"Allow\","
      "\"Action\":[\"s3:GetBucketLocation\"],\"Resource\":\"*\"},"
      "{\"Sid\":\"AllowGreengrassAccessToSageMakerTrainingJobs\",\"Effect\":\"Allow\","
      "\"Action\":[\"sagemaker:DescribeTrainingJob\"],\"Resource\":[\"arn:aws:sagemaker:*:*:training-job/*\"]}]}" },
    { AWS_ARN("IAMReadOnlyAccess"), "/", "IAMReadOnlyAccess", "ANPAJKSO7NDY4T57MWDSQ", "v4", 1423248039, 1516907487,
      "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
      "\"Action\":[\"iam:GenerateCredentialReport\",\"iam:GenerateServiceLastAccessedDetails\",\"iam:Get*\","
      "\"iam:List*\",\"iam:SimulateCustomPolicy\",\"iam:SimulatePrincipalPolicy\"],\"Resource\":\"*\"}]}" },
    { AWS_ARN("AmazonCognitoPowerUser"), "/", "AmazonCognitoPowerUser", "ANPAJKW5H2HNCPGCYGR6Y", "v9", 1427217296,
      1770919209,
      "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"cognito-identity:*\","
      "\"cognito-idp:*\",\"cognito-sync:*\",\"iam:ListRoles\",\"iam:ListOpenIdConnectProviders\",\"iam:GetRole\","
      "\"iam:ListSAMLProviders\",\"iam:GetSAMLProvider\",\"kinesis:ListStreams\",\"lambda:GetPolicy\","
      "\"lambda:ListFunctions\",\"sns:GetSMSSandboxAccountStatus\",\"sns:ListPlatformApplications\","
      "\"ses:ListIdentities\",\"ses:GetIdentityVerificationAttributes\",\"mobiletargeting:GetApps\","
      "\"acm:ListCertificates\",\"sms-voice:DescribeAccountAttributes\"],\"Resource\":\"*\"},"
      "{\"Effect\":\"Allow\",\"Action\":\"iam:CreateServiceLinkedRole\",\"Resource\":\"*\","
      "\"Condition\":{\"StringEquals\":{\"iam:AWSServiceName\":[\"cognito-idp.amazonaws.com\","
      "\"email.cognito-idp.amazonaws.com\"]}}},{\"Effect\":\"Allow\",\"Action\":[\"iam:DeleteServiceLinkedRole\","
      "\"iam:GetServiceLinkedRoleDeletionStatus\"],"
      "\"Resource\":[\"arn:aws:iam::*:role/aws-service-role/cognito-idp.amazonaws.com/"
      "AWSServiceRoleForAmazonCognitoIdp*\","
      "\"arn:aws:iam::*:role/aws-service-role/email.cognito-idp.amazonaws.com/"
      "AWSServiceRoleForAmazonCognitoIdpEmail*\"]}]}" },
};

const struct policy_managed *policy_managed_all(size_t *count)
{
    *count = sizeof(policies) / sizeof(policies[0]);
    return policies;
}

const struct policy_managed *policy_managed_find(slice arn)
{
    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++)
        if (slice_is(arn, policies[i].arn))
            return &policies[i];
    return NULL;
}
