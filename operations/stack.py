"""Finds the resources of a deployed stack by their names in the template."""

from __future__ import annotations

from collections.abc import Mapping

import boto3


def resources_of(stack: str, wanted: Mapping[str, str]) -> dict[str, str]:
    """Returns the physical IDs of the resources with these names and types, by name.

    Raises LookupError if one is missing, so the stack is not a compatible Stream QC.
    """
    pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    found = [item for page in pages for item in page["StackResourceSummaries"]]
    resources = {
        name: one["PhysicalResourceId"]
        for name, kind in wanted.items()
        for one in found
        if one["ResourceType"] == kind and one["LogicalResourceId"].startswith(name)
    }
    if missing := wanted.keys() - resources.keys():
        raise LookupError(f"{stack} is not a compatible Stream QC stack: {', '.join(sorted(missing))} is missing")
    return resources
