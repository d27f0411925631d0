"""What a layer is made with: its definition, its IAM statements, and the typed values that it publishes and reads."""
