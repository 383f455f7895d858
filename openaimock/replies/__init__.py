"""Replies: plans, templates and automatic content."""
