"""What can go wrong on the deploy side and is not a setting's fault."""


class BundleError(Exception):
    """The function's code could not be built. Its text is made to be shown as it is, without a traceback."""


class ChecksError(Exception):
    """The stack breaks a rule that it is held to. Its text is made to be shown as it is, without a traceback."""


class NotComparedError(Exception):
    """The deployed stack could not be asked what it has. Its text is the reason, on one line."""


class ForgottenError(Exception):
    """The settings leave out what the deployed stack has. The text is made to be shown as it is."""
