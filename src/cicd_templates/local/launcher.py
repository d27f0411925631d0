"""Starts the engine with what it lacks put in. Runs in the engine's interpreter; `engine` calls it."""

import os
import sys
from pathlib import Path

sys.path.insert(0, os.path.dirname(__file__))
import asking  # type: ignore[import-not-found] # siblings there, not in a package
import callers  # type: ignore[import-not-found]
import codepipeline  # type: ignore[import-not-found]
import conditions  # type: ignore[import-not-found]
import dispatch  # type: ignore[import-not-found]
import encryption  # type: ignore[import-not-found]
import permissions  # type: ignore[import-not-found]
import recorded  # type: ignore[import-not-found]
import references  # type: ignore[import-not-found]
import registry  # type: ignore[import-not-found]
from ministack import app  # type: ignore[import-not-found] # installed there alone
from ministack.core import iam_actions, iam_evaluator, responses, router  # type: ignore[import-not-found]
from ministack.services import cloudwatch_logs, eventbridge, iam, s3, secretsmanager  # type: ignore[import-not-found]
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS  # type: ignore[import-not-found]

folder = Path(os.environ["TMPDIR"])
recorded.register(_RESOURCE_HANDLERS, folder, responses.get_account_id, responses.get_region)
references.secrets_by_arn(_RESOURCE_HANDLERS)
keys = encryption.Keys(_RESOURCE_HANDLERS, secretsmanager)
dispatch.register(eventbridge, cloudwatch_logs, recorded.Record(folder).start)
dispatch.name_versions(s3, eventbridge)
codepipeline.register(app, router, iam_actions, codepipeline.Answers(folder))
registry.register(app)
requests = asking.Requests(iam_actions)
requests.listen()
conditions.register(iam_evaluator, iam_actions)
if os.environ.get("COUNT_AS_TLS"):
    callers.secure(app)
callers.services(iam_evaluator)
callers.principals(iam_evaluator, iam._roles)
calls = permissions.Calls(folder)
permissions.Decisions(iam_evaluator, calls, keys.behind, encryption.KEY_ACTIONS, requests.passed).listen()
sys.argv = ["ministack"]
app.main()
