"""Deployments: execute change sets in order, watch them, and remember what is under way."""
