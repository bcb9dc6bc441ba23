from export import *  # noqa: F403
