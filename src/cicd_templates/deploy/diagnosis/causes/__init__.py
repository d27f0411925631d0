"""What a service itself knows of a failure, one service a file. Reads only, and each line is a fact."""
