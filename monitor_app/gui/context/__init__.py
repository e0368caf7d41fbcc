# SPDX-License-Identifier: Apache-2.0
"""The menus of the right mouse button: what lies under the pointer, and what can be done with it."""
