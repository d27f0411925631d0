"""Starts the engine with what it lacks put in. Runs in the engine's interpreter; `engine` calls it."""

import os
import sys
from pathlib import Path

sys.path.insert(0, os.path.dirname(__file__))
import conditions  # type: ignore[import-not-found] # siblings there, not in a package
import dispatch  # type: ignore[import-not-found]
import recorded  # type: ignore[import-not-found]
from ministack.app import main  # type: ignore[import-not-found] # installed there alone
from ministack.core import iam_actions, iam_evaluator  # type: ignore[import-not-found]
from ministack.core.responses import get_account_id, get_region  # type: ignore[import-not-found]
from ministack.services import cloudwatch_logs, eventbridge, s3  # type: ignore[import-not-found]
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS  # type: ignore[import-not-found]

folder = Path(os.environ["TMPDIR"])
recorded.register(_RESOURCE_HANDLERS, folder, get_account_id, get_region)
dispatch.register(eventbridge, cloudwatch_logs, recorded.Record(folder).start)
dispatch.name_versions(s3, eventbridge)
conditions.register(iam_evaluator, iam_actions)
sys.argv = ["ministack"]
main()
