"""The same with a thread for each region."""

import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
from held import show


def read(client):
    pages = client.get_paginator("list_user_pools").paginate(MaxResults=60)
    return [pool for page in pages for pool in page["UserPools"]]


session = boto3.session.Session()
clients = [session.client("cognito-idp", region_name=region) for region in sys.argv[1:]]
with ThreadPoolExecutor(len(clients)) as threads:
    show(pool for pools in threads.map(read, clients) for pool in pools)
