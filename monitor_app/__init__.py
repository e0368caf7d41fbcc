# SPDX-License-Identifier: Apache-2.0
"""A desktop monitor for the power, latency and accuracy of neural networks on a board."""

__version__ = "0.1.0"
