"""The invented people of the demonstration: staff, partners, children. Nobody here exists."""

from typing import Any

DOMAIN = "demo.first-step.example"
"""Production refuses to serve a database with active users of this domain."""

TEAMS = ("Siem Reap", "Phnom Penh")
AGENCIES = (
    ("First Step Cambodia", "fsc"),
    ("Hands of Hope", "partner"),
    ("River Children's House", "partner"),
)
STAFF: tuple[tuple[str, str, tuple[str, ...], tuple[tuple[str, bool], ...]], ...] = (
    ("sophea.worker", "Chan Sophea", ("social_worker",), (("Siem Reap", False),)),
    ("dara.worker", "Keo Dara", ("social_worker",), (("Phnom Penh", False),)),
    ("maly.worker", "Sok Maly", ("social_worker",), (("Siem Reap", False),)),
    ("rith.supervisor", "Chea Rith", ("supervisor",), (("Siem Reap", True),)),
    ("bopha.supervisor", "Nuon Bopha", ("supervisor",), (("Phnom Penh", True),)),
    ("vanna.supervisor", "Heng Vanna", ("supervisor",), (("Siem Reap", True), ("Phnom Penh", True))),
    ("kunthea.manager", "Ly Kunthea", ("programme_manager",), ()),
    ("samnang.finance", "Prak Samnang", ("finance_officer",), ()),
    ("ratana.me", "Ouk Ratana", ("me_officer",), ()),
    ("chanthy.dpo", "Mao Chanthy", ("data_protection_officer",), ()),
    ("visal.admin", "Tep Visal", ("administrator",), ()),
)
CLIENTS = (
    ("Hands of Hope case system", "Hands of Hope", ("referrals",)),
    ("River Children's House case system", "River Children's House", ("referrals",)),
    ("Reporting script", "First Step Cambodia", ("reports",)),
)

FAMILIES = (
    ("សុខ", "Sok"), ("ចាន់", "Chan"), ("គង់", "Kong"), ("លី", "Ly"), ("ហេង", "Heng"), ("នួន", "Nuon"),
    ("ជា", "Chea"), ("ម៉ៅ", "Mao"), ("ប្រាក់", "Prak"), ("ទេព", "Tep"), ("អ៊ុក", "Ouk"), ("កែវ", "Keo"),
)  # fmt: skip
BOYS = (
    ("វិចិត្រ", "Vichet"), ("ដារ៉ា", "Dara"), ("រតនៈ", "Ratanak"), ("សំណាង", "Samnang"), ("បូរី", "Borey"),
    ("ពិសិដ្ឋ", "Piseth"), ("សុវណ្ណ", "Sovann"), ("មករា", "Makara"),
)  # fmt: skip
GIRLS = (
    ("សុភា", "Sophea"), ("ស្រីមុំ", "Srey Mom"), ("បុប្ផា", "Bopha"), ("ចាន់ធី", "Chanthy"), ("កុលាប", "Kolab"),
    ("ម៉ាលី", "Maly"),
)  # fmt: skip
PLACES = ("17100901", "171009", "1710", "0203", "1202", "120101", "0801")
CARERS = ("mother", "grandmother", "aunt", "father")
CONCERNS = (
    ("survivor", "The child told a teacher about abuse by somebody known to the family. ក្មេងបានប្រាប់គ្រូបង្រៀន។"),
    ("survivor", "A neighbour noticed that the child is afraid to go home. The family asks for support."),
    (
        "hsb",
        "The child has shown sexual behaviour towards a younger child at school. Both families ask for help.",
    ),
    (
        "both",
        "The child was abused and has shown sexual behaviour towards a cousin. The school asks for help.",
    ),
    (
        "survivor",
        "Medical care was given after abuse; the child does not sleep and has stopped going to school.",
    ),
)


def referral(number: int, received_on: str) -> dict[str, Any]:
    """Return the referral of the n-th invented child: varied, and always the same."""
    is_boy = number % 5 != 3  # FSC serves mostly boys, and girls too
    given = (BOYS if is_boy else GIRLS)[number % (len(BOYS) if is_boy else len(GIRLS))]
    family = FAMILIES[(number * 7 + number // 12) % len(FAMILIES)]
    kind, summary = CONCERNS[number % len(CONCERNS)]
    return {
        "external_id": f"DEMO-{number:04}",
        "urgency": ("routine", "urgent", "routine", "emergency")[number % 4],
        "concern": {
            "kind": kind,
            "summary": summary,
            "child_is_safe_now": number % 4 != 3,
            "reported_to": ["police"],
        },
        "child": {
            "names": _names(family, given, number),
            "nickname": ("Chet", None, "Srey", None)[number % 4],
            "sex": "male" if is_boy else "female",
            "birth": _birth(number),
            "place_code": PLACES[number % len(PLACES)],
            "languages": ["km"],
            "school": {"status": ("attending", "dropped_out")[number % 2], "grade": str(1 + number % 9)},
        },
        "caregiver": {
            "names": _names(family, GIRLS[(number + 2) % len(GIRLS)], number),
            "relationship": CARERS[number % len(CARERS)],
            "phone": {"number": f"01234{5000 + number}", "owner": "self", "safe_to_call": number % 3 != 0},
            "knows_of_referral": True,
        },
        "referrer": {"name": "Case worker on duty", "position": "social worker"},
        "consent": {
            "given_by": ["child", "caregiver"],
            "method": ("oral", "written", "thumbprint")[number % 3],
            "on": received_on,
            "scope": ["services", "share_with_fsc"],
        },
        "services_already_given": ["medical"] if number % 3 == 0 else [],
    }


def _names(family: tuple[str, str], given: tuple[str, str], number: int) -> list[dict[str, str]]:
    khmer = {"script": "khmer", "family": family[0], "given": given[0]}
    latin = {"script": "latin", "family": family[1], "given": given[1]}
    return [[khmer, latin], [latin], [khmer]][number % 3]


def _birth(number: int) -> dict[str, Any]:
    year = 2010 + number % 10
    if number % 4 == 1:
        return {"estimated_age": 2026 - year, "estimated_on": "2026-06-01"}
    precision = ("day", "month", "year")[number % 3]
    return {"date": f"{year}-{1 + number % 12:02}-{1 + number % 28:02}", "precision": precision}
