"""The bots' pages: a view is guard, service, answer."""
