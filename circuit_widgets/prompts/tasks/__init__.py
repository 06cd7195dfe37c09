"""Tasks: clean and corrupt prompts aligned token by token, and what is measured on them."""

from __future__ import annotations

from circuit_widgets.prompts.tasks.checks import rows_in_words
from circuit_widgets.prompts.tasks.scores import METRICS, read_at
from circuit_widgets.prompts.tasks.settings import TaskSettings
from circuit_widgets.prompts.tasks.task import Task, check_is_task

__all__ = ["METRICS", "Task", "TaskSettings", "check_is_task", "read_at", "rows_in_words"]
