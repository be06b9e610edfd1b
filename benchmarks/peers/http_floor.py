"""The floor: the same requests with nothing but the standard library, a thread for each region. Nothing is signed."""

import http.client
import json
import os
import ssl
import sys
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from held import show

TARGET = "AWSCognitoIdentityProviderService.ListUserPools"
URL = urlsplit(os.environ["AWS_ENDPOINT_URL"])
ROOTS = os.environ.get("AWS_CA_BUNDLE")
CONTEXT = ssl.create_default_context(cafile=ROOTS) if ROOTS else None


def read(region):
    scope = f"{os.environ['AWS_ACCESS_KEY_ID']}/20261124/{region}/cognito-idp/aws4_request"
    headers = {"X-Amz-Target": TARGET, "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}"}
    if CONTEXT:
        connection = http.client.HTTPSConnection(URL.netloc, context=CONTEXT)
    else:
        connection = http.client.HTTPConnection(URL.netloc)
    asked, pools = {"MaxResults": 60}, []
    while True:
        connection.request("POST", "/", json.dumps(asked), headers)
        page = json.loads(connection.getresponse().read())
        pools += page["UserPools"]
        if "NextToken" not in page:
            return pools
        asked["NextToken"] = page["NextToken"]


regions = sys.argv[1:]
with ThreadPoolExecutor(len(regions)) as threads:
    show(pool for pools in threads.map(read, regions) for pool in pools)
