"""Examines an account before a deployment, for what would make the deployment fail.

`checks` has the environment that is examined and the result of one check. Each file after it checks one subject and
yields a `Check` for each thing it looked at: `identity` (Python, credentials, region), `roles`, `quotas`,
`certificates`, `connections`, `provided`, `secrets`, `subscriptions` and `names`. `examine` runs them in that order,
because without credentials nothing else can be read.

Nothing here writes to AWS, prints or ends the program. A subject that may not be read is a check with `read=False` and
never stops the others. Every check that is not OK has a `fix`: a command, or the file to correct.
"""

from cicd_templates.deploy.doctor.checks import Check as Check
from cicd_templates.deploy.doctor.checks import ExaminedEnvironment as ExaminedEnvironment
from cicd_templates.deploy.doctor.examine import examine as examine
