# SPDX-License-Identifier: Apache-2.0
"""How the panes are shown: what the user chooses about it, by menus, a dialog and the mouse, and what is remembered."""
