"""Asks AWS services why a resource failed, one module per service. Only reads; each line states one fact."""
