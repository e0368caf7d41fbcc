# SPDX-License-Identifier: Apache-2.0
"""Sessions other than the one on screen: recent ones, those that were never saved, damaged ones."""
