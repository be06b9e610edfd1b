from pathlib import Path
from typing import Any

from aws_cdk import App
from aws_cdk.assertions import Template

from infra.options import context
from infra.options.deploy_settings import DeploySettings
from infra.stack import PoolInventoryStack

ROOT = Path(__file__).parents[2]

Resource = dict[str, Any]


def any_context(**changes: object) -> dict[str, Any]:
    """Each setting's default, with changes as `-c` would make them."""
    return {**context.DEFAULTS, **changes}


def any_settings(**changes: object) -> DeploySettings:
    return context.read(any_context(**changes))


class Synthesized:
    """A template with its references spelled out: `${Storage/Bucket.Arn}` names a construct by its path."""

    def __init__(self, folder: Path, **changes: object) -> None:
        code_folder = folder / "code"
        code_folder.mkdir()
        code_folder.joinpath("handler.py").write_text("")
        app = App(outdir=str(folder / "out"), context={"aws:cdk:enable-path-metadata": True})
        self.stack = PoolInventoryStack(app, settings=any_settings(**changes), code_folder=code_folder)
        self.template = Template.from_stack(self.stack).to_json()
        resources = self.template["Resources"]
        self._paths = {name: self._path(resource) for name, resource in resources.items()}
        self.resources = {self._paths[name]: self.spelled_out(resource) for name, resource in resources.items()}

    def of_type(self, resource_type: str) -> dict[str, Resource]:
        """The properties of each resource of a type, by path."""
        return {
            path: resource.get("Properties", {})
            for path, resource in self.resources.items()
            if resource["Type"] == resource_type
        }

    def spelled_out(self, value: Any) -> Any:
        match value:
            case {"Ref": str(name)}:
                return f"${{{self._paths.get(name, name)}}}"
            case {"Fn::GetAtt": [str(name), str(attribute)]}:
                return f"${{{self._paths[name]}.{attribute}}}"
            case {"Fn::Join": [str(separator), list(parts)]}:
                return separator.join(self.spelled_out(part) for part in parts)
            case dict():
                return {name: self.spelled_out(each) for name, each in value.items()}
            case list():
                return [self.spelled_out(each) for each in value]
            case _:
                return value

    @staticmethod
    def _path(resource: Resource) -> str:
        _, _, path = resource["Metadata"]["aws:cdk:path"].partition("/")
        return str(path.removesuffix("/Resource"))
