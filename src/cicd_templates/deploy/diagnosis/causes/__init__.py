"""Asks AWS services for the details of a failure, one file per service. Only reads; each line states one fact."""
