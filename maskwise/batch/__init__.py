"""Millions of pictures: a plan, parts of it done by whatever engine, a row for each picture; and on after a crash."""
