"""What a deployed stack is made of, by the names in its template."""

from __future__ import annotations

from collections.abc import Mapping

import boto3


def resources_of(stack: str, wanted: Mapping[str, str]) -> dict[str, str]:
    """The physical IDs of the resources with these names and types. Raises LookupError where it is another stack."""
    pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    found = [item for page in pages for item in page["StackResourceSummaries"]]
    resources = {
        name: one["PhysicalResourceId"]
        for name, kind in wanted.items()
        for one in found
        if one["ResourceType"] == kind and one["LogicalResourceId"].startswith(name)
    }
    if missing := wanted.keys() - resources.keys():
        raise LookupError(f"the stack {stack} is no Stream QC of this version: it has no {', '.join(sorted(missing))}")
    return resources
