# SPDX-License-Identifier: Apache-2.0
"""What a PC measures of itself: NVML, RAPL, hwmon."""
