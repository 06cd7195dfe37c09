"""Write `js/src/contract.gen.ts` from `messages.py`, or check that it is what it should be.

`python -m circuit_widgets.wire.contract` writes, with `--check` it exits 1 on a difference.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import msgspec

from circuit_widgets.wire import blocks, controls, messages, page

OUT = Path(__file__).parents[2] / "js" / "src" / "contract.gen.ts"
ROOTS = (
    messages.Batch,
    *messages.Request.__args__,
    *messages.Reply.__args__,
    messages.Runs,
    messages.Status,
    messages.ScoresInfo,
    messages.Picture,
    messages.SelectedHead,
    messages.SelectedCell,
    messages.SelectedEdge,
    controls.Control,
    controls.ParamValues,
    controls.Frame,
    blocks.BlockTopic,
    page.PageView,
)
CONSTANTS = ("FLUSH_BYTES", "MAX_TEXT", "MAX_NAME", "MAX_REQUESTS", "MAX_HEADS", "MAX_SIDE")


def typescript() -> str:
    """The contract as TypeScript source."""
    schemas, components = msgspec.json.schema_components(ROOTS, ref_template="#/{name}")
    del schemas
    parts = [
        "// Generated from circuit_widgets/wire/messages.py by `make contract`. Do not edit.",
        "/* biome-ignore-all lint: generated */",
        "",
        *(f"export const {name} = {getattr(messages, name)};" for name in CONSTANTS),
    ]
    for name in sorted(components):
        parts += ["", *_interface(name, components[name])]
    parts += ["", _union("Request", messages.Request.__args__)]
    parts += [_union("Body", messages.Body.__args__)]
    parts += [_union("Block", blocks.Block.__args__)]
    parts += [_union("Reply", messages.Reply.__args__), ""]
    return "\n".join(parts)


def _interface(name: str, schema: dict[str, Any]) -> list[str]:
    lines = []
    if about := schema.get("description"):
        lines += ["/**", *(f" * {line}".rstrip() for line in about.splitlines()), " */"]
    lines.append(f"export interface {name} {{")
    for field, of in schema["properties"].items():
        # What has a default is written all the same.
        lines.append(f"  {field}: {_type(of)};")
    return [*lines, "}"]


def _type(schema: dict[str, Any]) -> str:
    """The TypeScript of the few JSON-schema forms that msgspec makes of our types."""
    if "$ref" in schema:
        return schema["$ref"].removeprefix("#/")
    if "enum" in schema:
        return " | ".join(f'"{value}"' for value in schema["enum"])
    if "anyOf" in schema:
        return " | ".join(_type(option) for option in schema["anyOf"])
    match schema.get("type"):
        case "integer" | "number":
            return "number"
        case "string":
            return "string"
        case "boolean":
            return "boolean"
        case "null":
            return "null"
        case "object":
            return f"Record<string, {_type(schema['additionalProperties'])}>"
        case "array" if "prefixItems" in schema:
            return f"[{', '.join(_type(item) for item in schema['prefixItems'])}]"
        case "array":
            item = _type(schema["items"])
            return f"({item})[]" if "|" in item else f"{item}[]"
    raise TypeError(f"no TypeScript for the schema {schema}")


def _union(name: str, structs: tuple[type, ...]) -> str:
    return f"export type {name} = {' | '.join(struct.__name__ for struct in structs)};"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare, exit 1 if it differs")
    args = parser.parse_args(argv)
    source = typescript()
    if args.check:
        if OUT.read_text() == source:
            return 0
        print("js/src/contract.gen.ts differs from stream/messages.py: run `make contract`")
        return 1
    OUT.write_text(source)
    return 0


if __name__ == "__main__":
    sys.exit(main())
