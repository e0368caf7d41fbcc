# SPDX-License-Identifier: Apache-2.0
"""Bench instruments that speak SCPI: supplies, multimeters, oscilloscopes."""
