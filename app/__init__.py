"""First Step: case management for children, where every look leaves a trace."""

import warnings

from pydantic import BaseModel
from pydantic.warnings import UnsupportedFieldAttributeWarning

from app.unloaded import never_load

# Pydantic would build a validator for each of some hundred models as it is imported, FastAPI's own included, and most
# processes never use most of them: at the first use is soon enough. It is a sixth of the time a start takes.
BaseModel.model_config["defer_build"] = True
# FastAPI silences this one where it makes a field; the field that is built later would say it after all.
warnings.filterwarnings("ignore", category=UnsupportedFieldAttributeWarning)
# Of each model FastAPI asks whether it is one of Pydantic's first version; none is, and to know it imports all of that.
never_load("pydantic.v1")
