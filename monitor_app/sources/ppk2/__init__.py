# SPDX-License-Identifier: Apache-2.0
"""Nordic Power Profiler Kit II: current at 100 kSa/s in five ranges."""
