# SPDX-License-Identifier: Apache-2.0
"""What the Help menu opens: the guide, the log, a bundle for a report, and what the program is made of."""
