"""What a principal needs that deploys an environment, derived from the reviewed templates and this deployer's calls."""
