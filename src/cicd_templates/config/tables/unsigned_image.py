"""The table `[services.<name>.unsigned_images.<exception>]`: an image that may run without a signature until a date."""

from datetime import date, datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from cicd_templates.config.tables.field_types import Digest, matching
from cicd_templates.config.tables.patch import Reason
from cicd_templates.config.tables.table import Table

# Lambda limits the environment variables of a function to 4 KB.
MOST_EXCEPTIONS = 3


def _visible(value: str) -> str:
    # The functions send the text in an e-mail, where such characters could begin a line or change the order of letters.
    if not value.isprintable():
        raise ValueError(f"{value!a} is not allowed; write one line of visible characters and spaces")
    return value


Owner = Annotated[str, AfterValidator(_visible), matching(r"\S[^\n]*", "write the name of a person or a team", 60)]


def _day(value: object) -> object:
    # In Python, a datetime is also a date.
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError("write a date without quotes and without a time, such as 2027-01-31")
    return value


class UnsignedImageTable(Table):
    """`[services.<name>.unsigned_images.<exception>]`: an image that may run without a signature until a date.

    Use it for the image of the first deployment, for images from before the first signed release, and in emergencies.
    """

    image: Digest = Field(description="Address of exactly one image, by digest")
    owner: Owner = Field(description="Who answers for the exception, in at most 60 characters on one line")
    reason: Annotated[Reason, AfterValidator(_visible), Field(max_length=160)] = Field(
        description="Why the image has no signature, in 10 to 160 characters on one line"
    )
    expires: Annotated[date, BeforeValidator(_day)] = Field(
        description="Last day of the exception, at most 90 days from now; after that day, `make render` and"
        " `make check` refuse the exception, and no function accepts it"
    )
