# SPDX-License-Identifier: Apache-2.0
"""The bench: owns the instruments, drives the inference, writes the session file. Knows no Qt."""
