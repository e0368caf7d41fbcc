# SPDX-License-Identifier: Apache-2.0
"""Charts drawn to files: PNG, SVG and PDF by one painter."""
