# SPDX-License-Identifier: Apache-2.0
"""A program of the user's own as what is measured: its process, and the marks that it sends."""
