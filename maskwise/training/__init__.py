"""From a split manifest to a measured artifact."""
