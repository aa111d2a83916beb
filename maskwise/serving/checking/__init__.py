"""Pictures that are sent: bounded, looked at several at a time, never kept."""
