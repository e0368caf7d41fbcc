# SPDX-License-Identifier: Apache-2.0
"""Models of the user's own as values: the table of a profile, what it says, and the unit of their work."""
