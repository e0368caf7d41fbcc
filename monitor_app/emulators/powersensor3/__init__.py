# SPDX-License-Identifier: Apache-2.0
"""The device side of the PowerSensor3's protocol."""
