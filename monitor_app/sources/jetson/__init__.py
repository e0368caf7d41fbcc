# SPDX-License-Identifier: Apache-2.0
"""The power rails of a Jetson, read from sysfs."""
