"""What can go wrong on the deploy side and is not a setting's fault."""


class BundleError(Exception):
    """The function's code could not be built. Its text is made to be shown as it is, without a traceback."""


class ChecksError(Exception):
    """The stack breaks a rule that it is held to. Its text is made to be shown as it is, without a traceback."""
