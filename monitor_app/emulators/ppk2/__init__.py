# SPDX-License-Identifier: Apache-2.0
"""The device side of the Power Profiler Kit II's protocol."""
