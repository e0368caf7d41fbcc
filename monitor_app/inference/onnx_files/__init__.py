# SPDX-License-Identifier: Apache-2.0
"""ONNX files: made from networks of PyTorch, converted to other precisions, described. Each in a process of its own.

`workshop` starts the processes and keeps what they make; the child that measures imports nothing else of this package,
so that neither torch nor the library of a converter is in the memory that is measured.
"""
