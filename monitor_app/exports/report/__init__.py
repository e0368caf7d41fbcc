# SPDX-License-Identifier: Apache-2.0
"""The report of one or more campaigns, as an HTML page or as PDF with the same content."""
