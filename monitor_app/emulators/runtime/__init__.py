# SPDX-License-Identifier: Apache-2.0
"""What every emulator runs on: a pseudo-terminal, its loop, queue, options and faults."""
