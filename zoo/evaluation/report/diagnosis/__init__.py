"""Diagnosis of a run: what its curves and figures say, and the recipe edits that would mend it."""

from zoo.evaluation.report.diagnosis.diagnose import STATES, diagnose
from zoo.evaluation.report.diagnosis.epochs import best_epoch, monitored

__all__ = ["STATES", "best_epoch", "diagnose", "monitored"]
