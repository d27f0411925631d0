"""Asks services for the details of a failure, one file per service. Only reads; each returned line states a fact."""
