"""Runs the rendered pipeline on this machine, under its own roles in the local AWS.

Reads `out/` alone and imports nothing of the renderer. What has a real engine uses it: IAM, S3, KMS, CloudFormation,
Lambda, events. What is left, the walk through stages and the phases of builds, is here, and what neither can show is
listed in the result instead of being guessed at.
"""
