# SPDX-License-Identifier: Apache-2.0
"""Two sessions compared: regressions with their statistics, pairs, differences, sentences."""
