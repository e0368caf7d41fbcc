# SPDX-License-Identifier: Apache-2.0
"""The plan: its driver, one run phase by phase, warm-up, cool-down, completed runs."""
