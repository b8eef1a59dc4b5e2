"""Invented people and organisations of the demonstration: staff, agencies, children, funds and providers."""

from datetime import date, timedelta
from random import Random
from typing import Any, NamedTuple

from app.demo.case_scenarios import CaseScenario
from app.kit.dates import add_months

EMAIL_DOMAIN = "demo.first-step.example"
"""In production the server does not start if the database contains active users of this domain."""


class StaffMember(NamedTuple):
    """A user account of the demonstration."""

    mailbox: str
    name: str
    roles: tuple[str, ...]
    teams: tuple[tuple[str, bool], ...]
    """Name of each team, and whether the member supervises it."""


class DemoApiClient(NamedTuple):
    """An API client of the demonstration."""

    name: str
    agency: str
    scopes: tuple[str, ...]


class DemoFund(NamedTuple):
    """An invented fund and its donor."""

    name: str
    donor: str
    currency: str
    categories: tuple[str, ...]
    deposit: str
    """Amount that the donor gives every half year."""


class DemoProvider(NamedTuple):
    """An invented service provider."""

    name: str
    kind: str
    services: tuple[str, ...]
    province_codes: tuple[str, ...]


TEAMS = ("Siem Reap", "Phnom Penh")
AGENCIES = (
    ("First Step Cambodia", "fsc"),
    ("Hands of Hope", "partner"),
    ("River Children's House", "partner"),
)
STAFF = (
    StaffMember("sophea.worker", "Chan Sophea", ("social_worker",), (("Siem Reap", False),)),
    StaffMember("dara.worker", "Keo Dara", ("social_worker",), (("Phnom Penh", False),)),
    StaffMember("maly.worker", "Sok Maly", ("social_worker",), (("Siem Reap", False),)),
    StaffMember("rith.supervisor", "Chea Rith", ("supervisor",), (("Siem Reap", True),)),
    StaffMember("bopha.supervisor", "Nuon Bopha", ("supervisor",), (("Phnom Penh", True),)),
    StaffMember(
        "vanna.supervisor", "Heng Vanna", ("supervisor",), (("Siem Reap", True), ("Phnom Penh", True))
    ),
    StaffMember("kunthea.manager", "Ly Kunthea", ("programme_manager",), ()),
    StaffMember("samnang.finance", "Prak Samnang", ("finance_officer",), ()),
    StaffMember("ratana.me", "Ouk Ratana", ("me_officer",), ()),
    StaffMember("chanthy.dpo", "Mao Chanthy", ("data_protection_officer",), ()),
    StaffMember("visal.admin", "Tep Visal", ("administrator",), ()),
    StaffMember("pisey.worker", "Lim Pisey", ("social_worker",), (("Phnom Penh", False),)),
    StaffMember("bunthoeun.worker", "Ros Bunthoeun", ("social_worker",), (("Siem Reap", False),)),
    StaffMember("sreyneang.worker", "Meas Sreyneang", ("social_worker",), (("Phnom Penh", False),)),
)
LEAVER = StaffMember("vuthy.worker", "Chhim Vuthy", ("social_worker",), (("Siem Reap", False),))
"""A worker who has left: the account is deactivated, and has no password in `demo.json`."""
WORKERS = {
    "Siem Reap": ("sophea.worker", "maly.worker", "bunthoeun.worker"),
    "Phnom Penh": ("dara.worker", "pisey.worker", "sreyneang.worker"),
}
SUPERVISORS = {
    "Siem Reap": ("rith.supervisor", "vanna.supervisor"),
    "Phnom Penh": ("bopha.supervisor", "vanna.supervisor"),
}
PROGRAMME_MANAGER = "kunthea.manager"
ADMINISTRATOR = "visal.admin"
SUPERVISOR_OF_ALL_TEAMS = "vanna.supervisor"
FINANCE_OFFICER = "samnang.finance"
API_CLIENTS = (
    DemoApiClient("Hands of Hope case system", "Hands of Hope", ("referrals",)),
    DemoApiClient("River Children's House case system", "River Children's House", ("referrals",)),
    DemoApiClient("Reporting script", "First Step Cambodia", ("reports",)),
)

