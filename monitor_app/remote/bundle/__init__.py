# SPDX-License-Identifier: Apache-2.0
"""The children of the bench in one file, for a board on which nothing is installed (docs/decisions/0032)."""
