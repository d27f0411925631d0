"""Starts the engine with the recorded types in its table. Runs in the engine's interpreter; `engine` calls it."""

import os
import sys
from pathlib import Path

sys.path.insert(0, os.path.dirname(__file__))
import recorded  # type: ignore[import-not-found] # a sibling there, not a package
from ministack.app import main  # type: ignore[import-not-found] # installed there alone
from ministack.core.responses import get_account_id, get_region  # type: ignore[import-not-found]
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS  # type: ignore[import-not-found]

recorded.register(_RESOURCE_HANDLERS, Path(os.environ["TMPDIR"]), get_account_id, get_region)
sys.argv = ["ministack"]
main()
