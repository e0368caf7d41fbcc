# SPDX-License-Identifier: Apache-2.0
"""Instruments, one file each; transport.py is the only door to the serial port."""
