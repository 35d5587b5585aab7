"""Statuses as a student system takes them: the Ed-Fi Data Standard, CEDS names, or plain CSV.

Ed-Fi: the resource `studentEducationOrganizationAssociations` of the Ed-Fi API for Data Standard 5, or
`studentDemographics` of that for 6, of which only the characteristic Foster Care is filled; one JSON document
a line. The models below say what its published description asks of the parts that are written, and refuse
anything else. Data Standards 3 and 4 require a student's sex in the same document, which no export has.

CEDS: the columns of `Staging.PersonStatus`, from which the CEDS Data Warehouse is loaded.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError

from encoding.errors import ExportError
from encoding.extras.export.statuses import Status
from schemas.documents.document import Model
from schemas.documents.ids import IsoDate
from schemas.documents.printable import inert

Format = Literal["ed-fi", "ceds", "csv"]
FOSTER_CARE: Final = "uri://ed-fi.org/StudentCharacteristicDescriptor#Foster Care"
CEDS_HEADER: Final = (
    "StudentIdentifierState",
    "LeaIdentifierSeaAccountability",
    "ProgramType_FosterCare",
    "FosterCare_ProgramParticipationStartDate",
    "FosterCare_ProgramParticipationEndDate",
)
CSV_HEADER: Final = ("student_id", "organization", "begin_date", "end_date", "change", "changed_on")
ED_FI_START: Final = b'{"educationOrganizationReference"'


class EducationOrganizationReference(Model):
    """The organization whose number Ed-Fi keeps."""

    educationOrganizationId: Annotated[int, Field(ge=1, lt=2**63)]  # noqa: N815 - Ed-Fi's name


class StudentReference(Model):
    """The student, by the ID that the Ed-Fi API knows."""

    studentUniqueId: Annotated[str, Field(min_length=1, max_length=32)]  # noqa: N815


class CharacteristicPeriod(Model):
    """One period; `endDate` is left out where there is none."""

    beginDate: IsoDate  # noqa: N815
    endDate: Annotated[IsoDate | None, Field(exclude_if=lambda one: one is None)] = None  # noqa: N815


class StudentCharacteristic(Model):
    """Foster care, with its periods."""

    studentCharacteristicDescriptor: Literal[  # noqa: N815
        "uri://ed-fi.org/StudentCharacteristicDescriptor#Foster Care"
    ] = "uri://ed-fi.org/StudentCharacteristicDescriptor#Foster Care"
    periods: Annotated[tuple[CharacteristicPeriod, ...], Field(min_length=1)]


class StudentAssociation(Model):
    """A student at an organization."""

    educationOrganizationReference: EducationOrganizationReference  # noqa: N815
    studentReference: StudentReference  # noqa: N815
    studentCharacteristics: tuple[StudentCharacteristic, ...]  # noqa: N815


def ed_fi_lines(statuses: Iterable[Status]) -> Iterator[str]:
    """Yield one JSON document for each student and organization."""
    for number, one in enumerate(statuses, start=1):
        try:
            line = StudentAssociation(
                educationOrganizationReference=EducationOrganizationReference(
                    educationOrganizationId=int(one.organization)
                ),
                studentReference=StudentReference(studentUniqueId=one.student),
                studentCharacteristics=(
                    StudentCharacteristic(
                        periods=tuple(
                            CharacteristicPeriod(beginDate=p.begin, endDate=p.end)
                            for p in one.periods
                        )
                    ),
                ),
            )
        except (ValidationError, ValueError):
            # The value stays out of the message: it is a student's.
            raise ExportError(
                f"student {number:,} of the export has an ID or organization that Ed-Fi does not take",
                hint="a student ID has at most 32 characters, an organization is a whole number",
            ) from None
        yield json.dumps(line.model_dump(mode="json"), ensure_ascii=False)


def ceds_rows(statuses: Iterable[Status]) -> Iterator[tuple[str, ...]]:
    """Yield one row for each student, organization and period, as `CEDS_HEADER` names the cells."""
    for one in statuses:
        for period in one.periods:
            row = (one.student, one.organization, "1", period.begin, period.end or "")
            yield tuple(map(inert, row))


def csv_rows(statuses: Iterable[Status]) -> Iterator[tuple[str, ...]]:
    """Yield the same with what changed last and when, as `CSV_HEADER` names the cells."""
    for one in statuses:
        for period in one.periods:
            last = (one.change, one.changed) if period == one.periods[-1] else ("", "")
            row = (one.student, one.organization, period.begin, period.end or "", *last)
            yield tuple(map(inert, row))
