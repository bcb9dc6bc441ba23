from cli import *  # noqa: F403
