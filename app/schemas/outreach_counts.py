"""Schemas of the numbers of an outreach activity: participants by sex, age group and disability, and scores."""

from typing import Annotated

from pydantic import AfterValidator, Field

from app.schemas.codes import CodeOf
from app.schemas.instruments import validate_two_decimal_places
from app.schemas.wire import Input, StrictInteger

MAX_PERSONS = 100_000
MAX_ATTENDANCES = 1_000_000
Count = Annotated[StrictInteger, Field(ge=0, le=MAX_PERSONS)]
_UNKNOWN = "Number of persons about whom it is not known. By default, the persons whom the other numbers do not contain."
TestScore = Annotated[float, Field(strict=True, ge=0, le=1000), AfterValidator(validate_two_decimal_places)]
"""A score with at most two decimal places, 0 to 1,000."""


class CountsBySex(Input):
    """Numbers of persons by sex."""

    male: Count = Field(0, description="Number of boys or men.")
    female: Count = Field(0, description="Number of girls or women.")
    other: Count = Field(0, description="Number of persons of another sex.")
    unknown: Count | None = Field(None, description=_UNKNOWN)


class CountsByAgeGroup(Input):
    """Numbers of persons by age group, with the codes of the list `outreach_age_group`."""

    under_5: Count = Field(0, description="Number of children under 5 years.")
    from_5_to_9: Count = Field(0, description="Number of children aged 5 to 9.")
    from_10_to_13: Count = Field(0, description="Number of children aged 10 to 13.")
    from_14_to_17: Count = Field(0, description="Number of children aged 14 to 17.")
    from_18_to_24: Count = Field(0, description="Number of persons aged 18 to 24.")
    from_25_to_59: Count = Field(0, description="Number of persons aged 25 to 59.")
    from_60: Count = Field(0, description="Number of persons aged 60 and over.")
    unknown: Count | None = Field(None, description=_UNKNOWN)


class CountsByDisability(Input):
    """Numbers of persons with and without a disability."""

    yes: Count = Field(0, description="Number of persons with a disability.")
    no: Count = Field(0, description="Number of persons without a disability.")
    unknown: Count | None = Field(None, description=_UNKNOWN)


class OutreachParticipants(Input):
    """The participants of one audience. Each breakdown adds up to `persons`."""

    audience: Annotated[str, CodeOf("outreach_audience")] = Field(
        description="Audience. Each audience occurs once in an activity."
    )
    persons: Annotated[StrictInteger, Field(ge=1, le=MAX_PERSONS)] = Field(
        description="Number of different persons. A person who attended several sessions counts once."
    )
    attendances: Annotated[StrictInteger, Field(ge=1, le=MAX_ATTENDANCES)] | None = Field(
        None,
        description="Number of attendances. A person who attended several sessions counts once for each of them. By default, "
        "the number of persons.",
    )
    by_sex: CountsBySex = Field(default_factory=CountsBySex, description="Persons by sex.")
    by_age_group: CountsByAgeGroup = Field(
        default_factory=CountsByAgeGroup, description="Persons by age group."
    )
    by_disability: CountsByDisability = Field(
        default_factory=CountsByDisability, description="Persons with and without a disability."
    )


class OutreachTestResult(Input):
    """The result of one test of several persons."""

    persons: Annotated[StrictInteger, Field(ge=1, le=MAX_PERSONS)] = Field(
        description="Number of persons who took the test."
    )
    mean: TestScore = Field(description="Mean of their scores, with at most two decimal places.")


class OutreachScores(Input):
    """Results of a test before and after an activity. At least one of the two is given."""

    maximum: Annotated[TestScore, Field(gt=0)] = Field(description="Highest possible score of the test.")
    before: OutreachTestResult | None = Field(None, description="Result before the activity.")
    after: OutreachTestResult | None = Field(None, description="Result after the activity.")
