"""Videos and cameras: frames with real times, people followed over time, and what happens to them.

names      what a stream may be called where others can read it
video      files and network streams, decoded with their own times
live       sources that never end: what comes too fast is dropped, what breaks is opened again
opening    from what the user wrote to one of these
"""
