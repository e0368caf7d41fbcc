# SPDX-License-Identifier: Apache-2.0
"""The window with the analysis of the inferences of a pair of markers, or of two runs beside each other."""
