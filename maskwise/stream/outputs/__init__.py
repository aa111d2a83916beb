"""Where it goes: files, messages, a page on this machine; and what is hidden on the way."""
