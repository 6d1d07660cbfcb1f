"""Every setting, with its unit, range and default; the environment variable is the name in capitals.

Names that RAE's workers already use keep their name and default. Nothing else in the
project reads the environment. ``load_settings`` turns whatever is wrong into one line
that names the variable.
"""

from memory_maintenance.settings.kinds import LAYER_SPELLINGS, Tags
from memory_maintenance.settings.overrides import SETTING_OF, TenantOverrides
from memory_maintenance.settings.process import Settings, load_settings, names_set

__all__ = ["LAYER_SPELLINGS", "SETTING_OF", "Settings", "Tags", "TenantOverrides", "load_settings", "names_set"]
