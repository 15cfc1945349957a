"""Dispatch: a decision becomes a Python function.

Knows nothing of measuring, searching or tuning; a miss reaches the tuner through one hook.
"""
