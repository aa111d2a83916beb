"""From folders of pictures to a checked, split manifest."""