FAMILY_NAMES = (
    ("សុខ", "Sok"), ("ចាន់", "Chan"), ("គង់", "Kong"), ("លី", "Ly"), ("ហេង", "Heng"), ("នួន", "Nuon"),
    ("ជា", "Chea"), ("ម៉ៅ", "Mao"), ("ប្រាក់", "Prak"), ("ទេព", "Tep"), ("អ៊ុក", "Ouk"), ("កែវ", "Keo"),
    ("មាស", "Meas"), ("រស់", "Ros"), ("អ៊ឹម", "Im"), ("សាន", "San"), ("យឹម", "Yim"), ("ឃឹម", "Khim"),
    ("ឈួន", "Chhuon"),
)  # fmt: skip
BOYS_NAMES = (
    ("វិចិត្រ", "Vichet"), ("ដារ៉ា", "Dara"), ("រតនៈ", "Ratanak"), ("សំណាង", "Samnang"), ("បូរី", "Borey"),
    ("ពិសិដ្ឋ", "Piseth"), ("សុវណ្ណ", "Sovann"), ("មករា", "Makara"), ("វណ្ណៈ", "Vanna"), ("ចាន់ថន", "Chanthorn"),
    ("រិទ្ធី", "Rithy"), ("សុភ័ក្រ", "Sopheak"), ("ភារុណ", "Phearun"), ("គឹមហុង", "Kimhong"), ("បញ្ញា", "Panha"),
    ("វីរៈ", "Virak"), ("តុលា", "Tola"),
)  # fmt: skip
GIRLS_NAMES = (
    ("សុភា", "Sophea"), ("ស្រីមុំ", "Srey Mom"), ("បុប្ផា", "Bopha"), ("ចាន់ធី", "Chanthy"), ("កុលាប", "Kolab"),
    ("ម៉ាលី", "Maly"), ("ស្រីនាង", "Sreyneang"),
)  # fmt: skip
NICKNAMES = ("Chet", None, "ម៉ាប់", None, "Tuch", None, None)
PLACE_CODES = {
    "Siem Reap": (
        "17100901",
        "171009",
        "1710",
        "17060603",
        "170405",
        "17101306",
        "0102",
        "01040310",
        "02031003",
    ),
    "Phnom Penh": ("120101", "1202", "12040904", "120807", "12100705", "0801", "080211", "0305", "06040601"),
}
CAREGIVER_RELATIONSHIPS = ("mother", "grandmother", "aunt", "father", "grandfather", "mother", "foster_carer")
CONCERN_SUMMARIES = {
    "survivor": (
        "The child told a teacher about abuse by a person known to the family. ក្មេងបានប្រាប់គ្រូបង្រៀន។",
        "A neighbour noticed that the child is afraid to go home. The family asks for support.",
        "Medical care was given after abuse; the child does not sleep and has stopped going to school.",
        "កុមារភ័យខ្លាច មិនចង់ទៅសាលា។ ម្តាយសុំជំនួយ។",
    ),
    "hsb": (
        "The child has shown sexual behaviour towards a younger child at school. Both families ask for help.",
        "កុមារមានឥរិយាបថផ្លូវភេទដែលបង្កគ្រោះថ្នាក់ចំពោះក្មេងតូចជាង។ គ្រួសារសុំការណែនាំ។",
    ),
    "both": (
        "The child was abused and has shown sexual behaviour towards a cousin. The school asks for help.",
    ),
}
DISABILITIES = ({"hearing": "a_lot"}, {"remembering": "some", "communicating": "a_lot"}, {"walking": "some"})
FUNDS = (
    DemoFund("A way to school", "Lotus Friends", "USD", ("education", "transport", "sports"), "2400.00"),
    DemoFund(
        "Healthy again", "River Foundation", "KHR", ("health_care", "nutrition", "safe_space"), "9000000"
    ),
    DemoFund(
        "Justice for children",
        "Guild of Gardeners",
        "USD",
        ("court_attendance", "alternative_care"),
        "1200.00",
    ),
)
PROVIDERS = (
    DemoProvider(
        "Angkor Hospital of the Demonstration",
        "hospital",
        ("medical", "mental_health", "forensic_examination"),
        ("17",),
    ),
    DemoProvider("មណ្ឌលសុខភាព ស្វាយដង្គំ", "health_centre", ("medical", "nutrition"), ("17",)),
    DemoProvider(
        "Tonle Children's Hospital", "hospital", ("medical", "mental_health", "disability"), ("12", "08")
    ),
    DemoProvider("Khmer Lantern Legal Aid", "legal_aid", ("legal",), ()),
    DemoProvider("សាលាបឋមសិក្សា វត្តបូព៌", "school", ("education",), ("17",)),
    DemoProvider("Riverside School", "school", ("education",), ("12",)),
    DemoProvider("House of Rest", "shelter", ("shelter", "psychosocial"), ("12", "17")),
    DemoProvider(
        "Wheels and Tools Training Centre", "training_centre", ("vocational_training", "livelihood"), ()
    ),
    DemoProvider("Commune Hall", "authority", ("civil_registration", "family_support"), ("17", "12")),
    DemoProvider("Rice and Light", "ngo", ("nutrition", "livelihood", "disability", "transport"), ()),
    DemoProvider("Old Mill Clinic", "health_centre", ("medical",), ("02",)),
)
"""The last provider has no safeguarding check."""


