# SPDX-License-Identifier: Apache-2.0
"""The panes on one time axis: curves, overlay, cursor, overview, navigation."""
