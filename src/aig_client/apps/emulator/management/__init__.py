"""The management API: gateways, logs, and what stands beside them, under `/client/v4/accounts/{account}/ai-gateway`."""

from ._api import Management
from ._codec import read_settings, write_settings
from ._envelope import ApiError

__all__ = ["ApiError", "Management", "read_settings", "write_settings"]
