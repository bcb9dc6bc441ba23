from corpus import *  # noqa: F403
