# SPDX-License-Identifier: Apache-2.0
"""PowerSensor3: currents and voltages of up to four pairs at 20 kSa/s."""
