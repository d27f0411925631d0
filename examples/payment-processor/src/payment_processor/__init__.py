"""The example service. It accepts payments, stores nothing, and reports whether it is healthy."""
