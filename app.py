"""What `cdk` runs: the context in, one stack out; for an organization, the member role besides."""

import os
import sys
from pathlib import Path

from aws_cdk import Annotations, App, Validations
from pool_inventory.errors import InventoryError

from infra import checks, deployed, member_role
from infra.bundle import bundle, interpreter
from infra.errors import BundleError, ChecksError, ForgottenError, NotComparedError
from infra.member_role import MemberRoleStack
from infra.options import context, deployments, forgotten
from infra.options.deploy_settings import DeploySettings
from infra.stack import PoolInventoryStack

ROOT = Path(__file__).parent


def synthesize(app: App) -> None:
    """Synthesize the stack that the app's context asks for; the code comes from the cache where it was built before.

    Raises:
        InventoryError: a setting is missing or wrong.
        ForgottenError: the deployed stack would lose something that was probably forgotten.
        BundleError: the function's code could not be built.
        ChecksError: a rule of cdk-nag is broken, and the construct has no acknowledgement of it.
    """
    chosen = deployments.choose(app.node.get_all_context(), ROOT / "settings")
    for line in chosen.overridden:
        say(line)
    settings = context.read(chosen.context)
    if not context.is_forced(chosen.context):
        compare(settings)
    compiler = interpreter.find(interpreter.minor_of(settings.python_version), os.environ)
    code_folder = bundle.build(
        bundle.Ingredients(
            lock=ROOT / "lambda" / "requirements.txt",
            package=ROOT / "lambda" / "pool_inventory",
            python_version=settings.python_version,
            architecture=settings.architecture,
            trust_store=settings.trust_store,
            compiler=compiler,
        ),
        cache_folder=ROOT / ".cache" / "bundle",
    )
    stack = PoolInventoryStack(app, settings=settings, code_folder=code_folder)
    if settings.stack_set:
        MemberRoleStack(app, settings=settings)
    if compiler is None:
        Annotations.of(stack).add_warning_v2(
            "pool-inventory:noBytecode",
            f"No Python {settings.python_version} was found on PATH or in pyenv, so the function's code has no"
            " bytecode: each cold start compiles it and takes twice as long. Install that version and synth again.",
        )
    Validations.of(app).add_plugins(*checks.packs(app))
    try:
        app.synth()
    except RuntimeError as error:  # all that comes out of jsii is one
        if "ValidationFailed" not in str(error):
            raise
        raise ChecksError(
            "the stack breaks a rule of cdk-nag, and says nowhere why it may: mend that, or acknowledge the rule on"
            f" its construct with a reason, as infra/checks.py has it\n{error}"
        ) from error
    if settings.accounts:
        text = member_role.as_yaml(member_role.template(settings))
        Path(app.outdir, member_role.FILE_NAME).write_text(text, encoding="utf-8")


def compare(settings: DeploySettings) -> None:
    """Compare the settings with the deployed stack, or say why that could not be done.

    Raises:
        ForgottenError: the stack would lose something.
    """
    try:
        stack = deployed.read(settings.stack_name, os.environ)
    except NotComparedError as error:
        say(f"not compared with the deployed stack: {error}")
        return
    if stack is not None:
        forgotten.check(stack, settings)


def say(line: str) -> None:
    """Write a line to stderr: stdout is the template's, where the CLI is asked for it."""
    sys.stderr.write(f"pool-inventory: {line}\n")


def main() -> None:
    """Synthesize, or end with 1 and the reason on stderr."""
    try:
        synthesize(App())
    except (InventoryError, BundleError, ChecksError, ForgottenError) as error:
        sys.exit(f"pool-inventory: {error}")


if __name__ == "__main__":
    main()
