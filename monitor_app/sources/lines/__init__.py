# SPDX-License-Identifier: Apache-2.0
"""Meters that send lines of text: EdgePowerMeter, and any CSV or JSON that a profile describes."""
