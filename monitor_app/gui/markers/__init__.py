# SPDX-License-Identifier: Apache-2.0
"""Markers as the user handles them: laid, moved, named, stored. How they are painted: gui/plot/markers."""
