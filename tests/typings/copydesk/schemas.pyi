from schemas import *  # noqa: F403
