"""One module for each resource of the REST interface; docs/reference/rest.md describes it."""
