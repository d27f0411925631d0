"""Checks an account before a deployment, and finds what would make the deployment fail.

- `checks` defines the examined environment and the result of one check.
- `identity` checks Python, the credentials and the region. Each other module checks the subject in its name.
- `examine` runs all checks. `identity` is first, because all other checks need credentials.

Nothing here writes to AWS, prints or ends the program. If IAM denies a call of a check, the result of this check has
`read=False`, and the other checks continue. Every failed check has a `fix`: a command, or the file to correct.
"""

from cicd_templates.deploy.doctor.checks import Check as Check
from cicd_templates.deploy.doctor.checks import ExaminedEnvironment as ExaminedEnvironment
from cicd_templates.deploy.doctor.examine import examine as examine
