"""What callers may do; needs nothing, so that tokens can be made without loading the service."""

from __future__ import annotations

from typing import Literal, get_args

Role = Literal["viewer", "operator", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
"""Each may do what those before it may: look; check pictures, see faces unblurred; change the set-up."""
