"""Who does many tasks: processes of this machine, or a Ray cluster. What a task is, no engine knows."""
