# SPDX-License-Identifier: Apache-2.0
"""Many boards: a lab as a file, its boards recorded side by side, and folders of sessions analysed side by side."""
