"""Everything maskwise raises on purpose.

MaskwiseError
├── UsageError             what was asked for cannot be done as asked
│   ├── ConfigError        a recipe or flag with an unknown key or a value out of range
│   ├── LabelError         a class name that is not known here
│   └── DependencyError    a verb that needs an extra which is not installed
├── InputError             what was given cannot be used
│   ├── ImageError         one picture: missing, not a picture, truncated, too large
│   ├── DataError          a data set: wrong tree, bad manifest, too few pictures
│   └── ShapeError         an array whose shape or type is not the documented one
├── ArtifactError          a model folder: missing, altered, of a newer schema
├── ExportError            an exported model that does not agree with the trained one
├── StorageError           an output that cannot be written: disk full, no permission
└── EngineError            workers that cannot be started, or fail at every task

A message says what came, what is allowed, and what to do.
"""

from __future__ import annotations


class MaskwiseError(Exception):
    """Root of every error that maskwise raises on purpose."""


class UsageError(MaskwiseError):
    """What was asked for cannot be done as asked."""


class ConfigError(UsageError):
    """A recipe or flag with an unknown key or a value out of range."""


class LabelError(UsageError):
    """A class name that is not known here."""


class DependencyError(UsageError):
    """A verb that needs an extra which is not installed."""


class InputError(MaskwiseError):
    """What was given cannot be used."""


class ImageError(InputError):
    """One picture cannot be used: missing, not a picture, truncated or too large."""


class DataError(InputError):
    """A data set cannot be used: wrong tree, bad manifest or too few pictures."""


class ShapeError(InputError):
    """An array has not the documented shape or type."""


class ArtifactError(MaskwiseError):
    """A model folder cannot be used: missing, altered, or of a newer schema."""


class ExportError(MaskwiseError):
    """An exported model does not agree with the trained one."""


class StorageError(MaskwiseError):
    """An output cannot be written: disk full or no permission."""


class EngineError(MaskwiseError):
    """Workers cannot be started, or fail at every task."""
