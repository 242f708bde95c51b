"""The actions that the rows of the permissions matrix have in common."""

from __future__ import annotations

NEWEST, VERSION = "s3:GetObject", "s3:GetObjectVersion"  # GetObject also covers HeadObject
CLAIM, GIVE_UP = ("dynamodb:PutItem", "dynamodb:UpdateItem"), ("dynamodb:DeleteItem",)
FOLLOW = ("dynamodb:GetItem", "dynamodb:UpdateItem")

Permissions = dict[str, tuple[str, ...]]  # from a resource to the actions on it
