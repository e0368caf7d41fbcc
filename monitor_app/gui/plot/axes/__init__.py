# SPDX-License-Identifier: Apache-2.0
"""The axes of the panes, and their picture."""
