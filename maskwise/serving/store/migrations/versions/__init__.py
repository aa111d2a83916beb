"""The revisions; what is published is never changed."""
