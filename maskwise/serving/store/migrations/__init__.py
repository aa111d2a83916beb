"""How the tables became what they are: one module a revision; `maskwise.serving.store.schema` runs them."""
