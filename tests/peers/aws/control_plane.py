"""What botocore, AWS's SDK for Python, gets from the stand-in for STS, IAM and ECR; as JSON on stdout."""

import json
import os
import sys

import botocore.session
from botocore.exceptions import ClientError


def client(service, **credentials):
    return botocore.session.get_session().create_client(service, region_name="eu-west-1", **credentials)


def refused(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "allowed"


role, token = sys.argv[1], os.environ["WEB_IDENTITY_TOKEN"]
statement = {"Effect": "Allow", "Action": "ecr:DescribeRepositories", "Resource": "arn:aws:ecr:*:*:repository/shop/app"}
policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
# A call that is not signed needs no credentials.
sts = client("sts")
assume = {"RoleArn": role, "RoleSessionName": "botocore", "WebIdentityToken": token}
given = sts.assume_role_with_web_identity(**assume, Policy=policy)
keys = given["Credentials"]
narrow = client(
    "ecr",
    aws_access_key_id=keys["AccessKeyId"],
    aws_secret_access_key=keys["SecretAccessKey"],
    aws_session_token=keys["SessionToken"],
)
wide = client("ecr", aws_access_key_id=os.environ["USER_KEY"], aws_secret_access_key=os.environ["USER_SECRET"])
iam = {"region_name": "us-east-1", "aws_access_key_id": os.environ["USER_KEY"]}
roles = botocore.session.get_session().create_client("iam", aws_secret_access_key=os.environ["USER_SECRET"], **iam)
forged = botocore.session.get_session().create_client("iam", aws_secret_access_key="x", **iam)
# Signed for a region in which IAM is not.
elsewhere = botocore.session.get_session().create_client(
    "iam", aws_secret_access_key=os.environ["USER_SECRET"], **{**iam, "region_name": "cn-north-1"}
)
itself = botocore.session.get_session().create_client(
    "iam",
    region_name="us-east-1",
    aws_access_key_id=keys["AccessKeyId"],
    aws_secret_access_key=keys["SecretAccessKey"],
    aws_session_token=keys["SessionToken"],
)
name = role.split("/")[-1]
found = roles.get_role(RoleName=name)["Role"]
described = narrow.describe_repositories(registryId="111122223333", repositoryNames=["shop/app"])["repositories"][0]
authorization = wide.get_authorization_token()["authorizationData"][0]
print(
    json.dumps(
        {
            "arn": given["AssumedRoleUser"]["Arn"],
            "mode": described["imageTagMutability"],
            "filters": described["imageTagMutabilityExclusionFilters"],
            "proxy": authorization["proxyEndpoint"],
            "token": authorization["authorizationToken"],
            "session policy": refused(narrow.get_authorization_token),
            "no repository": refused(wide.describe_repositories, repositoryNames=["shop/none"]),
            "wrong secret": refused(
                client("ecr", aws_access_key_id=os.environ["USER_KEY"], aws_secret_access_key="x").get_authorization_token
            ),
            "role": [found["Path"], found["RoleName"], found["Arn"]],
            "trust policy": found["AssumeRolePolicyDocument"],
            "no role": refused(roles.get_role, RoleName=name + "x"),
            "not permitted": refused(itself.get_role, RoleName=name),
            "forged": refused(forged.get_role, RoleName=name),
            "elsewhere": refused(elsewhere.get_role, RoleName=name),
            "wrong role": refused(sts.assume_role_with_web_identity, **{**assume, "RoleArn": role + "x"}),
            "wrong token": refused(sts.assume_role_with_web_identity, **{**assume, "WebIdentityToken": token[:-4] + "AAAA"}),
            "wrong policy": refused(sts.assume_role_with_web_identity, **assume, Policy="{}"),
        }
    )
)
