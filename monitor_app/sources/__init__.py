# SPDX-License-Identifier: Apache-2.0
"""Instruments, a folder each; serial/transport.py alone opens serial ports."""
