"""The loop that most people write: boto3's paginator, one region after the other. Its pools stay in memory."""

import sys

import boto3
from held import show

pools = []
for region in sys.argv[1:]:
    client = boto3.client("cognito-idp", region_name=region)
    for page in client.get_paginator("list_user_pools").paginate(MaxResults=60):
        pools += page["UserPools"]
show(pools)
