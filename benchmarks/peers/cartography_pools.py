"""What Cartography reads before it goes to its database: its own get_user_pools, one region after the other."""

import sys

import boto3
from cartography.intel.aws.cognito import get_user_pools
from held import show

session = boto3.session.Session()
show(pool for region in sys.argv[1:] for pool in get_user_pools(session, region))
