"""The same with aiobotocore, a task for each region."""

import asyncio
import sys

from aiobotocore.session import get_session
from held import show


async def read(session, region):
    pools = []
    async with session.create_client("cognito-idp", region_name=region) as client:
        async for page in client.get_paginator("list_user_pools").paginate(MaxResults=60):
            pools += page["UserPools"]
    return pools


async def main():
    session = get_session()
    read_pools = await asyncio.gather(*(read(session, region) for region in sys.argv[1:]))
    show(pool for pools in read_pools for pool in pools)


asyncio.run(main())
