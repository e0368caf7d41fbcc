# SPDX-License-Identifier: Apache-2.0
"""The device side of SCPI: a supply, multimeters, an oscilloscope."""
