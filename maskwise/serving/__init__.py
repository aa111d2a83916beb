"""The service: REST, live verdicts and a web page over what `check` and `watch` do. It translates and decides nothing.

settings   what the operator chose, checked once
service    the parts, opened and closed together
app        the parts behind HTTP
run        the process: listens, ends in good order
checking   pictures that are sent        cameras   streams that are watched
store      what is remembered            guard     who may do what
operating  metrics, logs, health         page      what a browser is given
api        one module for each resource

Importing it needs the extra `serve`.
"""
