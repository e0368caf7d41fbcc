# SPDX-License-Identifier: Apache-2.0
"""The simulated board: what it draws while idle and busy, seen through a converter, with its ground truth."""
