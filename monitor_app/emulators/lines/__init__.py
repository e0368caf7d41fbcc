# SPDX-License-Identifier: Apache-2.0
"""Meters that send lines of text: EdgePowerMeter, CSV, JSON."""
