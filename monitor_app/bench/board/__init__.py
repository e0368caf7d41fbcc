# SPDX-License-Identifier: Apache-2.0
"""Power modes and clocks of a board: set, recorded, saved and restored."""
