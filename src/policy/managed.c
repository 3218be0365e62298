/* managed.c - the documents of the ready-made policies (auth 2.4), compact as the API returns them. Services that
   muster does not have are named where AWS names them, so that a policy reads the same on both sides. */
#include "policy/managed.h"

#define DOCUMENT(...)             "{\"Version\":\"2012-10-17\",\"Statement\":[" __VA_ARGS__ "]}"
#define ALLOW(actions, resources) "{\"Effect\":\"Allow\",\"Action\":[" actions "],\"Resource\":[" resources "]}"
#define AWS_ARN(rest)             "arn:aws:iam::aws:policy/" rest
#define ANYTHING                  "\"*\""

#define CONFIG_READ                                                                               \
    "\"iot:Describe*\",\"iot:Get*\",\"iot:List*\",\"iot:SearchIndex\",\"iot:TestAuthorization\"," \
    "\"iot:TestInvokeAuthorizer\",\"iot:ValidateSecurityProfileBehaviors\""

#define CONFIG_WRITE                                                                                                   \
    "\"iot:AcceptCertificateTransfer\",\"iot:AddThingToBillingGroup\",\"iot:AddThingToThingGroup\","                   \
    "\"iot:AssociateTargetsWithJob\",\"iot:Attach*\",\"iot:CancelAuditTask\",\"iot:CancelCertificateTransfer\","       \
    "\"iot:CancelJob\",\"iot:CancelJobExecution\",\"iot:ClearDefaultAuthorizer\",\"iot:CloseTunnel\",\"iot:Create*\"," \
    "\"iot:Delete*\",\"iot:DeprecateThingType\",\"iot:Detach*\",\"iot:DisableTopicRule\",\"iot:EnableTopicRule\","     \
    "\"iot:OpenTunnel\",\"iot:RegisterCACertificate\",\"iot:RegisterCertificate\","                                    \
    "\"iot:RegisterCertificateWithoutCA\",\"iot:RegisterThing\",\"iot:RejectCertificateTransfer\","                    \
    "\"iot:RemoveThingFromBillingGroup\",\"iot:RemoveThingFromThingGroup\",\"iot:ReplaceTopicRule\","                  \
    "\"iot:RotateTunnelAccessToken\",\"iot:Set*\",\"iot:StartAuditMitigationActionsTask\","                            \
    "\"iot:StartOnDemandAuditTask\",\"iot:StartThingRegistrationTask\",\"iot:StopThingRegistrationTask\","             \
    "\"iot:TagResource\",\"iot:TransferCertificate\",\"iot:UntagResource\",\"iot:Update*\""

#define THINGS_REGISTRATION                                                                                         \
    "\"iot:AddThingToThingGroup\",\"iot:AttachPolicy\",\"iot:AttachPrincipalPolicy\",\"iot:AttachThingPrincipal\"," \
    "\"iot:CreateCertificateFromCsr\",\"iot:CreatePolicy\",\"iot:CreateThing\",\"iot:DescribeCertificate\","        \
    "\"iot:DescribeThing\",\"iot:DescribeThingGroup\",\"iot:DescribeThingType\",\"iot:DetachPolicy\","              \
    "\"iot:DetachThingPrincipal\",\"iot:GetPolicy\",\"iot:ListAttachedPolicies\",\"iot:ListPolicyPrincipals\","     \
    "\"iot:ListPrincipalPolicies\",\"iot:ListPrincipalThings\",\"iot:ListTargetsForPolicy\","                       \
    "\"iot:ListThingGroupsForThing\",\"iot:ListThingPrincipals\",\"iot:RegisterCertificate\","                      \
    "\"iot:RegisterThing\",\"iot:RemoveThingFromThingGroup\",\"iot:UpdateCertificate\",\"iot:UpdateThing\","        \
    "\"iot:UpdateThingGroupsForThing\",\"iot:AddThingToBillingGroup\",\"iot:DescribeBillingGroup\","                \
    "\"iot:RemoveThingFromBillingGroup\""

#define GREENGRASS_THINGS                                             \
    "\"arn:aws:iot:*:*:thing/GG_*\",\"arn:aws:iot:*:*:thing/*-gcm\"," \
    "\"arn:aws:iot:*:*:thing/*-gda\",\"arn:aws:iot:*:*:thing/*-gci\""
#define GREENGRASS_SHADOWS \
    ALLOW("\"iot:DeleteThingShadow\",\"iot:GetThingShadow\",\"iot:UpdateThingShadow\"", GREENGRASS_THINGS)
#define GREENGRASS_REGISTRY                                       \
    ALLOW("\"iot:DescribeThing\"", "\"arn:aws:iot:*:*:thing/*\"") \
    "," ALLOW("\"iot:DescribeCertificate\"", "\"arn:aws:iot:*:*:cert/*\"")
#define GREENGRASS_FUNCTIONS            \
    ALLOW("\"greengrass:*\"", ANYTHING) \
    "," ALLOW("\"lambda:GetFunction\",\"lambda:GetFunctionConfiguration\"", ANYTHING)
