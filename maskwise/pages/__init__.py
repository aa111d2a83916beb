"""What the HTML pages share: their look, their way with numbers, and the pictures inside them.

A page is one file. It runs no script, fetches nothing and forbids both by its own policy, so that it can be mailed,
archived and opened anywhere.
"""
