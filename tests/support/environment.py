"""Settings of the test process. Import this module before anything from `app`, which reads them on import."""

import os
import tempfile
from pathlib import Path

TEST_HOME = Path(tempfile.mkdtemp(prefix="firststep-tests-"))

os.environ["FIRSTSTEP_HOME"] = str(TEST_HOME)
os.environ["FIRSTSTEP_PUBLIC_URL"] = "http://testserver"
os.environ["FIRSTSTEP_MODE"] = "demo"
os.environ.pop("FIRSTSTEP_DATABASE_URL", None)
