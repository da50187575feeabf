"""Backtests as jobs: a row is claimed, a child process computes it, and only this side writes."""
