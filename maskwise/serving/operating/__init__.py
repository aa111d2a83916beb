"""What keeps a service running: metrics, logs, health, upkeep."""
