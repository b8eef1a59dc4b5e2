"""All mistakes of operators that the tests make, each against the real command line."""

from tests.faults.wrong_backups import WRONG_BACKUPS, WRONG_RESTORES
from tests.faults.wrong_files import WRONG_HOMES, WRONG_KEYS, WRONG_USES
from tests.faults.wrong_settings import WRONG_CONNECTIONS, WRONG_SETTINGS

MISTAKES = [
    *WRONG_SETTINGS,
    *WRONG_CONNECTIONS,
    *WRONG_KEYS,
    *WRONG_HOMES,
    *WRONG_USES,
    *WRONG_BACKUPS,
    *WRONG_RESTORES,
]
