# SPDX-License-Identifier: Apache-2.0
"""Markers in the panes: where their lines, banners and boxes lie, and how they are painted."""
