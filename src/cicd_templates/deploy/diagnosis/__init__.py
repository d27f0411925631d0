"""Why an operation failed, where in the reviewed text, and what to do. Reads only."""
