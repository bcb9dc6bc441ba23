"""The published thing: gold tables, splits, releases and their differences, cards and reports."""

from __future__ import annotations

from .browse import PORT as BROWSE_PORT
from .browse import browsing
from .comparison_page import compare_reports
from .diff import Change, Diff, Snapshot, changes, compare, diff, summary
from .diff_page import diff_page
from .exchange import Article, FormatFiles
from .features import CONFIGS, Classes, Config
from .fetching import Fetcher
from .figures import Figure
from .formats import FORMATS, export_release, read_marked
from .hydrate import HYDRATION_FILE, Hydrated, hydrate
from .labels import LABELS_FILE, grow, read_labels
from .package import Package
from .publish import PUBLISHED_FILE, Publication, publish
from .release import Release, load_release, release
from .report import Report, report
from .spacy_files import SpacyFiles, write_spacy
from .splits import SPLITS, SPLITS_FILE, read_splits
from .tables import Loss, flatten
from .verify import problems, verify
from .versions import last_release, releases

__all__ = [
    "BROWSE_PORT",
    "CONFIGS",
    "FORMATS",
    "HYDRATION_FILE",
    "LABELS_FILE",
    "PUBLISHED_FILE",
    "SPLITS",
    "SPLITS_FILE",
    "Article",
    "Change",
    "Classes",
    "Config",
    "Diff",
    "Fetcher",
    "Figure",
    "FormatFiles",
    "Hydrated",
    "Loss",
    "Package",
    "Publication",
    "Release",
    "Report",
    "Snapshot",
    "SpacyFiles",
    "browsing",
    "changes",
    "compare",
    "compare_reports",
    "diff",
    "diff_page",
    "export_release",
    "flatten",
    "grow",
    "hydrate",
    "last_release",
    "load_release",
    "problems",
    "publish",
    "read_labels",
    "read_marked",
    "read_splits",
    "release",
    "releases",
    "report",
    "summary",
    "verify",
    "write_spacy",
]
