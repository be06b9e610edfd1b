"""What users set for other projects, and what breaks this one where it is taken for its own.

Each of these ended `make run`, `make test`, `cdk synth` or `make rehearse` once, or could.
"""

import os

from pool_inventory.terminal.demo.stand_in import past_proxies, without_aws

# Nothing listens there.
DEAD_PROXY = "http://127.0.0.1:9"

PIP_SETTINGS = {
    "PIP_CONSTRAINT": "/dev/null/constraints.txt",
    "PIP_DRY_RUN": "1",
    "PIP_NO_BINARY": ":all:",
    "PIP_NO_DEPS": "1",
    "PIP_PLATFORM": "win_amd64",
    "PIP_PREFIX": "/dev/null/prefix",
    "PIP_PYTHON": "/dev/null/python",
    "PIP_QUIET": "3",
    "PIP_REQUIRE_HASHES": "1",
    "PIP_REQUIRE_VIRTUALENV": "1",
    "PIP_TARGET": "/dev/null/target",
    "PIP_USER": "1",
}

NPM_SETTINGS = {
    "NODE_ENV": "production",
    "npm_config_bin_links": "false",
    "npm_config_dry_run": "true",
    "npm_config_global": "true",
    "npm_config_ignore_scripts": "true",
    "npm_config_install_strategy": "linked",
    "npm_config_location": "global",
    "npm_config_omit": "dev",
    "npm_config_package_lock": "false",
    "npm_config_package_lock_only": "true",
}

PYTHON_SETTINGS = {
    "LC_ALL": "C",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHOME": "/dev/null/python",
    "PYTHONINSPECT": "",
    "PYTHONIOENCODING": "latin-1",
    "PYTHONOPTIMIZE": "2",
    "PYTHONPATH": "/dev/null/lib",
    "PYTHONSAFEPATH": "1",
    "PYTHONSTARTUP": "/dev/null/startup.py",
    "PYTHONUTF8": "0",
    "PYTHONWARNINGS": "error",
}

AWS_SETTINGS = {
    "AWS_CA_BUNDLE": "/dev/null/ca.pem",
    "AWS_CONFIG_FILE": "/dev/null/config",
    "AWS_DEFAULT_REGION": "nowhere-1",
    "AWS_ENDPOINT_URL_S3": DEAD_PROXY,
    "AWS_MAX_ATTEMPTS": "many",
    "AWS_PROFILE": "nobody",
    "AWS_REGION": "nowhere-1",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "INVENTORY_PREFIX": "/",
    "POWERTOOLS_LOG_LEVEL": "LOUD",
}

SHELL_SETTINGS = {
    "CDPATH": "/:/tmp",
    "COLUMNS": "20",
    "FORCE_COLOR": "3",
    "GREP_OPTIONS": "--color=always",
    "MAKEFLAGS": "-j4 w",
    "XDG_CACHE_HOME": "/dev/null/cache",
    "XDG_CONFIG_HOME": "/dev/null/config",
}

# A proxy for http alone: set-up reaches its indexes by https, and needs to.
HTTP_PROXIES = {"HTTP_PROXY": DEAD_PROXY, "http_proxy": DEAD_PROXY}
# For what needs no index.
ALL_PROXIES = {
    **HTTP_PROXIES,
    **dict.fromkeys(("ALL_PROXY", "HTTPS_PROXY", "all_proxy", "https_proxy"), DEAD_PROXY),
}

ALL_BUT_PROXIES = {**PIP_SETTINGS, **NPM_SETTINGS, **PYTHON_SETTINGS, **AWS_SETTINGS, **SHELL_SETTINGS}


def leave_behind() -> None:
    """Remove what the user set for AWS and the terminal from this environment, and keep proxies off this machine.

    What the tests are about is not under these.
    """
    shown = ("COLUMNS", "FORCE_COLOR", "NO_COLOR")
    kept = {**without_aws(os.environ), **past_proxies(os.environ)}
    os.environ.clear()
    os.environ.update({name: value for name, value in kept.items() if name not in shown})
