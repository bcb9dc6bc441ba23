from annotate import *  # noqa: F403