def build_referral(scenario: CaseScenario) -> dict[str, Any]:
    """Return the payload of a referral. It depends on the number of the scenario only."""
    number, consent_on = scenario.number, scenario.opened_on - timedelta(days=9)
    is_boy = number % 5 != 3  # most children of First Step are boys
    given = (BOYS_NAMES if is_boy else GIRLS_NAMES)[
        number % (len(BOYS_NAMES) if is_boy else len(GIRLS_NAMES))
    ]
    family = FAMILY_NAMES[(number * 7 + number // 12) % len(FAMILY_NAMES)]
    concerns, age = CONCERN_SUMMARIES[scenario.kind], 5 + number * 5 % 13
    places = PLACE_CODES["Siem Reap" if scenario.is_siem_reap else "Phnom Penh"]
    return {
        "urgency": ("routine", "urgent", "routine", "emergency")[number % 4],
        "concern": {
            "kind": scenario.kind,
            "summary": concerns[number % len(concerns)],
            "child_is_safe_now": number % 4 != 3,
            "reported_to": ["police"] if number % 3 == 0 else ["commune_committee"],
        },
        "child": {
            "names": build_names(family, given, number),
            "nickname": NICKNAMES[number % len(NICKNAMES)],
            "sex": "male" if is_boy else "female",
            "birth": _build_birth(number, age, consent_on),
            "place_code": places[number % len(places)],
            "languages": ["km", "vi"] if number % 16 == 9 else ["km"],
            "disability": _build_disability(number),
            "school": _build_school(number, age),
            "idpoor": ("poor_1", "none", "poor_2", "at_risk", "unknown")[number % 5],
            "gender_identity": ("not_asked", "boy" if is_boy else "girl", "questioning")[(number % 11) // 5],
        },
        "caregiver": {
            "names": build_names(family, GIRLS_NAMES[(number + 2) % len(GIRLS_NAMES)], number),
            "relationship": CAREGIVER_RELATIONSHIPS[number % len(CAREGIVER_RELATIONSHIPS)],
            "phones": _build_caregiver_phones(number),
            "knows_of_referral": True,
        },
        "referrer": {"name": "Case worker on duty", "position": "social worker"},
        "consent": {
            "given_by": ["child", "caregiver"],
            "method": ("oral", "written", "thumbprint")[number % 3],
            "on": consent_on.isoformat(),
            "scope": ["services", "share_with_fsc"],
        },
        "services_already_given": ["medical"] if number % 3 == 0 else [],
    }


def _build_caregiver_phones(number: int) -> list[dict[str, Any]]:
    """Return the caregiver's phone and, for every fourth caregiver, the phone of a neighbour."""
    phones: list[dict[str, Any]] = [
        {"number": f"01234{5000 + number}", "owner": "self", "safe_to_call": number % 3 != 0}
    ]
    if number % 4 == 0:
        phones.append({"number": f"09712{34000 + number} (neighbour)", "owner": "friend"})
    return phones


def build_names(family: tuple[str, str], given: tuple[str, str], number: int) -> list[dict[str, str]]:
    """Return a name in Khmer script, in Latin script, or in both."""
    khmer = {"script": "khmer", "family": family[0], "given": given[0]}
    latin = {"script": "latin", "family": family[1], "given": given[1]}
    return [[khmer, latin], [latin], [khmer]][number % 3]


def build_family_member(number: int) -> dict[str, Any]:
    """Return the responsible family member of a child who has another supporter."""
    family = FAMILY_NAMES[(number * 7 + number // 12) % len(FAMILY_NAMES)]
    return {
        "role": "family",
        "names": build_names(family, GIRLS_NAMES[(number + 4) % len(GIRLS_NAMES)], number),
        "relationship": "mother",
        "is_responsible": True,
    }


def _build_birth(number: int, age: int, on: date) -> dict[str, Any]:
    """Return a date of birth with varying precision, or an estimated age."""
    if number % 4 == 1:
        return {"estimated_age": age, "estimated_on": on.isoformat()}
    born = add_months(on, -12 * age) - timedelta(days=Random(number).randrange(10, 350))
    return {"date": born.isoformat(), "precision": ("day", "month", "year")[number % 3]}


def _build_disability(number: int) -> dict[str, Any] | None:
    if number % 9 != 2:
        return None
    return {"has_difficulty": True, "difficulties": DISABILITIES[number % len(DISABILITIES)]}


def _build_school(number: int, age: int) -> dict[str, Any]:
    if age == 5:
        return {"status": "attending", "grade": "preschool"}
    if number % 3 == 1:
        return {"status": "dropped_out", "grade": str(max(1, age - 7))}
    return {"status": "attending", "grade": str(min(12, max(1, age - 5)))}
