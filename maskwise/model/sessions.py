"""How networks are run: ONNX Runtime on processor cores, with threads that wait for work only while there is some."""

from __future__ import annotations

import onnxruntime as ort


def session(model: str | bytes, threads: int, *, memory_pattern: bool = True) -> ort.InferenceSession:
    """A network, ready to run.

    A core that finishes its part of a layer waits busily for the next, which saves a millisecond in ten; but not after
    the last layer, when others have work to do. Without that end, detector and classifier one after the other take a
    third more processor time, each spinning while the other works.

    Args:
        model: path of an ONNX file, or its content.
        threads: 0 takes every core.
        memory_pattern: remember how memory was used for each size of input: not where there are many sizes.

    Raises:
        Exception: of many types of ONNX Runtime's own, if it cannot use the model.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # its warnings speak of graph details that no user can act on
    options.enable_mem_pattern = memory_pattern
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