#define GREENGRASS_SECRETS \
    ALLOW("\"secretsmanager:GetSecretValue\"", "\"arn:aws:secretsmanager:*:*:secret:greengrass-*\"")
#define GREENGRASS_BUCKETS "\"arn:aws:s3:::*Greengrass*\",\"arn:aws:s3:::*GreenGrass*\",\"arn:aws:s3:::*greengrass*\""
#define GREENGRASS_OBJECTS ALLOW("\"s3:GetObject\"", GREENGRASS_BUCKETS)

static const struct policy_managed policies[] = {
    { AWS_ARN("AdministratorAccess"), "/", "AdministratorAccess", "v1", DOCUMENT(ALLOW("\"*\"", ANYTHING)) },
    { AWS_ARN("AWSIoTFullAccess"), "/", "AWSIoTFullAccess", "v2",
      DOCUMENT(ALLOW("\"iot:*\",\"iotjobsdata:*\"", ANYTHING)) },
    { AWS_ARN("AWSIoTConfigAccess"), "/", "AWSIoTConfigAccess", "v9",
      DOCUMENT(ALLOW(CONFIG_READ "," CONFIG_WRITE, ANYTHING)) },
    { AWS_ARN("AWSIoTConfigReadOnlyAccess"), "/", "AWSIoTConfigReadOnlyAccess", "v8",
      DOCUMENT(ALLOW(CONFIG_READ, ANYTHING)) },
    { AWS_ARN("AWSIoTDataAccess"), "/", "AWSIoTDataAccess", "v3",
      DOCUMENT(ALLOW("\"iot:Connect\",\"iot:Publish\",\"iot:Subscribe\",\"iot:Receive\",\"iot:GetThingShadow\","
                     "\"iot:UpdateThingShadow\",\"iot:DeleteThingShadow\",\"iot:ListNamedShadowsForThing\"",
                     ANYTHING)) },
    { AWS_ARN("service-role/AWSIoTThingsRegistration"), "/service-role/", "AWSIoTThingsRegistration", "v3",
      DOCUMENT(ALLOW(THINGS_REGISTRATION, ANYTHING)) },
    { AWS_ARN("service-role/AWSIoTLogging"), "/service-role/", "AWSIoTLogging", "v1",
      DOCUMENT(ALLOW("\"logs:CreateLogGroup\",\"logs:CreateLogStream\",\"logs:PutLogEvents\","
                     "\"logs:PutMetricFilter\",\"logs:PutRetentionPolicy\",\"logs:GetLogEvents\","
                     "\"logs:DeleteLogStream\"",
                     ANYTHING)) },
    { AWS_ARN("service-role/AWSIoTRuleActions"), "/service-role/", "AWSIoTRuleActions", "v1",
      DOCUMENT(ALLOW("\"dynamodb:PutItem\",\"kinesis:PutRecord\",\"iot:Publish\",\"s3:PutObject\",\"sns:Publish\","
                     "\"sqs:SendMessage*\",\"cloudwatch:SetAlarmState\",\"cloudwatch:PutMetricData\","
                     "\"es:ESHttpPut\",\"firehose:PutRecord\"",
                     ANYTHING)) },
    { AWS_ARN("AWSGreengrassFullAccess"), "/", "AWSGreengrassFullAccess", "v1",
      DOCUMENT(ALLOW("\"greengrass:*\"", ANYTHING)) },
    { AWS_ARN("service-role/AWSGreengrassResourceAccessRolePolicy"), "/service-role/",
      "AWSGreengrassResourceAccessRolePolicy", "v5",
      DOCUMENT(GREENGRASS_SHADOWS "," GREENGRASS_REGISTRY "," GREENGRASS_FUNCTIONS "," GREENGRASS_SECRETS
                                  "," GREENGRASS_OBJECTS) },
    { AWS_ARN("IAMReadOnlyAccess"), "/", "IAMReadOnlyAccess", "v4",
      DOCUMENT(ALLOW("\"iam:GenerateCredentialReport\",\"iam:GenerateServiceLastAccessedDetails\",\"iam:Get*\","
                     "\"iam:List*\",\"iam:SimulateCustomPolicy\",\"iam:SimulatePrincipalPolicy\"",
                     ANYTHING)) },
    { AWS_ARN("AmazonCognitoPowerUser"), "/", "AmazonCognitoPowerUser", "v6",
      DOCUMENT(ALLOW("\"cognito-identity:*\",\"cognito-idp:*\",\"cognito-sync:*\",\"iam:ListRoles\","
                     "\"iam:ListOpenIdConnectProviders\",\"iam:GetRole\",\"iam:ListSAMLProviders\","
                     "\"iam:GetSAMLProvider\",\"lambda:GetPolicy\",\"lambda:ListFunctions\","
                     "\"sns:GetSMSSandboxAccountStatus\",\"sns:ListPlatformApplications\"",
                     ANYTHING)) },
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
