# SPDX-License-Identifier: Apache-2.0
"""The menus of the panes: what of them lies under the pointer, and what can be done with it."""
