"""Passes the exceptions in the configuration to the Lambda functions that verify images.

Each exception lets one image run without a signature.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date

from cicd_templates.config.environment import Configuration, Environment
from cicd_templates.config.tables.unsigned_image import UnsignedImageTable
from cicd_templates.config.validation.problem import Problem
from cicd_templates.functions.unsigned_images import day_problem

# Lambda limits the environment variables of a function to 4 KB in all, and the other variables of a function that
# verifies images need more than 1 KB:
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MOST_BYTES = 2500


def exceptions_in(env: Environment, service: str) -> dict[str, UnsignedImageTable]:
    """Return the exceptions that let a service run unsigned images in `env`. The keys are the exceptions' names."""
    own = env.service(service)
    return {} if own is None else dict(sorted(own.settings.unsigned_images.items()))


def exception_problems(configuration: Configuration, today: date) -> Iterator[Problem]:
    """Yield a problem for each exception with a wrong expiry date, and for each service with too many exceptions.

    This function is for `make render` and `make check`. The Lambda functions that verify images check the dates
    themselves, each time they verify an image.
    """
    yield from dict.fromkeys(_day_problems(configuration, today))
    for env in configuration.environments:
        for service in env.services if env.kind == "tools" else ():
            size = len(exceptions_variable(service.name, env.route))
            if size > MOST_BYTES:
                yield Problem(
                    f"services.{service.name}.unsigned_images",
                    f"as JSON, the exceptions of all environments need {size} bytes, but a function accepts at most"
                    f" {MOST_BYTES}; write shorter reasons, or remove an exception (a letter that is not ASCII needs"
                    " six bytes)",
                )


def _day_problems(configuration: Configuration, today: date) -> Iterator[Problem]:
    # The tools environment has the shared tables. An environment with a different day has overridden the shared day.
    (shared,) = [env for env in configuration.environments if env.kind == "tools"]
    for env in configuration.environments:
        for service in env.services:
            shared_exceptions = exceptions_in(shared, service.name)
            for name, table in service.settings.unsigned_images.items():
                if problem := day_problem(table.expires, today):
                    is_shared = name in shared_exceptions and shared_exceptions[name].expires == table.expires
                    at = "" if is_shared else f"environments.{env.name}."
                    yield Problem(
                        f"{at}services.{service.name}.unsigned_images.{name}.expires",
                        f"the exception {problem}; remove the exception, or write a valid day",
                    )


def exceptions_variable(service: str, environments: Iterable[Environment], *, brief: bool = False) -> str:
    """Return the value of the environment variable `UNSIGNED_IMAGES`: the images that may run without a signature.

    The module `functions/unsigned_images.py` describes the format. If `brief` is true, the value has no owners and
    reasons. Only functions that report the images need these.
    """
    omitted = {"expires", *(("owner", "reason") if brief else ())}
    exceptions = {
        env.qualified: [
            {"name": name, **table.model_dump(exclude=omitted), "expires": table.expires.isoformat()}
            for name, table in exceptions_in(env, service).items()
        ]
        for env in environments
        if exceptions_in(env, service)
    }
    return json.dumps(exceptions)
